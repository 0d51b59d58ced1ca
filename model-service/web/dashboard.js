// The built-in pages: which one is shown, and what it asks the service for. Everything is read from the service every two
// seconds. What comes from it is written as text, never as markup; the drawings of a feature are the service's own page of it.

const ASK_MS = 1000; // whether something is new
const REFRESH_MS = 2000; // at most so often
const PATIENCE_MS = 5000; // for an answer
const INTERVAL_MS = 10000; // of a point of a small history
const KEPT_SCORES = 60; // of a feature: ten minutes
const MOST_ROWS = 200; // more would take a table a noticeable time to lay out, and are shown when asked for
const FEATURE_PATH = "/dashboard/features/";
const INCIDENT_PATH = "/dashboard/incidents/";

const asked = new URLSearchParams(location.search);
const shownFeature = location.pathname.startsWith(FEATURE_PATH)
  ? decodeURIComponent(location.pathname.slice(FEATURE_PATH.length)) : null;
const PLAIN_PAGES = ["performance", "alerts", "try"];
const shownPage = PLAIN_PAGES.find((name) => location.pathname === `/dashboard/${name}`) ?? (shownFeature !== null ? "feature"
  : location.pathname.startsWith(INCIDENT_PATH) ? "incident" : "overview");
const shownIncident = location.pathname.startsWith(INCIDENT_PATH) ? location.pathname.slice(INCIDENT_PATH.length) : null;
const scores = new Map(); // feature -> its last strengths
const rows = new Map(); // feature -> its row of the table
let features = []; // as the last answer describes them
let allRows = false;
let sortedBy = "strength", ascending = false, order = "";
let intervalBegan = Date.now();
let answered = null; // when the service last answered
let latest = null; // its last status

function drawing(parts) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 120 20");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true"); // the score stands beside it
  for (const name of parts) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    svg.append(path);
  }
  return svg;
}

// --- what a feature is ---

// The method whose score has most of its threshold.
function strongest(feature) {
  let found = { strength: -1 };
  for (const [name, method] of Object.entries(feature.methods)) {
    const strength = method.score === null ? -1 : method.score / method.threshold;
    if (strength > found.strength || found.method === undefined) found = { name, method, strength };
  }
  return found;
}

function verdict(feature) {
  const methods = Object.values(feature.methods);
  if (methods.some((m) => m.drifted && m.score > feature.thresholds.critical)) return ["critical drift", "critical"];
  if (feature.drifted) return ["drift", "warning"];
  if (methods.every((m) => m.score === null)) return ["not enough rows", "soft"];
  if (methods.some((m) => m.significant)) return ["moved a little", "moved"];
  return ["no drift", "good"];
}

const MEANING = { __missing__: "missing", __unseen__: "not in reference", __other__: "others" };

function change(feature) {
  if (feature.type === "numeric") return `mean ${show(feature.reference.mean)} to ${show(feature.window.mean)}`;
  let most = null;
  for (const [name, share] of Object.entries(feature.categories ?? {}))
    if (share.window !== null && (!most || Math.abs(share.window - share.reference) > Math.abs(most.window - most.reference)))
      most = { name: MEANING[name] ?? name, ...share };
  return most ? `${most.name} ${percent(most.reference)} to ${percent(most.window)}` : "-";
}

// What watches the rows one by one, where the service does: the evidence as a share of what a page needs, or what it paged.
function sequential(feature) {
  const parts = Object.values(feature.change ?? {});
  const open = parts.filter((part) => part.open).map((part) => part.what);
  const most = Math.max(-1, ...parts.map((part) => (part.open ? 2 : part.evidence ?? -1)));
  return { most, words: open.length > 0 ? open.join(", ") : most < 0 ? "-" : percent(Math.min(1, most)) };
}

const share = (part, feature) => (feature.window_size > 0 ? part / feature.window_size : 0);

// --- the table ---

