// Charts of lines over time, with levels, bands and a legend.

function ticks(from, to) {
  const hours = (to - from) / 3600000;
  const step = (hours <= 0.3 ? 1 / 60 : hours <= 2 ? 0.25 : hours <= 12 ? 2 : 24) * 3600000;
  const list = [];
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) list.push(time);
  return list;
}

const dayOrTime = (time, long) => (long ? new Date(time).toLocaleDateString([], { weekday: "short", day: "numeric" }) : clock(time));

function line(points, x, y, gap) {
  let path = "", before = null;
  for (const [time, strength] of points) {
    path += `${before !== null && time - before <= 2 * gap ? "L" : "M"}${x(time).toFixed(1)} ${y(strength).toFixed(1)}`;
    before = time;
  }
  return path;
}


// How large a drawing is, in its own units.
const SMALL = { width: 400, height: 170, left: 44, right: 10, top: 10, bottom: 24 };
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "1 4", "10 4", "4 4", "3 6"]; // colours alone do not tell lines apart

// A round number of steps between low and high.
function levelsBetween(low, high) {
  const rough = (high - low) / 3, power = 10 ** Math.floor(Math.log10(rough)), times = rough / power;
  const step = power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10), list = [];
  for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-9) && list.length < 8; i++) list.push(i * step);
  return list;
}

function rangeOf(chart) {
  const values = (chart.levels ?? []).map((level) => level.value);
  for (const one of chart.lines)
    for (const [, value] of one.points) if (Number.isFinite(value)) values.push(value);
  for (const [, low, high] of chart.band ?? []) values.push(low, high);
  let low = Math.min(chart.low ?? Infinity, ...values), high = Math.max(chart.high ?? -Infinity, ...values);
  if (!(low < high)) return Number.isFinite(low) ? [low - 0.5, high + 0.5] : [0, 1];
  const room = (high - low) * 0.04; // so that a line at the end is seen whole
  return [low === chart.low ? low : low - room, high === chart.high ? high : high + room];
}

function bandPath(band, x, y) {
  const upper = band.map(([time, , high]) => `${x(time).toFixed(1)} ${y(high).toFixed(1)}`);
  const lower = band.map(([time, low]) => `${x(time).toFixed(1)} ${y(low).toFixed(1)}`).reverse();
  return `M${upper.concat(lower).join("L")}z`;
}

// chart: title, from, to, gap (ms between points), lines [{name, points}], and maybe levels [{value, name, className}],
// band [[time, low, high]], low, high, format. A point alone is a dot.
function lineChart(chart) {
  const { width, height, left, right, top, bottom } = SMALL, format = chart.format ?? show;
  const [low, high] = rangeOf(chart);
  const x = (time) => left + ((time - chart.from) / (chart.to - chart.from)) * (width - left - right);
  const y = (value) => height - bottom - ((value - low) / (high - low)) * (height - top - bottom);
  const last = chart.lines.map((one) => `${one.name} ${format(one.points.at(-1)?.[1])}`).join(", ");
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${chart.title}. Last values: ${last || "none"}` });
  for (const value of levelsBetween(low, high))
    svg.append(svgElement("path", { class: "grid", d: `M${left} ${y(value)}H${width - right}` }),
      svgElement("text", { class: "side", x: left - 6, y: y(value) + 4 }, format(value)));
  for (const time of ticks(chart.from, chart.to))
    svg.append(svgElement("text", { class: "tick", x: x(time), y: height - 8 }, dayOrTime(time, chart.to - chart.from > 86400000)));
  if (chart.band?.length > 1) svg.append(svgElement("path", { class: "band", d: bandPath(chart.band, x, y) }));
  for (const level of chart.levels ?? [])
    svg.append(svgElement("path", { class: level.className ?? "level", d: `M${left} ${y(level.value)}H${width - right}` }));
  chart.lines.forEach((one, i) => {
    const points = one.points.filter(([, value]) => Number.isFinite(value));
    svg.append(svgElement("path", { class: `trace c${i % 8}`, "stroke-dasharray": DASHES[i % 8], d: line(points, x, y, chart.gap) }));
    for (const [time, value] of points.slice(-1)) svg.append(svgElement("circle", { class: `dot c${i % 8}`, cx: x(time), cy: y(value), r: 2.5 }));
  });
  return svg;
}

function legendOf(chart) {
  const list = element("ul", "legend");
  chart.lines.forEach((one, i) => {
    const item = element("li"), key = svgElement("svg", { viewBox: "0 0 24 8", "aria-hidden": "true" });
    key.append(svgElement("path", { class: `trace c${i % 8}`, "stroke-dasharray": DASHES[i % 8], d: "M0 4H24" }));
    item.append(key, element("span", "", one.name), element("b", "", (chart.format ?? show)(one.points.at(-1)?.[1])));
    list.append(item);
  });
  return list;
}

// A figure with its title, drawing and legend.
function chartFigure(chart) {
  const figure = element("figure", "chart");
  figure.append(element("figcaption", "", chart.title));
  if (chart.lines.some((one) => one.points.length > 0)) figure.append(lineChart(chart), legendOf(chart));
  else figure.append(element("p", "note", chart.none ?? "nothing yet"));
  return figure;
}
