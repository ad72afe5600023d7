// The server, asked: errors as it tells them, with what to do about them.

export class Problem extends Error {
  constructor(told, status) {
    super(told.detail || told.title || `the server answered ${status}`);
    this.hint = told.hint || "";
    this.status = status;
  }
}

/** What the server says to a path under /api/v1. Throws Problem, or TypeError where it cannot be reached. */
export async function ask(path, {method = "GET", body, signal} = {}) {
  const reply = await fetch(`/api/v1${path}`, {
    method, signal,
    headers: body === undefined ? {} : {"content-type": "application/json"},
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (reply.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {});
  }
  if (reply.status === 204) return null;
  const told = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Problem(told, reply.status);
  return told;
}

/** A path with the parameters that are not empty. */
export function path(base, parameters) {
  const kept = Object.entries(parameters).filter(([, one]) => one !== "" && one !== null && one !== undefined);
  return kept.length ? `${base}?${new URLSearchParams(kept)}` : base;
}

/** Summaries once a second; `told` gets each, `state` "live" or "lost". The browser connects again by itself. */
export function live(told, state) {
  let stream = null;
  const begin = () => {
    stream = new EventSource("/api/v1/overview/live");
    stream.onopen = () => state("live");
    stream.onmessage = event => told(JSON.parse(event.data));
    stream.onerror = () => {
      state("lost");
      if (stream.readyState === EventSource.CLOSED) setTimeout(begin, 3000);
    };
  };
  begin();
  // A page that nobody looks at costs nobody anything.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stream.close();
    else if (stream.readyState === EventSource.CLOSED) begin();
  });
}