// text: what a cell says; key: what it is sorted by.
const columns = [
  { id: "name", title: "Feature", className: "name", key: (f) => f.name },
  { id: "verdict", title: "Verdict", className: "verdict", key: (f) => ["critical", "warning", "moved", "good", "soft"].indexOf(f.verdict[1]),
    ascending: true, text: (f) => f.verdict[0], state: (f) => f.verdict[1] },
  { id: "spark", title: "Last minutes", className: "spark" },
  { id: "strength", title: "Of threshold", className: "strength", key: (f) => (f.drifted ? 2e9 : f.moved ? 1e9 : 0) + f.best.strength },
  { id: "score", title: "Score", className: "number", key: (f) => f.best.method?.score ?? -1,
    text: (f) => show(f.best.method?.score), hint: (f) => f.best.name },
  { id: "p", title: "p-value", className: "chance", key: (f) => f.best.method?.p_value ?? 2, ascending: true,
    text: (f) => showChance(f.best.method?.p_value) },
  { id: "evidence", title: "Row by row", className: "evidence", key: (f) => f.sequential.most, text: (f) => f.sequential.words, hint: (f) => f.sequential.words },
  { id: "change", title: "Change", className: "change", text: (f) => f.change },
  { id: "since", title: "Since", className: "time", key: (f) => f.since ?? "", text: (f) => (f.since ? clock(f.since) : "-"), hint: (f) => f.since ?? "" },
  { id: "missing", title: "Missing", className: "number", key: (f) => f.missing, text: (f) => percent(f.missing) },
  { id: "unseen", title: "Unseen", className: "number", key: (f) => f.unseen, text: (f) => (f.type === "numeric" ? "-" : percent(f.unseen)) },
];

function drawHead() {
  byId("head").replaceChildren(...columns.map((column) => {
    const cell = element("th", column.className);
    cell.scope = "col";
    if (!column.key) {
      cell.textContent = column.title;
      return cell;
    }
    const button = element("button", "", column.title);
    button.type = "button";
    button.addEventListener("click", () => sortBy(column));
    cell.append(button);
    column.cell = cell;
    return cell;
  }));
  markSorted();
}

function markSorted() {
  for (const column of columns.filter((c) => c.cell))
    if (column.id === sortedBy) column.cell.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    else column.cell.removeAttribute("aria-sort");
}

function sortBy(column) {
  ascending = column.id === sortedBy ? !ascending : column.id === "name" || column.ascending === true;
  sortedBy = column.id;
  markSorted();
  arrange();
}

// Of a thousand rows a screen shows thirty: only these are drawn.
let incidents = []; // the model's, newest first

const inSight = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    entry.target.inSight = entry.isIntersecting;
    if (entry.isIntersecting) entry.target.draw();
  }
});

function makeRow(name) {
  const row = { tr: element("tr"), cells: {} };
  for (const column of columns) {
    const cell = element(column.id === "name" ? "th" : "td", column.className);
    row.cells[column.id] = cell;
    row.tr.append(cell);
  }
  row.cells.name.scope = "row";
  const link = element("a", "", name);
  link.href = featureAddress(name);
  link.title = name;
  row.cells.name.append(link);
  row.tr.draw = () => drawRow(row);
  inSight.observe(row.tr);
  return row;
}

function modelQuery() {
  return `var-model=${encodeURIComponent(byId("model").value)}`;
}

function featureAddress(name) {
  return `${FEATURE_PATH}${encodeURIComponent(name)}?${modelQuery()}`;
}

// A line of strengths between 0 and twice the threshold.
function drawSpark(svg, strengths) {
  const step = 120 / Math.max(1, strengths.length - 1);
  const height = (strength) => (19 - 9 * Math.min(2, strength)).toFixed(1);
  const points = strengths.map((strength, i) => (strength < 0 ? "" : `${(i * step).toFixed(1)} ${height(strength)}`)).filter(Boolean);
  svg.children[1].setAttribute("d", points.length > 1 ? "M" + points.join("L") : "");
}

function fillRow(feature) {
  let row = rows.get(feature.name);
  if (!row) rows.set(feature.name, (row = makeRow(feature.name)));
  row.feature = feature;
  row.tr.className = feature.name === asked.get("var-feature") ? "marked" : "";
  for (const column of columns) {
    if (!column.text) continue;
    const cell = row.cells[column.id];
    put(cell, column.text(feature), column.state ? `${column.className} ${column.state(feature)}` : column.className);
    const hint = column.hint ? column.hint(feature) : column.text(feature);
    if (cell.title !== hint) cell.title = hint;
  }
  if (row.tr.inSight) drawRow(row);
}

