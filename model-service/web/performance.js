// The page about how good the model is: metrics against the reference's, over time; calibration, confusion or errors; the
// detectors; and how its labels come.

const METRICS = { accuracy: "Accuracy", precision: "Precision", recall: "Recall", f1: "F1", roc_auc: "ROC AUC", log_loss: "Log loss",
  brier: "Brier score", expected_calibration_error: "Calibration error", mae: "Mean absolute error", rmse: "Root mean squared error",
  bias: "Bias", r2: "R\u00b2" };
const MOST_CLASSES = 8; // rows of a confusion matrix that can be read
let historyAsked = 0;

const withEnds = (value) => (value.value === null ? "-" : value.lower === null ? show(value.value)
  : `${show(value.value)} (${show(value.lower)} to ${show(value.upper)})`);

function tableRow(cells, className) {
  const row = element("tr", className);
  cells.forEach((text, i) => {
    const cell = element(i === 0 ? "th" : "td", "", text);
    if (i === 0) cell.scope = "row";
    row.append(cell);
  });
  return row;
}

function renderMetrics(performance) {
  byId("metrics").replaceChildren(...Object.entries(performance.metrics).map(([name, metric]) => {
    const row = tableRow([METRICS[name] ?? name, withEnds(metric), withEnds(metric.reference), withEnds(metric.since_start)]);
    const verdict = metric.degraded ? "worse" : metric.value === null || metric.reference.value === null ? "-" : "no worse";
    row.append(element("td", metric.degraded ? "critical" : verdict === "no worse" ? "good" : "soft", verdict));
    return row;
  }));
}

function performanceSentence(performance) {
  const worse = Object.entries(performance.metrics).filter(([, metric]) => metric.degraded).map(([name]) => (METRICS[name] ?? name).toLowerCase());
  const labels = `${performance.window_labels} label${performance.window_labels === 1 ? "" : "s"}`;
  if (performance.window_labels === 0) return "No label has come yet: how good the model is now is not known.";
  if (performance.window_labels < performance.minimum_labels)
    return `Not enough labels for a verdict: ${performance.window_labels}, and ${performance.minimum_labels} are needed.`;
  if (performance.reference.source === "none") return `${labels} in the window, and nothing to compare them with yet.`;
  if (worse.length === 0) return `The model is no worse on the last ${labels} than on its reference.`;
  return `The model ${performance.concept_drift ? "has become wrong" : "is worse"} on the last ${labels}: ${worse.join(", ")}.`;
}

function lagBelow(lags, part) {
  const all = lags.reduce((sum, lag) => sum + lag.labels, 0);
  let sum = 0;
  for (const lag of lags) if ((sum += lag.labels) >= part * all && all > 0) return lag.up_to === null ? "over 30 days" : `within ${duration(1000 * lag.up_to)}`;
  return "-";
}

function renderLabels(performance) {
  const labels = performance.labels, lags = labels.lag_seconds, most = Math.max(1, ...lags.map((lag) => lag.labels));
  put(byId("coverage"), labels.coverage === null ? "-" : percent(labels.coverage));
  put(byId("last-label"), labels.last_label ? `the last one ${whole(labels.last_label)}` : "none yet");
  put(byId("lag"), lagBelow(lags, 0.5));
  put(byId("lag-most"), `95 % ${lagBelow(lags, 0.95)}`);
  put(byId("labelled"), `${performance.window_labels} of ${performance.window_capacity}`);
  put(byId("pending"), `${labels.pending} predictions wait for theirs`);
  byId("lags").replaceChildren(...lags.filter((lag) => lag.labels > 0).map((lag) => {
    const row = tableRow([lag.up_to === null ? "over 30 days" : `up to ${duration(1000 * lag.up_to)}`, lag.labels]), cell = element("td");
    const bar = svgElement("svg", { class: "pair", viewBox: "0 0 120 12", "aria-hidden": "true" });
    bar.append(svgElement("path", { class: "score", d: `M0 1H${(120 * lag.labels / most).toFixed(1)}v10H0z` }));
    cell.append(bar);
    row.append(cell);
    return row;
  }));
  byId("counts").replaceChildren(...["joined", "unknown", "late", "duplicate", "conflicting", "expired"].map((name) => tableRow([name, labels[name]])));
}

