// Charts by uPlot; beside each stands the same as a table, for whoever cannot see it.

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A chart in `place`. `series` are {label, values, value?, scale?, points?}; `x` seconds since 1970 or numbers. */
export function chart(place, x, series, {time = true, height = 220, y = {}, dots = false, range} = {}) {
  const soft = colour("--soft"), line = colour("--line"), colours = ["--accent", "--good", "--warn", "--bad"].map(colour);
  const axis = {stroke: soft, grid: {stroke: line, width: 1}, ticks: {stroke: line}};
  const made = new uPlot({
    width: Math.max(280, place.clientWidth), height,
    scales: {x: {time, ...(range ? {range: range.x} : {})}, ...(range ? {y: {range: range.y}} : {})},
    axes: [axis, {...axis, size: 64, values: y.tell ? (_, ticks) => ticks.map(tick => y.tell(tick)) : undefined}],
    series: [{label: time ? "when" : y.x || "x"}, ...series.map((one, index) => ({
      label: one.label, stroke: colours[index % colours.length], width: 2,
      paths: dots && !one.line ? () => null : undefined,
      points: {show: dots && !one.line ? true : undefined, size: 8, fill: colours[index % colours.length]},
      value: (_, said) => said === null || said === undefined ? "–" : one.tell ? one.tell(said) : said,
    }))],
  }, [x, ...series.map(one => one.values)], place);
  const fit = new ResizeObserver(() => made.setSize({width: Math.max(280, place.clientWidth), height}));
  fit.observe(place);
  return () => { fit.disconnect(); made.destroy(); };
}