function addDrawings(row) {
  row.spark = drawing(["level", "spark"]);
  row.spark.children[0].setAttribute("d", "M0 10H120"); // the threshold
  row.cells.spark.append(row.spark);
  row.bar = drawing(["track", "score", "mark"]);
  row.bar.children[0].setAttribute("d", "M0 5H120v10H0z");
  row.bar.children[2].setAttribute("d", "M60 2v16");
  row.cells.strength.append(row.bar);
}

function drawRow(row) {
  if (!row.bar) addDrawings(row);
  const full = Math.max(0, Math.min(1, row.feature.best.strength / 2)) * 120;
  row.bar.children[1].setAttribute("d", `M0 5H${full.toFixed(1)}v10H0z`);
  drawSpark(row.spark, scores.get(row.feature.name) ?? []);
}

function compare(a, b) {
  const column = columns.find((c) => c.id === sortedBy);
  const x = column.key(a), y = column.key(b);
  const result = typeof x === "string" ? inWords.compare(x, y) : x - y;
  return (ascending ? result : -result) || a.place - b.place;
}

function fits(feature) {
  const which = byId("which").value;
  return feature.name.toLowerCase().includes(byId("filter").value.toLowerCase()) &&
    (which === "" || feature.drifted || (which === "moved" && feature.moved));
}

// Sorts, filters, and moves rows only if the order or what is shown has changed.
function arrange() {
  const found = features.filter(fits).sort(compare);
  const list = allRows ? found : found.slice(0, MOST_ROWS);
  for (const feature of list) fillRow(feature);
  const now = list.map((feature) => feature.place).join();
  if (now !== order) byId("features").replaceChildren(...list.map((feature) => rows.get(feature.name).tr));
  order = now;
  put(byId("shown"), found.length === features.length ? `${found.length} features` : `${found.length} of ${features.length} features`);
  byId("all").hidden = list.length === found.length;
  put(byId("all"), `The first ${list.length} are shown: show all ${found.length}`);
}

// --- the pages ---

function describe(name, feature, place) {
  const best = strongest(feature);
  const state = verdict(feature);
  return { ...feature, name, place, best, verdict: state, change: change(feature), sequential: sequential(feature), since: feature.drifted_since,
    moved: feature.drifted || state[1] === "moved", missing: share(feature.missing.window, feature), unseen: share(feature.unseen.window, feature) };
}

// Goes on where the service's history ended: the largest strength of every ten seconds.
function remember() {
  const begin = Date.now() - intervalBegan >= INTERVAL_MS;
  if (begin) intervalBegan = Date.now();
  for (const feature of features) {
    const kept = scores.get(feature.name) ?? [];
    if (begin || kept.length === 0) kept.push(feature.best.strength);
    else kept.push(Math.max(kept.pop(), feature.best.strength));
    if (kept.length > KEPT_SCORES) kept.shift();
    scores.set(feature.name, kept);
  }
}

const MOST_NAMED = 5;

function sentence(status) {
  const inputs = features.filter((f) => !f.prediction);
  const drifted = inputs.filter((f) => f.drifted).sort((a, b) => b.best.strength - a.best.strength);
  const concept = status.concept_drift ?? {};
  const parts = [];
  if (inputs.every((f) => f.best.strength < 0))
    parts.push(`Not enough rows for a verdict: ${status.window_observations}, and ${status.minimum_sample} are needed`);
  else if (drifted.length === 0)
    parts.push(`No drift in ${inputs.length} feature${inputs.length === 1 ? "" : "s"}`);
  else {
    const since = drifted.map((f) => f.since).filter(Boolean).sort()[0];
    const names = drifted.slice(0, MOST_NAMED).map((f) => f.name).join(", ");
    parts.push(`${drifted.length} of ${inputs.length} features changed${since ? ` since ${clock(since)}` : ""}: ${names}` +
      (drifted.length > MOST_NAMED ? ` and ${drifted.length - MOST_NAMED} more` : ""));
  }
  if (status.prediction_drift_detected) parts.push("the predictions have changed");
  if (concept.detected) parts.push("the model has become wrong on recent labels");
  else if (concept.degraded) parts.push("the model is worse on recent labels");
  return parts.join("; ") + ".";
}

