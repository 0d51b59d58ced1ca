#!/usr/bin/env bash
# Starts the model service, the Slack inbox, Alertmanager and Prometheus on the
# loopback address, and stops them together on Ctrl-C or `make stop`.
#
# usage: scripts/run.sh [--no-build]
#
# Settings, from the environment or from .env:
#   MODEL_SERVICE_PORT 8000   PROMETHEUS_PORT 9090   ALERTMANAGER_PORT 9093   SLACK_INBOX_PORT 9095
#   SLACK_WEBHOOK_URL         where messages go; without it, to the local Slack inbox
#   TOKEN_FILE                the model service's tokens (docs/security.md), at least of the roles read and admin
#   DRIFT_THRESHOLD           warning threshold of the drift scores
#   MODEL_CONFIG              YAML configuration of the model service; without it, the built-in model
#   MODEL_FOLDER              the folder that a relative MODEL_CONFIG is in
#   PUBLIC_HOST 127.0.0.1     host name in the links of messages
#   DASHBOARD_URL, RUNBOOK_URL               whole URLs for the links of messages
#   RUN_DIR run   BUILD_DIR build            where data, logs and the binary are
set -euo pipefail
. "$(dirname "$0")/lib.sh"

build=1
for argument in "$@"; do
    case $argument in
    --no-build) build= ;;
    -h | --help) print_help "$0" && exit 0 ;;
    *) die "unknown argument '$argument'" "see scripts/run.sh --help" ;;
    esac
done
native_settings
public=${PUBLIC_HOST:-127.0.0.1}
service=127.0.0.1:$MODEL_SERVICE_PORT
prometheus=127.0.0.1:$PROMETHEUS_PORT
alertmanager=127.0.0.1:$ALERTMANAGER_PORT
inbox=127.0.0.1:$SLACK_INBOX_PORT
binary=$BUILD_DIR/model-service

# ---- before anything starts ----