function renderDetectors(detectors) {
  const states = { normal: ["no change", "good"], warning: ["warning", "warning"], drift: ["change", "critical"] };
  byId("detectors").replaceChildren(...Object.entries(detectors).map(([name, detector]) => {
    const [word, className] = states[detector.state], row = tableRow([name.replaceAll("_", " ")]);
    row.append(element("td", className, word), element("td", "", detector.onset ? whole(detector.onset) : "-"),
      element("td", "", String(detector.onsets)), element("td", "", detector.alerts ? "counts for concept drift" : "shown only"));
    return row;
  }));
}

// --- pictures ---

const SQUARE = { size: 260, left: 44, bottom: 26, top: 8 };

function calibrationChart(pictures) {
  const { size, left, bottom, top } = SQUARE, side = size - top - bottom;
  const x = (share) => left + share * side, y = (share) => size - bottom - share * side;
  const svg = svgElement("svg", { viewBox: `0 0 ${left + side + 24} ${size}`, role: "img", class: "square",
    "aria-label": `Calibration: ${pictures.calibration.map((bin) => `said ${percent(bin.score)}, was ${percent(bin.share)}`).join("; ") || "no scores"}` });
  svg.append(svgElement("path", { class: "level", d: `M${x(0)} ${y(0)}L${x(1)} ${y(1)}` }));
  for (const share of [0, 0.5, 1])
    svg.append(svgElement("text", { class: "side", x: left - 6, y: y(share) + 4 }, percent(share)),
      svgElement("text", { class: "tick", x: x(share), y: size - 8 }, percent(share)));
  for (const [bins, name] of [[pictures.reference_calibration, "ref"], [pictures.calibration, "cur"]]) {
    svg.append(svgElement("path", { class: `${name} line`, d: bins.length > 0 ? "M" + bins.map((bin) => `${x(bin.score)} ${y(bin.share)}`).join("L") : "" }));
    for (const bin of bins) { // a bin of few labels is a small point
      const dot = svgElement("circle", { class: name, cx: x(bin.score), cy: y(bin.share), r: 2 + Math.min(4, Math.sqrt(bin.labels) / 5) });
      dot.append(svgElement("title", {}, `${bin.labels} labels: said ${percent(bin.score)}, was ${percent(bin.share)}`));
      svg.append(dot);
    }
  }
  return svg;
}

function confusionTable(cells) {
  const totals = new Map();
  for (const cell of cells) for (const name of [cell.label, cell.prediction]) totals.set(name, (totals.get(name) ?? 0) + cell.labels);
  const names = [...totals].sort((a, b) => b[1] - a[1]).slice(0, MOST_CLASSES).map(([name]) => name).sort(inWords.compare);
  const rest = totals.size > names.length, columns = rest ? [...names, null] : names; // null: all other classes together
  const at = new Map(columns.map((name, i) => [name, i])), place = (name) => at.get(name) ?? columns.length - 1;
  const counts = columns.map(() => columns.map(() => 0));
  for (const cell of cells) counts[place(cell.label)][place(cell.prediction)] += cell.labels;
  const title = (name) => (name === null ? "other classes" : name);
  const head = element("tr");
  for (const text of ["labelled as", ...columns.map((name) => `predicted ${title(name)}`)]) {
    const cell = element("th", "", text);
    cell.scope = "col";
    head.append(cell);
  }
  return [head, ...counts.map((row, i) => {
    const all = row.reduce((sum, count) => sum + count, 0), line = tableRow([title(columns[i])]);
    row.forEach((count, j) => line.append(element("td", i === j ? "good" : count > 0 ? "warning" : "soft",
      all > 0 ? `${count} (${percent(count / all)})` : String(count))));
    return line;
  })];
}