function overallClass(word) {
  if (word === "No drift") return "good";
  if (word === "insufficient_data") return "soft";
  return word === "Severe drift" ? "critical" : "warning";
}

function renderTiles(status) {
  const concept = status.concept_drift ?? {};
  put(byId("overall"), status.overall_drift.replace("_", " "), "big " + overallClass(status.overall_drift));
  put(byId("errors"), concept.detected ? "Concept drift: the model has become wrong"
    : concept.degraded ? "The model is worse than on the reference" : "", concept.detected ? "critical" : "warning");
  put(byId("window"), `${status.window_observations} rows`);
  put(byId("window-note"), `judged from ${status.minimum_sample} rows on`);
  put(byId("reference"), `${status.reference_samples} rows`);
  put(byId("thresholds"), `${status.threshold} / ${status.critical_threshold}`);
  put(byId("significance"), `warning / critical, significance ${status.significance}`);
}

// Rows of features that the model no longer has go away.
function forgetOthers() {
  const names = new Set(features.map((f) => f.name));
  for (const name of rows.keys())
    if (!names.has(name)) {
      inSight.unobserve(rows.get(name).tr);
      rows.delete(name);
      order = "";
    }
}

function renderOverview(status) {
  features = Object.entries(status.features).map(([name, feature], place) => describe(name, feature, place));
  remember();
  put(byId("verdict"), sentence(status));
  document.title = `${features.filter((f) => f.drifted && !f.prediction).length || "no"} drifted - Drift monitor`;
  renderTiles(status);
  forgetOthers();
  byId("table").classList.toggle("without-evidence", features.every((f) => f.sequential.most < 0));
  arrange();
}

function drawingsOf(text) {
  const part = text.slice(text.indexOf("<article"), text.lastIndexOf("</article>")); // without the page's own style
  return new DOMParser().parseFromString(part, "text/html").querySelector("article");
}

// Replaces the drawings only if they have changed, so that a selection or a scrolled table stays.
function renderFeature(text) {
  const article = drawingsOf(text), before = byId("drawings").firstChild;
  if (!article) throw new Error("the service sent no drawing");
  const title = article.querySelector("h2");
  document.title = `${shownFeature} - Drift monitor`;
  put(byId("verdict"), `${title.querySelector("bdi").textContent}: ${title.querySelector(".badge").textContent}`);
  if (!before || before.outerHTML !== article.outerHTML) byId("drawings").replaceChildren(document.adoptNode(article));
}

// --- history ---

const SHORTEST_MS = 300000;
const CHART = { width: 800, height: 180, left: 40, right: 8, top: 10, bottom: 24 };

function drawHistory(series, critical) {
  const { width, height, left, right, top, bottom } = CHART;
  const to = Date.now(), span = byId("span").value === "fine" ? 3600000 : 7 * 86400000;
  const points = series.points.filter(([time]) => time >= to - span);
  const from = Math.max(to - span, Math.min(points[0]?.[0] ?? 0, to - SHORTEST_MS)); // a young service has little to show
  const most = Math.max(2, critical, ...points.map(([, strength]) => strength));
  const x = (time) => left + ((time - from) / (to - from)) * (width - left - right);
  const y = (strength) => height - bottom - (strength / most) * (height - top - bottom);
  const last = points.at(-1);
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `History of ${points.length} scores in units of the threshold${last ? `; the last is ${show(last[1])}` : ""}` });
  for (const incident of incidents.filter((i) => i.features.some((f) => f.feature === shownFeature))) {
    const begin = Math.max(from, Date.parse(incident.opened)), end = incident.ended ? Date.parse(incident.ended) : to;
    if (end > begin) svg.append(svgElement("path", { class: "span", d: `M${x(begin)} ${top}H${x(end)}V${height - bottom}H${x(begin)}z` }));
  }
  for (const [strength, name] of [[1, "level"], [critical, "critical"]])
    svg.append(svgElement("path", { class: name, d: `M${left} ${y(strength)}H${width - right}` }),
      svgElement("text", { class: "side", x: left - 6, y: y(strength) + 4 }, show(strength)));
  svg.append(svgElement("path", { class: "axis", d: `M${left} ${height - bottom}H${width - right}` }));
  for (const time of ticks(from, to))
    svg.append(svgElement("text", { class: "tick", x: x(time), y: height - 8 }, dayOrTime(time, to - from > 86400000)));
  svg.append(svgElement("path", { class: "history", d: line(points, x, y, series.seconds * 1000) }));
  byId("chart").replaceChildren(svg);
}