if [ -n "${MODEL_CONFIG:-}" ]; then
    [ -z "${MODEL_FOLDER:-}" ] || [[ $MODEL_CONFIG == /* ]] || MODEL_CONFIG=$MODEL_FOLDER/$MODEL_CONFIG
    if [ ! -e "$MODEL_CONFIG" ]; then
        die "MODEL_CONFIG: there is no file $MODEL_CONFIG" "a relative path begins at $PWD"
    elif [ -d "$MODEL_CONFIG" ] || [ ! -r "$MODEL_CONFIG" ]; then
        die "MODEL_CONFIG: $MODEL_CONFIG is not a file that can be read"
    fi
fi
if [ -n "${TOKEN_FILE:-}" ]; then
    TOKEN_FILE=$(realpath -- "$TOKEN_FILE")
    for role in read admin; do
        grep -q "^${role}[[:blank:]]" "$TOKEN_FILE" 2>/dev/null ||
            die "TOKEN_FILE: there is no token of the role $role in $TOKEN_FILE" "see docs/security.md"
    done
fi
umask 077
mkdir -p "$RUN_DIR"/{log,pids,data}
exec {lock}>"$RUN_DIR/lock"
if ! flock -n "$lock"; then
    pid=$(read_pid_file "$RUN_DIR/run.pid") || pid=unknown
    die "already running from $RUN_DIR (pid $pid)" "stop it with: make stop" \
        "or run a second one with RUN_DIR and the ports set; see scripts/run.sh --help"
fi

if [ -n "$build" ]; then
    "$ROOT/scripts/setup.sh" build run
    (umask 022 && "$ROOT/scripts/build.sh")
fi
[ -x "$binary" ] || die "$binary is not built" "build it with: make build"
alertmanager_program=$(command -v prometheus-alertmanager || command -v alertmanager) ||
    die "Alertmanager is not installed" "install it with: make setup"
prometheus_program=$(command -v prometheus) ||
    die "Prometheus is not installed" "install it with: make setup"

check_ports() {
    local name problems=()
    local -A taken=()
    for name in MODEL_SERVICE_PORT PROMETHEUS_PORT ALERTMANAGER_PORT SLACK_INBOX_PORT; do
        if [ -n "${taken[${!name}]:-}" ]; then
            problems+=("$name and ${taken[${!name}]} are both ${!name}")
        fi
        taken[${!name}]=$name
        if port_busy "${!name}"; then
            problems+=("port ${!name} is in use by $(port_owner "${!name}"); choose another with $name=PORT")
        fi
    done
    [ ${#problems[@]} -eq 0 ] || die "not starting, because:" "${problems[@]}" \
        "for example: PROMETHEUS_PORT=19090 make run      (or set it in .env)" \
        "left over from an earlier run? make stop"
}
check_ports

# ---- configuration: the project's own files, with this run's addresses ----

webhook=${SLACK_WEBHOOK_URL:-}
unset SLACK_WEBHOOK_URL # Alertmanager reads it from its file; no other process needs it

render_configuration() {
    local target
    rm -rf "$RUN_DIR/prometheus" "$RUN_DIR/alertmanager"
    cp -r "$ROOT/prometheus" "$ROOT/alertmanager" "$RUN_DIR"
    for target in model-service:"$service" prometheus:"$prometheus" alertmanager:"$alertmanager"; do
        printf -- "- targets: ['%s']\n" "${target#*:}" >"$RUN_DIR/prometheus/targets/${target%%:*}.yml"
    done
    if [ -n "${TOKEN_FILE:-}" ]; then
        awk '$1 == "read" { printf "%s", $2; exit }' "$TOKEN_FILE" >"$RUN_DIR/prometheus/token"
        sed -i '/job_name: model-service$/a\    authorization: {credentials_file: token}' "$RUN_DIR/prometheus/prometheus.yml"
    fi
    mkdir -p "$RUN_DIR/alertmanager/secrets"
    printf '%s' "${webhook:-http://$inbox/slack}" >"$RUN_DIR/alertmanager/secrets/slack_url"
}
render_configuration

# ---- the components ----

names=() pids=()
stopping=

# start NAME COMMAND...: in a session of its own, so that Ctrl-C reaches only this script, which
# then stops the components in order; setpriv ends them should this script be killed outright.
start() {
    local name=$1
    shift
    setsid setpriv --pdeathsig TERM -- "$@" >"$RUN_DIR/log/$name.log" 2>&1 </dev/null {lock}>&- &
    names+=("$name") pids+=($!)
    write_pid_file "$RUN_DIR/pids/$name.pid" $!
}

stop_all() {
    local i
    trap '' INT TERM HUP
    stopping=1
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        start_ticks "${pids[i]}" >/dev/null || continue
        kill -TERM "${pids[i]}" 2>/dev/null || true
        wait_gone "${pids[i]}" 20 || {
            warn "${names[i]} did not stop within 20 seconds; killing it"
            kill -KILL "${pids[i]}" 2>/dev/null || true
            wait "${pids[i]}" 2>/dev/null || true # keeps bash's own report of it from the terminal
        }
        say "  stopped ${names[i]}"
    done
    rm -f "$RUN_DIR"/pids/*.pid "$RUN_DIR/run.pid" "$RUN_DIR/state"
}

# fail NAME WHY: shows why a component is not there, stops the rest.
fail() {
    printf '\n%serror:%s %s %s; the end of %s:\n' "$RED" "$OFF" "$1" "$2" "$RUN_DIR/log/$1.log" >&2
    tail -n 15 "$RUN_DIR/log/$1.log" | sed 's/^/  | /' >&2
    stop_all
    exit 1
}

on_signal() {
    [ -z "$stopping" ] || return 0
    printf '\nstopping\n'
    stop_all
    exit 0
}
trap on_signal INT TERM HUP

# await NAME URL: until the component that was started last answers.
await() {
    local pid=${pids[-1]} i
    printf '  %-14s' "$1"
    for ((i = 0; i < 300; i++)); do
        if http_get -o /dev/null "$2"; then
            printf '%sready%s\n' "$GREEN" "$OFF"
            return 0
        fi
        start_ticks "$pid" >/dev/null || fail "$1" "ended while starting"
        sleep 0.1
        [ $((i % 10)) -ne 9 ] || printf '.'
    done
    fail "$1" "is not ready after 30 seconds"
}

write_pid_file "$RUN_DIR/run.pid" $$
say "starting"
start slack-inbox "$binary" slack-inbox --listen "$inbox" --allow-host "$public"
await slack-inbox "http://$inbox/messages"
service_options=(--listen "$service" --allow-host "$public" --state "$RUN_DIR/data/model-service")
# The pages show what fires and what was sent.
service_options+=(--prometheus "http://$prometheus" --alertmanager "http://$alertmanager")
[ -n "$webhook" ] || service_options+=(--inbox "http://$inbox")
[ -z "${TOKEN_FILE:-}" ] || service_options+=(--token-file "$(realpath "$TOKEN_FILE")")
[ -z "${MODEL_CONFIG:-}" ] || service_options+=(--config "$(realpath "$MODEL_CONFIG")")
start model-service "$binary" serve "${service_options[@]}"
await model-service "http://$service/ready"
# Prometheus serves a copy of the runbook: the alerts' links lead to it, also when the service is down.
mkdir -p "$RUN_DIR/pages"
http_get "http://$service/runbook" >"$RUN_DIR/pages/runbook.html" || fail model-service "does not serve /runbook"
# The inbox starts empty, so Alertmanager must not believe that it has already told it of an alert
# that still fires. With a webhook it should: Slack has the earlier run's message.
[ -n "$webhook" ] || rm -f "$RUN_DIR/data/alertmanager/nflog"
cd "$RUN_DIR/alertmanager" # the path of the webhook file is relative to it
start alertmanager "$alertmanager_program" \
    --config.file="$RUN_DIR/alertmanager/alertmanager.yml" \
    --storage.path="$RUN_DIR/data/alertmanager" \
    --web.listen-address="$alertmanager" \
    --web.external-url="http://$public:$ALERTMANAGER_PORT/" \
    --cluster.listen-address=
await alertmanager "http://$alertmanager/-/ready"
prometheus_options=()
if [[ $("$prometheus_program" --version 2>&1) == *'version 2.'* ]]; then
    prometheus_options=(--enable-feature=expand-external-labels) # always on in 3
fi
# There is no Grafana in a native run: the messages link to the service's own dashboard.
export DASHBOARD_URL=${DASHBOARD_URL:-http://$public:$MODEL_SERVICE_PORT/dashboard}
start prometheus "$prometheus_program" "${prometheus_options[@]}" \
    --web.user-assets="$RUN_DIR/pages" \
    --config.file="$RUN_DIR/prometheus/prometheus.yml" \
    --storage.tsdb.path="$RUN_DIR/data/prometheus" \
    --storage.tsdb.retention.time=15d \
    --storage.tsdb.retention.size=1GB \
    --web.listen-address="$prometheus" \
    --web.external-url="http://$public:$PROMETHEUS_PORT/"
await prometheus "http://$prometheus/-/ready"

# What test_normal.sh and test_drift.sh need to find this run.
{
    printf '%s=%s\n' MODEL_SERVICE_PORT "$MODEL_SERVICE_PORT" PROMETHEUS_PORT "$PROMETHEUS_PORT" \
        ALERTMANAGER_PORT "$ALERTMANAGER_PORT" SLACK_INBOX_PORT "$SLACK_INBOX_PORT" \
        BUILD_DIR "$BUILD_DIR" TOKEN_FILE "${TOKEN_FILE:-}" MESSAGES_GO_TO "$(if [ -n "$webhook" ]; then say webhook; else say inbox; fi)"
} >"$RUN_DIR/state"

# What to do next: the test scripts send rows of the built-in model only.
next_steps() {
    if [ -z "${MODEL_CONFIG:-}" ]; then
        say "  ./test_normal.sh    ordinary traffic for five minutes: no drift, no alert"
        say "  ./test_drift.sh     drift, followed until the message arrives"
        return
    fi
    say "  curl -s http://$service/$(example_endpoint) -H 'Content-Type: application/json' -d '$(example_row)'"
    say "  curl -s http://$service/drift/status"
}

# Where rows of the first model go: a model without a scorer only observes what others predict.
example_endpoint() {
    local name
    if name=$(http_get "http://$service/drift/status" | jq -re .model 2>/dev/null) &&
        http_get -o /dev/null "http://$service/v2/models/$name/ready"; then
        say predict
    else
        say observe
    fi
}

# A body for /predict or /observe with the features of the first model, to be filled in.
example_row() {
    http_get "http://$service/drift/status" | jq -ce '
        .features | to_entries | map(select(.key | IN("prediction", "prediction_score") | not))
        | {features: (map({key, value: (if .value.type == "numeric" then 0 else "VALUE" end)}) | from_entries)}' \
        2>/dev/null || say '{"features": {"NAME": VALUE, ...}}'
}

cat <<TEXT

${BOLD}Everything runs.${OFF} Ctrl-C here, or 'make stop' elsewhere, ends it.

  model service   http://$service/
  Prometheus      $(alerts_page "http://$prometheus")
  Alertmanager    http://$alertmanager/      Debian's package has the API only, no pages
  Slack inbox     http://$inbox/      $(if [ -n "$webhook" ]; then
    printf 'idle: messages go to your webhook'
else
    printf 'messages appear here'
fi)

Next, in another terminal:
$(next_steps)

Logs are in $RUN_DIR/log/
TEXT

# A model service that dies is started again: it goes on with the state it has kept. One that dies
# this often within a minute would only go on dying.
most_restarts=5
restarts=()

# restart_service WHY: false when it has been started again too often.
restart_service() {
    local i
    restarts+=("$SECONDS")
    [ ${#restarts[@]} -le $most_restarts ] || restarts=("${restarts[@]:1}")
    [ ${#restarts[@]} -lt $most_restarts ] || ((restarts[0] < SECONDS - 60)) || return 1
    warn "model-service $1; it is started again and goes on with its state"
    for i in "${!names[@]}"; do
        [ "${names[i]}" != model-service ] || unset "names[i]" "pids[i]"
    done
    names=("${names[@]}") pids=("${pids[@]}")
    mv "$RUN_DIR/log/model-service.log" "$RUN_DIR/log/model-service.log.before"
    start model-service "$binary" serve "${service_options[@]}"
}

# Another component that ends by itself brings the rest down.
while [ -z "$stopping" ]; do
    ended='' status=0
    wait -n -p ended "${pids[@]}" 2>/dev/null || status=$? # without bash's own report of a killed job
    [ -z "$stopping" ] || break
    why="ended by itself with status $status"
    [ $status -le 128 ] || why="was killed (signal $((status - 128)))"
    for i in "${!pids[@]}"; do
        [ "${pids[i]}" = "$ended" ] || continue
        if [ "${names[i]}" != model-service ] || ! restart_service "$why"; then
            fail "${names[i]}" "$why"
        fi
        break
    done
done
