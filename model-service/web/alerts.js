// What fires, a silence for it, and the whole chain from the traffic to the message on one page.

const DURATIONS = [[3600, "1 hour"], [7200, "2 hours"], [28800, "8 hours"], [86400, "1 day"], [604800, "1 week"]];
let silencing = null; // the fingerprint whose form is open
let chain = null; // what the last answer said, for the page that tries it

const labelWords = (labels) => Object.entries(labels).filter(([name]) => name !== "alertname").map(([name, value]) => `${name}=${value}`).join(", ");
const ofModel = (alert) => !alert.labels.model || alert.labels.model === byId("model").value;
const bySeverity = (a, b) => (a.labels.severity === b.labels.severity ? inWords.compare(a.labels.alertname, b.labels.alertname)
  : a.labels.severity === "critical" ? -1 : b.labels.severity === "critical" ? 1 : 0);

// Why there is no list, or null.
function sourceTrouble(source, name, option) {
  if (!source.configured) return `The service was started without ${option}, so it cannot ask ${name}.`;
  if (source.error) return `${name} cannot be asked: ${source.error}.${source.says ? " What you see is old." : ""}`;
  return source.says ? null : `${name} is being asked.`;
}

function saySource(id, source, name, option) {
  const trouble = sourceTrouble(source, name, option);
  put(byId(id), trouble ?? "");
  byId(id).hidden = trouble === null;
}

async function send(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE_MS) });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(answer.status === 401 || answer.status === 403 ? `it needs the admin role (${told.detail ?? answer.status})`
    : told.detail ?? `the service answered ${answer.status}`);
  return told;
}

// --- silences ---

function silenceForm(alert) {
  const form = element("form", "silence"), author = element("input"), seconds = element("select"), comment = element("input"), go = element("button", "", "Silence it");
  author.value = localStorage.getItem("author") ?? "";
  author.required = true;
  author.maxLength = comment.maxLength = 100;
  comment.placeholder = "why";
  for (const [value, text] of DURATIONS) {
    const option = element("option", "", text);
    option.value = value;
    seconds.append(option);
  }
  seconds.value = "7200";
  const said = element("p", "critical");
  said.setAttribute("role", "alert");
  for (const [text, field] of [["You", author], ["For", seconds], ["Comment", comment]]) {
    const label = element("label", "", `${text} `);
    label.append(field);
    form.append(label);
  }
  form.append(go, said);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    try {
      localStorage.setItem("author", author.value);
      await send("/alerts/silences", { alert: alert.fingerprint, author: author.value, seconds: Number(seconds.value),
        ...(comment.value ? { comment: comment.value } : {}) });
      silencing = null;
      await refresh();
    } catch (error) {
      put(said, `It was not silenced: ${error.message}.`);
      go.disabled = false;
    }
  });
  return form;
}

function alertRow(alert) {
  const row = element("tr"), head = element("th"), severity = alert.labels.severity ?? "-", cell = element("td", "act");
  head.scope = "row";
  const feature = alert.labels.feature, name = element(feature ? "a" : "span", "", alert.labels.alertname);
  if (feature) name.href = featureAddress(feature);
  head.append(name);
  row.append(head, element("td", severity === "critical" ? "critical" : severity === "warning" ? "warning" : "soft", severity),
    element("td", "long", alert.annotations?.summary ?? ""), element("td", "long", labelWords(alert.labels)), element("td", "", whole(alert.startsAt)));
  if (alert.status?.state === "suppressed") cell.textContent = alert.status.silencedBy?.length > 0 ? "silenced" : "muted by another alert";
  else if (silencing === alert.fingerprint) cell.append(silenceForm(alert));
  else {
    const button = element("button", "", "Silence");
    button.type = "button";
    button.setAttribute("aria-label", `Silence ${alert.labels.alertname} ${feature ?? ""}`);
    button.addEventListener("click", () => {
      silencing = alert.fingerprint;
      renderAlerts(chain);
      byId("firing").querySelector(".silence input")?.focus();
    });
    cell.append(button);
  }
  row.append(cell);
  return row;
}

function silenceRow(silence) {
  const matchers = silence.matchers.map((m) => `${m.name}${m.isEqual === false ? "!" : ""}${m.isRegex ? "~" : "="}${m.value}`).join(", ");
  const row = tableRow([matchers, silence.createdBy, silence.comment, whole(silence.endsAt)]), cell = element("td", "act"), button = element("button", "", "End it");
  button.type = "button";
  button.setAttribute("aria-label", `End the silence by ${silence.createdBy}`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await send(`/alerts/silences/${encodeURIComponent(silence.id)}/expire`, {});
      await refresh();
    } catch (error) {
      put(byId("alerts-trouble"), `The silence goes on: ${error.message}.`);
      byId("alerts-trouble").hidden = false;
      button.disabled = false;
    }
  });
  cell.append(button);
  row.append(cell);
  return row;
}

function alertSentence(alerts) {
  const active = alerts.filter((alert) => alert.status?.state !== "suppressed"), muted = alerts.length - active.length;
  const critical = active.filter((alert) => alert.labels.severity === "critical").length;
  const words = active.length === 0 ? "Nothing fires" : `${active.length} alert${active.length === 1 ? " fires" : "s fire"}${critical > 0 ? `, ${critical} critical` : ""}`;
  return `${words}${muted > 0 ? `; ${muted} silenced or muted` : ""}.`;
}