async function seedScores(path) {
  const history = await (await ask(`${path}/history`)).json();
  for (const [name, points] of Object.entries(history.features)) scores.set(name, points.map(([, strength]) => strength));
}

// --- incidents ---

function incidentAddress(incident, feature) {
  return `${INCIDENT_PATH}${incident.id}?${modelQuery()}` + (feature ? `&var-feature=${encodeURIComponent(feature)}` : "");
}

function incidentWords(incident) {
  const count = incident.drifted_features, first = incident.features[0]?.feature;
  const features = `${count} feature${count === 1 ? "" : "s"}`, order = first ? `, first ${first}` : "";
  if (!incident.ended) return `Since ${whole(incident.opened)} ${features} ${count === 1 ? "has" : "have"} drifted${order}; it goes on.`;
  const length = duration(Date.parse(incident.ended) - Date.parse(incident.opened));
  return `From ${whole(incident.opened)} to ${whole(incident.ended)} (${length}) ${features} drifted${order}.`;
}

function renderIncident() {
  const incident = incidents.find((one) => String(one.id) === shownIncident);
  byId("moved").replaceChildren();
  if (!incident) {
    put(byId("verdict"), "The service does not know this incident any more, or not of this model.");
    return;
  }
  put(byId("verdict"), incidentWords(incident));
  document.title = `Incident of ${whole(incident.opened)} - Drift monitor`;
  byId("moved").append(...incident.features.map((feature) => {
    const row = element("tr", feature.feature === asked.get("var-feature") ? "marked" : ""), head = element("th");
    head.scope = "row";
    const link = element("a", "", feature.feature);
    link.href = featureAddress(feature.feature);
    head.append(link);
    const after = Date.parse(feature.onset) - Date.parse(incident.features[0].onset);
    row.append(head, element("td", "", whole(feature.onset)), element("td", "", after > 0 ? `+ ${duration(after)}` : "-"),
      element("td", "", show(feature.peak)), element("td", "", whole(feature.peak_at)));
    return row;
  }));
}

const MOST_INCIDENTS = 10; // listed on the overview

function listIncidents() {
  byId("past").hidden = incidents.length === 0;
  byId("incidents").replaceChildren(...incidents.slice(0, MOST_INCIDENTS).map((incident) => {
    const item = element("li"), link = element("a", "", incidentWords(incident));
    link.href = incidentAddress(incident);
    item.append(link);
    return item;
  }));
}

// A message's link says when it was written: it leads to the incident that had begun by then.
function incidentOfMessage() {
  const time = Number(asked.get("time"));
  return time ? incidents.find((incident) => Date.parse(incident.opened) <= time) : undefined;
}

function renderLinks(model) {
  const path = `/models/${encodeURIComponent(model)}`;
  byId("report").href = `${path}/report`;
  byId("status").href = `${path}/drift/status`;
  byId("measures").href = `${path}/performance`;
  byId("home").href = byId("back").href = byId("out").href = `/dashboard?${modelQuery()}`;
  for (const link of document.querySelectorAll("#pages a")) link.href = `${link.pathname}?${modelQuery()}`;
}

// --- asking the service ---

// others: answers beside a good one that the caller understands.
async function ask(path, headers = {}, others = []) {
  const answer = await fetch(path, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok && !others.includes(answer.status)) throw new Error(`the service answered ${answer.status}`);
  return answer;
}

function sayFresh() {
  answered = Date.now();
  put(byId("updated"), "updated " + new Date(answered).toLocaleTimeString([], { timeZoneName: "short" }));
  byId("stale").hidden = true;
  document.body.classList.remove("stale");
}

function sayStale(error) {
  const since = answered ? `since ${new Date(answered).toLocaleTimeString()}` : "yet";
  put(byId("stale"), `No answer from the service ${since} (${error.message}). ${answered ? "What you see is old." : ""}`);
  byId("stale").hidden = false;
  document.body.classList.add("stale");
}

