// Reads GET /models/{model}/drift/status every two seconds and shows it.
"use strict";

const REFRESH_MS = 2000;
let marked = null; // the feature a message's link asked for
const byId = (id) => document.getElementById(id);

function show(number, digits = 3) {
  if (number === null || number === undefined) return "-";
  if (number !== 0 && Math.abs(number) < 0.001) return number.toExponential(1);
  return number.toFixed(digits);
}

function showChance(p) {
  return p === 0 ? "< 1e-300" : show(p);
}

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function verdict(feature) {
  const scores = Object.values(feature.methods);
  if (scores.some((m) => m.drifted && m.score > feature.thresholds.critical)) return ["drifted", "critical"];
  if (feature.drifted) return ["drifted", "warning"];
  if (scores.every((m) => m.score === null)) return ["waiting", "soft"];
  if (scores.some((m) => m.significant)) return ["moved, below threshold", "soft"];
  return ["stable", "good"];
}

function scoreCell(method, feature) {
  const cell = element("td");
  if (!method) return cell;
  const meter = element("meter");
  meter.min = 0;
  meter.max = 1;
  meter.low = feature.thresholds.warning;
  meter.high = feature.thresholds.critical;
  meter.optimum = 0;
  meter.value = Math.min(1, method.score ?? 0);
  cell.append(meter, show(method.score));
  return cell;
}

function featureRow(name, feature) {
  const row = element("tr", undefined, name === marked ? "marked" : "");
  const [word, className] = verdict(feature);
  const ks = feature.methods.ks_test;
  const psi = feature.methods.psi;
  const now = feature.window ?? {};
  const then = feature.reference ?? {};
  row.append(
    element("td", name, "name"), element("td", word, className),
    scoreCell(ks, feature), element("td", showChance(ks?.p_value)),
    scoreCell(psi, feature), element("td", showChance(psi?.p_value)),
    element("td", `${show(now.mean)} (${show(then.mean)})`),
    element("td", `${show(now.std)} (${show(then.std)})`),
    element("td", String(feature.missing.window)));
  return row;
}

function overallClass(word) {
  if (word === "No drift") return "good";
  if (word === "insufficient_data") return "soft";
  return word === "Severe drift" ? "critical" : "warning";
}

function render(status) {
  byId("overall").textContent = status.overall_drift.replace("_", " ");
  byId("overall").className = "big " + overallClass(status.overall_drift);
  const concept = status.concept_drift ?? {};
  byId("errors").textContent = concept.detected ? "Concept drift: the model has become wrong"
    : concept.degraded ? "The model is worse than on the reference" : "";
  byId("errors").className = concept.detected ? "critical" : "warning";
  byId("performance").href = `/models/${encodeURIComponent(status.model)}/performance`;
  byId("window").textContent = String(status.window_observations);
  byId("window-note").textContent = `judged from ${status.minimum_sample} observations on`;
  byId("reference").textContent = `${status.reference_samples} rows`;
  byId("thresholds").textContent = `${status.threshold} / ${status.critical_threshold}`;
  byId("significance").textContent = `warning / critical, significance ${status.significance}`;
  byId("features").replaceChildren(...Object.entries(status.features)
    .map(([name, feature]) => featureRow(name, feature)));
  byId("updated").textContent = "updated " + new Date(status.timestamp).toLocaleTimeString([], { timeZoneName: "short" });
  byId("updated").className = "";
}

async function refresh() {
  try {
    const model = encodeURIComponent(byId("model").value);
    const answer = await fetch(`/models/${model}/drift/status`);
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`);
    render(await answer.json());
  } catch (error) {
    byId("updated").textContent = `no answer: ${error.message}`;
    byId("updated").className = "failed";
  }
}

async function start() {
  const root = await (await fetch("/", { headers: { Accept: "application/json" } })).json();
  byId("model").replaceChildren(...root.models.map((name) => {
    const option = element("option", name);
    option.value = name;
    return option;
  }));
  // Links in messages name the model the way Grafana's do: ?var-model=NAME&var-feature=NAME
  const asked = new URLSearchParams(location.search);
  if (root.models.includes(asked.get("var-model"))) byId("model").value = asked.get("var-model");
  marked = asked.get("var-feature");
  byId("model").addEventListener("change", refresh);
  await refresh();
  setInterval(refresh, REFRESH_MS);
}

start().catch((error) => {
  byId("updated").textContent = `no answer: ${error.message}`;
  byId("updated").className = "failed";
});