// An open form stays as it is: somebody writes in it.
function renderAlerts(told) {
  saySource("alerts-trouble", told.alerts, "Alertmanager", "--alertmanager");
  saySource("rules-trouble", told.rules, "Prometheus", "--prometheus");
  const alerts = (told.alerts.says ?? []).filter(ofModel).sort(bySeverity);
  put(byId("verdict"), told.alerts.says ? alertSentence(alerts) : "What fires is not known.");
  document.title = told.alerts.says ? `${alerts.length || "no"} alerts - Drift monitor` : "Alerts - Drift monitor";
  if (!byId("firing").querySelector(`form.silence`) || silencing === null || !alerts.some((alert) => alert.fingerprint === silencing))
    byId("firing").replaceChildren(...alerts.map(alertRow));
  const pending = (told.rules.says?.data?.alerts ?? []).filter(ofModel).filter((alert) => alert.state === "pending");
  byId("pending-alerts").replaceChildren(...pending.map((alert) => tableRow([alert.labels.alertname, labelWords(alert.labels), whole(alert.activeAt)])));
  byId("pending-none").hidden = pending.length > 0;
  byId("firing-none").hidden = alerts.length > 0 || !told.alerts.says;
  const silences = (told.silences.says ?? []).filter((silence) => silence.status?.state === "active");
  byId("silences").replaceChildren(...silences.map(silenceRow));
  byId("silences-section").hidden = silences.length === 0;
}

async function askAlerts() {
  return (await ask("/alerts")).json();
}

async function refreshAlerts() {
  chain = await askAlerts();
  renderAlerts(chain);
}

// --- try it ---

const STEPS = [["traffic", "Traffic"], ["score", "Score"], ["waiting", "Alert pending"], ["fires", "Alert firing"], ["message", "Message"]];
let tried = null; // when the button was last pressed

// [state, words] of each step; states: done, now, idle, unknown.
function stepsOf(status, panels, told) {
  const best = features.filter((f) => !f.prediction && f.best.strength >= 0).sort((a, b) => b.best.strength - a.best.strength)[0];
  const drifted = features.filter((f) => f.drifted && !f.prediction).length;
  const rules = (told.rules.says?.data?.alerts ?? []).filter(ofModel);
  const of = (state) => rules.filter((alert) => alert.state === state).map((alert) => alert.labels.alertname);
  const names = (list) => [...new Set(list)].join(", ");
  const active = (told.alerts.says ?? []).filter(ofModel);
  const messages = told.messages.says?.messages ?? told.messages.says ?? [];
  const last = Array.isArray(messages) ? messages[0] : undefined;
  const fresh = last && tried !== null && Date.parse(last.received_at) >= tried - 1000;
  const firing = active.length > 0 || of("firing").length > 0;
  return [
    [status.window_observations > 0 ? "done" : "idle", `${panels.predictions.toLocaleString("en")} predictions, ${status.window_observations} rows in the window`],
    [drifted > 0 ? "done" : "idle", best ? `${best.name} has ${show(best.best.strength)} of its threshold; ${drifted} drifted` : "not enough rows yet"],
    [firing ? "done" : of("pending").length > 0 ? "now" : told.rules.configured ? "idle" : "unknown",
      sourceTrouble(told.rules, "Prometheus", "--prometheus") ?? (of("pending").length > 0 ? `${names(of("pending"))}: it waits, so that a moment's drift tells nobody`
        : firing ? "its waiting is over" : "no alert waits")],
    [firing ? "done" : told.alerts.configured || told.rules.configured ? "idle" : "unknown",
      firing ? names([...active.map((alert) => alert.labels.alertname), ...of("firing")]) : sourceTrouble(told.alerts, "Alertmanager", "--alertmanager") ?? "nothing fires"],
    [fresh ? "done" : told.messages.configured ? "idle" : "unknown",
      sourceTrouble(told.messages, "the inbox", "--inbox") ?? (last ? `${last.attachments?.[0]?.title || last.text || "a message"}, ${whole(last.received_at)}` : "none yet")],
  ];
}

function renderSteps(steps) {
  const words = { done: "reached", now: "under way", idle: "not yet", unknown: "not known" };
  byId("steps").replaceChildren(...steps.map(([state, text], i) => {
    const item = element("li", state);
    item.append(element("b", "", STEPS[i][1]), element("span", "badge", words[state]), element("p", "", text));
    return item;
  }));
}

async function refreshTry(path) {
  const [status, panels, told] = await Promise.all([(await ask(`${path}/drift/status`)).json(), (await ask(`${path}/panels`)).json(), askAlerts()]);
  features = Object.entries(status.features).map(([name, feature], place) => describe(name, feature, place));
  chain = told;
  const steps = stepsOf(status, panels, told), reached = steps.findLastIndex(([state]) => state === "done");
  put(byId("verdict"), features.some((f) => f.drifted && !f.prediction) ? `The chain has come to: ${STEPS[reached][1].toLowerCase()}.` : "No drift: press the button, and see what happens.");
  for (const button of document.querySelectorAll("#try button")) button.disabled = !panels.simulation;
  byId("no-simulation").hidden = panels.simulation;
  renderSteps(steps);
}

// severity 0: rows as in the reference.
async function simulate(severity) {
  const said = byId("tried");
  put(said, "sending");
  try {
    const path = `/models/${encodeURIComponent(byId("model").value)}/simulate/drift`;
    const told = await send(path, { severity, n_requests: Number(byId("rows").value) });
    if (severity > 0) tried = Date.now();
    put(said, severity > 0 ? `${told.requests_sent ?? byId("rows").value} rows with drift are in the window.` : "Rows as in the reference are in the window: the drift ends.");
    await refresh();
  } catch (error) {
    put(said, `It did not work: ${error.message}.`);
  }
}