const REFRESHERS = {
  async overview(path) {
    if (features.length === 0) await seedScores(path);
    listIncidents();
    latest = await (await ask(`${path}/drift/status`)).json();
    renderOverview(latest);
    await refreshPanels(path);
  },
  async feature(path) {
    const name = encodeURIComponent(shownFeature), ago = byId("against").value;
    const history = await (await ask(`${path}/history?feature=${name}`)).json();
    drawHistory(history[byId("span").value], history.critical);
    const answer = await ask(`${path}/report?feature=${name}${ago ? `&ago=${ago}` : ""}`, {}, [404]);
    byId("no-past").hidden = answer.ok;
    byId("drawings").hidden = !answer.ok;
    if (answer.ok) renderFeature(await answer.text());
    else put(byId("verdict"), `${shownFeature}: no window of that time is kept`);
  },
  async incident() {
    renderIncident();
  },
  performance: refreshPerformance,
  alerts: refreshAlerts,
  try: refreshTry,
};

async function refresh() {
  const path = `/models/${encodeURIComponent(byId("model").value)}`;
  renderLinks(byId("model").value);
  incidents = (await (await ask(`${path}/incidents`)).json()).incidents;
  await REFRESHERS[shownPage](path);
  refreshed = Date.now();
  owed = false;
  sayFresh();
}

async function listModels() {
  const root = await (await ask("/", { Accept: "application/json" })).json();
  byId("model").replaceChildren(...root.models.map((name) => {
    const option = element("option", "", name);
    option.value = name;
    return option;
  }));
  // Links in messages name the model the way Grafana's do: ?var-model=NAME&var-feature=NAME
  if (root.models.includes(asked.get("var-model"))) byId("model").value = asked.get("var-model");
}

function forget() {
  features = [];
  inSight.disconnect();
  rows.clear();
  scores.clear();
  order = "";
  byId("features").replaceChildren();
}

let listed = false;

async function leadToIncident() {
  if (!asked.get("time") || shownPage !== "overview") return false;
  incidents = (await (await ask(`/models/${encodeURIComponent(byId("model").value)}/incidents`)).json()).incidents;
  const incident = incidentOfMessage();
  if (incident) location.replace(incidentAddress(incident, asked.get("var-feature")));
  return incident !== undefined;
}

// Pages that show more than the model: what other programs say changes without its knowledge.
const ALWAYS_ASK = ["alerts", "try"];
let revision = "", refreshed = 0, owed = true; // owed: there is something new that is not shown yet

// One small question a second; the answer has no body while nothing is new. The rest is asked for when something is.
async function isNews() {
  const answer = await ask(`/models/${encodeURIComponent(byId("model").value)}/revision`, revision ? { "If-None-Match": revision } : {}, [304]);
  const news = answer.status !== 304;
  if (news) revision = answer.headers.get("ETag");
  return news || ALWAYS_ASK.includes(shownPage);
}

async function follow() {
  try {
    if (!listed) await listModels();
    listed = true;
    if (await leadToIncident()) return;
    if (!document.hidden) {
      if (await isNews()) owed = true;
      if (owed && Date.now() - refreshed >= REFRESH_MS) await refresh();
      else sayFresh();
    }
  } catch (error) {
    sayStale(error);
    owed = true; // what was missed
  }
  setTimeout(follow, ASK_MS);
}

function start() {
  byId(shownPage).hidden = false;
  for (const link of document.querySelectorAll("#pages a"))
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
  drawHead();
  byId("filter").addEventListener("input", arrange);
  byId("which").addEventListener("change", arrange);
  byId("drift").addEventListener("click", () => simulate(0.8));
  byId("healthy").addEventListener("click", () => simulate(0));
  for (const id of ["span", "against"]) byId(id).addEventListener("change", () => refresh().catch(sayStale));
  byId("metric-span").addEventListener("change", () => {
    historyAsked = 0;
    refresh().catch(sayStale);
  });
  byId("all").addEventListener("click", () => {
    allRows = true;
    arrange();
  });
  byId("model").addEventListener("change", () => {
    if (shownFeature !== null || shownIncident !== null) location.assign(`/dashboard?${modelQuery()}`);
    panelsAsked = historyAsked = 0;
    forget();
    refresh().catch(sayStale);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && listed) refresh().catch(sayStale);
  });
  follow();
}

start();
