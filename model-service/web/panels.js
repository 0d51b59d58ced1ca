// The panels of the overview: what happened over the last hour, in the units of each feature's own reference.

const PANELS_MS = 10000; // the service's own interval
const HOUR_MS = 3600000;
let panelsAsked = 0;

const seconds = (value) => {
  if (!Number.isFinite(value)) return "-";
  return value >= 1 ? `${show(value)} s` : value >= 1e-3 ? `${show(1e3 * value)} ms` : `${show(1e6 * value)} \u00b5s`;
};

// From when on there is something to draw: a young service has little to show.
function since(points) {
  const first = points.length > 0 ? points[0][0] : Date.now();
  return Math.max(Date.now() - HOUR_MS, Math.min(first, Date.now() - 300000));
}

function panelCharts(panels) {
  const traffic = panels.traffic, classes = panels.classes.length, features = panels.features;
  const rates = panels.classes.map((name, i) => ({ name, points: traffic.map((row) => [row[0], row[1 + i]]) }));
  const latency = ["p50", "p95", "p99"].map((name, i) => ({ name, points: traffic.map((row) => [row[0], row[1 + classes + i]]) }));
  const numeric = features.filter((f) => f.type === "numeric" && f.reference_deviation > 0);
  const facts = (list, value) => list.map((f) => ({ name: f.feature, points: f.facts.map((row) => [row[0], value(row, f)]) }));
  const levels = [{ value: 1, className: "level" }];
  return [
    { title: "Score over time, in units of its threshold: the strongest six", lines: features.map((f) => ({ name: f.feature, points: f.strengths })),
      low: 0, high: 1.5, levels },
    { title: "PSI over time, in units of its threshold", lines: facts(features, (row, f) => row[3] / f.threshold), low: 0, high: 1.5, levels },
    { title: "Predictions per second, by class", lines: rates, low: 0, none: "no prediction in the last hour" },
    { title: "Latency of predictions", lines: latency, low: 0, format: seconds, none: "no prediction in the last hour" },
    { title: "Mean, in deviations from the reference's mean", lines: facts(numeric, (row, f) => (row[1] - f.reference_mean) / f.reference_deviation),
      low: -1, high: 1, levels: [{ value: 0, className: "level" }] },
    { title: "Standard deviation, as a multiple of the reference's", lines: facts(numeric, (row, f) => row[2] / f.reference_deviation), low: 0, high: 2, levels },
  ];
}

function renderPanels(panels) {
  const charts = panelCharts(panels), points = charts.flatMap((chart) => chart.lines.flatMap((one) => one.points.slice(0, 1)));
  const from = since(points.sort((a, b) => a[0] - b[0]));
  for (const chart of charts) Object.assign(chart, { from, to: Date.now(), gap: 1000 * panels.seconds });
  byId("charts").replaceChildren(...charts.map(chartFigure));
  put(byId("predictions"), panels.predictions.toLocaleString("en"));
  const last = panels.traffic.at(-1);
  put(byId("rate"), last ? `${show(last.slice(1, 1 + panels.classes.length).reduce((sum, rate) => sum + rate, 0))} per second now` : "");
}

function renderIncidentTile() {
  const recent = incidents.filter((incident) => Date.now() - Date.parse(incident.opened) < HOUR_MS).length;
  put(byId("opened"), String(recent), `big ${recent > 0 ? "warning" : "good"}`);
  put(byId("running"), incidents.some((incident) => !incident.ended) ? "one goes on" : "none goes on");
}

async function refreshPanels(path) {
  renderIncidentTile();
  if (Date.now() - panelsAsked < PANELS_MS) return;
  panelsAsked = Date.now();
  renderPanels(await (await ask(`${path}/panels`)).json());
}