function errorsChart(errors) {
  const { width, height, left, right, bottom, top } = SMALL, all = errors.labels.reduce((sum, count) => sum + count, 0);
  const most = Math.max(1, ...errors.labels), low = errors.edges[0], high = errors.edges.at(-1);
  const x = (error) => left + ((error - low) / (high - low)) * (width - left - right), y = (count) => height - bottom - (count / most) * (height - top - bottom);
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Errors of ${all} labels, from ${show(low)} to ${show(high)}` });
  errors.labels.slice(1, -1).forEach((count, i) => svg.append(svgElement("path",
    { class: "score", d: `M${x(errors.edges[i])} ${y(0)}V${y(count)}H${x(errors.edges[i + 1])}V${y(0)}z` })));
  if (low < 0 && high > 0) svg.append(svgElement("path", { class: "level", d: `M${x(0)} ${top}V${height - bottom}` }));
  for (const error of levelsBetween(low, high)) svg.append(svgElement("text", { class: "tick", x: x(error), y: height - 8 }, show(error)));
  svg.append(svgElement("path", { class: "axis", d: `M${left} ${y(0)}H${width - right}` }));
  return svg;
}

function renderPictures(pictures) {
  const regression = pictures.errors !== undefined;
  byId("calibration").hidden = regression || pictures.calibration.length === 0;
  byId("confusion").hidden = regression || pictures.labels === 0;
  byId("errors-figure").hidden = !regression || pictures.labels === 0;
  for (const node of document.querySelectorAll(".pairs")) put(node, `of the last ${pictures.labels} labels`);
  if (!regression) {
    byId("calibration-chart").replaceChildren(calibrationChart(pictures));
    byId("matrix").replaceChildren(...confusionTable(pictures.confusion));
  } else if (pictures.labels > 0) {
    byId("errors-chart").replaceChildren(errorsChart(pictures.errors));
    byId("errors-by").replaceChildren(...pictures.errors.by_prediction.map((step) => tableRow([show(step.prediction), show(step.error)])));
  }
}

// --- over time ---

function metricCharts(history, performance) {
  const span = byId("metric-span").value === "hour" ? HOUR_MS : 7 * 86400000;
  const times = Object.values(history.metrics).flatMap((points) => points.slice(0, 1)).map(([time]) => time);
  const from = Math.max(Date.now() - span, Math.min(...times, Date.now() - 300000));
  const common = { from, to: Date.now(), gap: 1000 * history.seconds * 6 }; // only intervals with new labels have a point
  const charts = Object.entries(history.metrics).filter(([, points]) => points.some(([, value]) => value !== null)).map(([name, points]) => {
    const reference = performance.metrics[name]?.reference.value;
    const known = points.filter(([time]) => time >= from);
    return { ...common, title: `${METRICS[name] ?? name}, its interval, and the reference's value dashed`, lines: [{ name: "now", points: known }],
      band: known.filter(([, , low, high]) => low !== null && high !== null).map(([time, , low, high]) => [time, low, high]),
      levels: reference === null || reference === undefined ? [] : [{ value: reference, className: "level" }] };
  });
  return [...charts, { ...common, title: "Labelled share of the predictions", lines: [{ name: "coverage", points: history.coverage }], low: 0, high: 1, format: percent }];
}

async function refreshPerformance(path) {
  const performance = await (await ask(`${path}/performance`)).json();
  put(byId("verdict"), performanceSentence(performance));
  document.title = `${performance.degraded ? "Worse" : "Performance"} - Drift monitor`;
  renderMetrics(performance);
  renderLabels(performance);
  renderDetectors(performance.detectors);
  renderPictures(await (await ask(`${path}/performance/pictures`)).json());
  if (Date.now() - historyAsked < PANELS_MS) return;
  historyAsked = Date.now();
  const history = await (await ask(`${path}/performance/history?span=${byId("metric-span").value}`)).json();
  byId("metric-charts").replaceChildren(...metricCharts(history, performance).map(chartFigure));
}
