// Numbers and times as people read them: money from nano-USD, times in the reader's zone.

const moment = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "medium"});
const clock = new Intl.DateTimeFormat(undefined, {timeStyle: "medium"});
const whole = new Intl.NumberFormat(undefined);

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function money(nano) {
  if (nano === null || nano === undefined) return "–";
  const usd = nano / 1e9, size = Math.abs(usd);
  if (usd === 0) return "$0";
  if (size >= 100) return `$${whole.format(Math.round(usd))}`;
  const digits = size >= 1 ? 2 : size >= 0.01 ? 4 : Math.min(9, 2 - Math.floor(Math.log10(size)));
  return `${usd < 0 ? "−" : ""}$${size.toFixed(digits)}`;
}

export const count = number => number === null || number === undefined ? "–" : whole.format(number);
export const percent = (share, digits = 0) => share === null || share === undefined ? "–" : `${(share * 100).toFixed(digits)} %`;
export const chance = share => share === null || share === undefined ? "–" : share.toFixed(2);

export function lasting(ns) {
  if (ns === null || ns === undefined) return "–";
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(0)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(ns < 1e7 ? 1 : 0)} ms`;
  if (ns < 6e10) return `${(ns / 1e9).toFixed(1)} s`;
  if (ns < 3.6e12) return `${(ns / 6e10).toFixed(1)} min`;
  return ns < 1.728e14 ? `${(ns / 3.6e12).toFixed(1)} h` : `${(ns / 8.64e13).toFixed(1)} days`;
}

export const when = ns => ns ? moment.format(new Date(ns / 1e6)) : "–";
const shortly = new Intl.DateTimeFormat(undefined, {month: "short", day: "numeric", hour: "numeric", minute: "2-digit"});
export const day = ns => ns ? shortly.format(new Date(ns / 1e6)) : "–";
export const at = ns => ns ? clock.format(new Date(ns / 1e6)) : "–";
export const short = id => id.length <= 14 ? id : `…${id.slice(-13)}`;

/** A value of any type as text. */
export function value(one) {
  if (one === null || one === undefined) return "–";
  return typeof one === "string" ? one : JSON.stringify(one, null, 1);
}
