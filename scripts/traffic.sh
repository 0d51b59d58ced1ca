# shellcheck shell=bash
# traffic.sh - what test_normal.sh and test_drift.sh share: finding the stack, sending rows,
# reading the drift status, alerts and messages, and one line of progress.
# Sourced, never run. Needs curl and jq.

. "$ROOT/scripts/lib.sh"

require_tools() {
    local tool missing=()
    for tool in curl jq; do
        have "$tool" || missing+=("$tool")
    done
    [ ${#missing[@]} -eq 0 ] || die "this script needs ${missing[*]}" \
        "install with: apt-get install ${missing[*]}      (or make setup)"
}

# Addresses of the stack: the environment, a running `make run`, .env, the defaults.
find_stack() {
    # shellcheck disable=SC2153 # RUN_DIR comes from lib.sh
    if read_pid_file "$RUN_DIR/run.pid" >/dev/null; then
        load_settings "$RUN_DIR/state"
    fi
    native_settings
    SERVICE_URL=${SERVICE_URL:-http://127.0.0.1:$MODEL_SERVICE_PORT}
    PROMETHEUS_API=${PROMETHEUS_API:-http://127.0.0.1:$PROMETHEUS_PORT/api/v1}
    ALERTMANAGER_API=${ALERTMANAGER_API:-http://127.0.0.1:$ALERTMANAGER_PORT}
    INBOX_URL=${INBOX_URL:-http://127.0.0.1:$SLACK_INBOX_PORT}
    http_get -o /dev/null "$SERVICE_URL/ready" || die "the model service does not answer at $SERVICE_URL" \
        "start everything with: make run          (in another terminal)" \
        "or in containers with: docker-compose up -d --build"
    http_get -o /dev/null "$PROMETHEUS_API/status/buildinfo" ||
        die "Prometheus does not answer at ${PROMETHEUS_API%/api/v1}" "see run/log/prometheus.log, or docker-compose logs prometheus"
}

# ---- rows ----

# generate OPTION...: rows of the built-in model, from the local binary or from the container.
generate() {
    local binary=${BUILD_DIR:-$ROOT/build}/model-service
    if [ -x "$binary" ]; then
        "$binary" generate "$@"
    elif have docker-compose; then
        (cd "$ROOT" && docker-compose exec -T model-service model-service generate "$@" </dev/null)
    elif have docker; then
        (cd "$ROOT" && docker compose exec -T model-service model-service generate "$@" </dev/null)
    else
        die "nothing here generates rows: $binary is not built and there is no docker-compose" \
            "build it with: make build"
    fi
}

# make_rows FILE COUNT SEED: one /predict body per line.
make_rows() {
    generate --format ndjson --rows "$2" --seed "$3" >"$1" || die "could not generate rows"
}

# send_rows FILE FIRST COUNT: each line is one POST /predict, over one connection.
# Adds to SENT; a refused row ends the script with the service's own words.
SENT=0
send_rows() {
    local answers refused
    answers=$(sed -n "$2,$(($2 + $3 - 1))p;$(($2 + $3 - 1))q" "$1" | sed 's/["\\]/\\&/g' |
        HEADER=$(authorization "$SERVICE_URL/") awk -v url="$SERVICE_URL/predict" '
        NR > 1 { print "next" }
        { print "url = \"" url "\"\nheader = \"Content-Type: application/json\"\ndata = \"" $0 "\"" }
        ENVIRON["HEADER"] { print "header = \"" ENVIRON["HEADER"] "\"" }
        { print "write-out = \"\\n%{http_code}\\n\"\nmax-time = 10\nnoproxy = \"*\"" }' |
        curl -s -K - 2>&1) || die "the model service stopped answering at $SERVICE_URL"
    refused=$(grep -B1 -E '^[345][0-9]{2}$' <<<"$answers" | head -n 1) || true
    [ -z "$refused" ] || die "the model service refused a row: $refused" \
        "these scripts send the rows of the built-in model"
    SENT=$((SENT + $3))
}

# ---- what the stack says; each prints one line, and nothing when there is no answer ----

drift_status() { http_get "$SERVICE_URL/drift/status"; }

# word<TAB>score<TAB>"method score of feature"<TAB>p-value<TAB>significant<TAB>drifted, of the largest
# significant score, which is the one the word is made of; without evidence, of the largest headline score.
read_status() {
    drift_status | jq -r '
        def rounded: . * 1000 | round / 1000;
        [(.features // {}) | to_entries[] | .key as $feature | (.value.methods // {})
         | (if .ks_test then "ks_test" else "psi" end) as $headline | to_entries[]
         | select(.value.score != null and .value.threshold != null)
         | .value + {text: "\(.key) \(.value.score | rounded) of \($feature)", headline: (.key == $headline)}] as $tests
        | (([$tests[] | select(.significant)] | max_by(.score))
           // ([$tests[] | select(.headline)] | max_by(.score)) // {}) as $top
        | [.overall_drift, (if $top.score then ($top.score | rounded) else "-" end), ($top.text // "none"),
           ($top.p_value // "-"), ($top.significant // false), (.drift_detected // false)] | @tsv'
}

# The same of the concept: word<TAB>-<TAB>"accuracy 0.29 instead of 0.79"<TAB>"seen by adwin"<TAB>
# detected<TAB>degraded.
read_concept() {
    drift_status | jq -r '
        def rounded: . * 1000 | round / 1000;
        .concept_drift
        | [.degraded_metrics | to_entries[] | "\(.key) \(.value.value | rounded) instead of \(.value.reference | rounded)"] as $worse
        | [.detectors | to_entries[] | select(.value.state == "drift" and .value.alerts) | .key] as $seen
        | [(if .detected then "Concept drift" elif .degraded then "Degraded" else "No drift" end), "-",
           ($worse[0] // "performance as on the reference, on \(.window_labels) labels"),
           "seen by \($seen | join(", "))", .detected, .degraded] | @tsv'
}

# What each kind of drift raises. Of PredictionDistributionShift only the comparison with the reference
# counts: `rate` and `classes` compare with the hour before, in which these scripts may have sent anything.
data_alerts='DataDriftDetected|CriticalDataDrift|PredictionDistributionShift'
concept_alerts='ConceptDriftDetected|ModelPerformanceDegraded'
drift_alert=$data_alerts

# alerts STATE [NAMES]: "name feature" of the drift alerts in that state, one per line.
alerts() {
    http_get "$PROMETHEUS_API/alerts" | jq -r --arg state "$1" --arg names "^(${2:-$drift_alert})$" '
        .data.alerts[] | select(.state == $state and (.labels.alertname | test($names)))
        | select((.labels.signal // "distribution") == "distribution")
        | "\(.labels.alertname) \(.labels.feature // "")"' | sort
}

# told_of: names of the drift alerts, of either kind, that Alertmanager still holds as firing.
told_of() {
    http_get "$ALERTMANAGER_API/api/v2/alerts?active=true&silenced=true&inhibited=true" |
        jq -r --arg names "^($data_alerts|$concept_alerts)$" '
            [.[] | .labels | select((.alertname | test($names)) and (.signal // "distribution") == "distribution")
             | .alertname] | unique | join(", ")'
}

# Lines of alerts() as one: "name: feature, feature; name: feature".
group_alerts() {
    sort -u | awk '
        $1 == "" { next }
        $1 != name { name = $1; count = 0; printf "%s%s", separator, name; separator = "; " }
        $2 != "" { printf "%s%s", count++ ? ", " : ": ", $2 }'
}

# The same, but how many features instead of which: "name x3; name".
count_alerts() {
    sort -u | awk '
        $1 == "" { next }
        { count[$1]++ }
        END { for (name in count) printf "%s%s%s", separator, name, (count[name] > 1 ? " x" count[name] : ""), separator = "; " }'
}

# ---- what is left of earlier traffic ----

# Nothing of a drift in the windows, none of its alerts pending or firing, and its end told.
left_over() {
    local word found
    IFS=$'\t' read -r word _ < <(read_status) || die "the model service stopped answering at $SERVICE_URL"
    case $word in "No drift" | insufficient_data) ;; *) say "the inputs: $word" && return ;; esac
    if IFS=$'\t' read -r word _ < <(read_concept) && [ "$word" != "No drift" ]; then
        say "the labels: $word" && return
    fi
    found=$(alerts firing "$data_alerts|$concept_alerts" && alerts pending "$data_alerts|$concept_alerts") || die "Prometheus stopped answering"
    [ -z "$found" ] || { say "Prometheus: $(count_alerts <<<"$found")" && return; }
    found=$(told_of) || return 0
    [ -z "$found" ] || say "Alertmanager: $found"
}

# end_left_over: ordinary traffic, its labels right, until nothing is left of earlier drift. Then as long as
# Alertmanager's groups take to tell an end (group_interval), so that no message of it comes later.
SETTLE_SECONDS=600 TELL_SECONDS=35
end_left_over() {
    local began=$SECONDS left clean=$SECONDS
    left=$(left_over)
    [ -n "$left" ] || return 0
    say "${BOLD}Ending what an earlier drift has left${OFF}, with ordinary traffic: $left"
    while [ -n "$left" ] || [ $((SECONDS - clean)) -lt $TELL_SECONDS ]; do
        [ $((SECONDS - began)) -lt $SETTLE_SECONDS ] || die "this does not end within $SETTLE_SECONDS s: $left" \
            "alerts: $(alerts_page "${PROMETHEUS_API%/api/v1}")"
        http_post "$SERVICE_URL/simulate/drift?kind=concept&severity=0&n_requests=150" >/dev/null ||
            die "the model service refused ordinary traffic at $SERVICE_URL/simulate/drift"
        left=$(left_over)
        [ -z "$left" ] || clean=$SECONDS
        progress "       $(clock $((SECONDS - began)))  ${left:-waiting until Alertmanager has told the end}"
        pace
    done
    progress_end
}

# ---- time and progress ----

# Sleeps until a second has passed since the last call.
PACE_AT=0
pace() {
    local now=${EPOCHREALTIME/[.,]/} left
    left=$((PACE_AT + 1000000 - now))
    if [ $left -gt 0 ] && [ $left -le 1000000 ]; then
        sleep "0.$(printf '%06d' $((left == 1000000 ? 999999 : left)))"
    fi
    PACE_AT=${EPOCHREALTIME/[.,]/}
}

clock() { printf '%d:%02d' $((($1) / 60)) $((($1) % 60)); }

# progress TEXT: overwrites itself on a terminal; elsewhere one line every ten seconds. A wrapped line
# could not be overwritten, so it has at most 80 columns, or those of a narrower terminal.
PROGRESS_AT=-10
COLUMNS_SHOWN=$({ stty size </dev/tty; } 2>/dev/null | cut -d' ' -f2) || true
[ "${COLUMNS_SHOWN:-0}" -ge 20 ] 2>/dev/null && [ "$COLUMNS_SHOWN" -lt 80 ] || COLUMNS_SHOWN=80
COLUMNS_SHOWN=$((COLUMNS_SHOWN - 1))
progress() {
    local text=$1
    [ ${#text} -le "$COLUMNS_SHOWN" ] || text="${text:0:COLUMNS_SHOWN-3}..."
    if [ -n "$FANCY" ]; then
        printf '\r\e[K%s' "$text"
    elif [ $((SECONDS - PROGRESS_AT)) -ge 10 ]; then
        PROGRESS_AT=$SECONDS
        printf '%s\n' "$text"
    fi
}
progress_end() { [ -z "$FANCY" ] || printf '\r\e[K'; }

# ---- messages ----

# messages WORD SINCE: titles of the drift messages received at or after SINCE (seconds since the
# epoch) whose title begins with WORD (FIRING or RESOLVED), oldest first, each with its text as plain
# indented lines, without the links.
messages() {
    http_get "$INBOX_URL/messages" | jq -r --arg word "$1" --arg names "$drift_alert" --argjson since "$2" '
        [if type == "array" then .[] else .messages[] end
         | . as $message | .attachments[]?
         | select((.title // "") | startswith($word))
         | select((.title + .text) | test($names))
         | select(($message.received_at | sub("\\.[0-9]+"; "") | fromdateiso8601) >= $since)
         | {at: $message.received_at, title,
            lines: ((.text | split("\n"))
                    + [.fields[]? | select(.title != "Links") | "\(.title): \(.value)"])}]
        | sort_by(.at) | .[]
        | .title, (.lines[] | select(. != "")
            | gsub("<[^|>]+\\|(?<words>[^>]+)>"; .words) | gsub("[*`]"; "")
            | gsub("&lt;"; "<") | gsub("&gt;"; ">") | gsub("&amp;"; "&") | "    " + .)'
}

# Where messages go: inbox, or webhook when one is configured.
messages_destination() {
    if [ -n "${MESSAGES_GO_TO:-}" ]; then
        say "$MESSAGES_GO_TO"
    elif [ -n "${SLACK_WEBHOOK_URL:-}" ]; then
        say webhook
    else
        say inbox
    fi
}

# How many Slack deliveries Alertmanager has made without an error.
delivered() {
    http_get "$ALERTMANAGER_API/metrics" | awk '
        /^alertmanager_notifications_total\{.*integration="slack"/ { sent += $NF }
        /^alertmanager_notifications_failed_total\{.*integration="slack"/ { failed += $NF }
        END { print sent - failed }'
}
