#!/usr/bin/env bash
# Drives drift and follows it to the alert and the Slack message, then ends it and follows that to
# the message that says so.
#
# usage: ./test_drift.sh [--severity S] [--concept] [--no-resolve]
#
#   --severity S    how strong, above 0 and at most 1, default 0.7
#   --concept       concept drift instead: the inputs stay as they are, the labels say the opposite;
#                   no alert about data drift may come
#   --no-resolve    stop once the alert's message has arrived; the drift stays in the window
#
# Ends with exit status 0 when every step was seen: the first message within three minutes, the
# message of the end within five more. The ports are those of `make run`, of the environment or
# of .env.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")" && pwd)
. "$ROOT/scripts/traffic.sh"

severity=0.7 resolve=1 concept=''
firing_limit=180 resolve_limit=300
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) print_help "$0" && exit 0 ;;
    --severity) severity=${2:-} && shift ;;
    --concept) concept=1 ;;
    --no-resolve) resolve='' ;;
    *) die "unknown argument '$1'" "see ./test_drift.sh --help" ;;
    esac
    shift || break
done
[[ $severity =~ ^(0?\.[0-9]+|1|1\.0+)$ ]] || die "--severity must be a number above 0 and at most 1, not '$severity'"

require_tools
find_stack
destination=$(messages_destination)
if [ "$destination" = inbox ]; then
    http_get -o /dev/null "$INBOX_URL/messages" || die "the Slack inbox does not answer at $INBOX_URL" \
        "see run/log/slack-inbox.log, or docker-compose logs slack-inbox"
fi
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
trap 'progress_end; exit 130' INT TERM
# The end of the drift, and of an earlier one, is ordinary traffic: enough rows for both.
[ -n "$concept" ] || make_rows "$rows" $((2 * resolve_limit * 20 + 4000)) 2
next=1

# What differs: the state that is read, the alerts that are waited for, what is said about both.
reader=read_status what=drift score="largest score: "
requests="severity=$severity" expected="30 s critical, 1 min warning"
if [ -n "$concept" ]; then
    drift_alert=$concept_alerts reader=read_concept what="concept drift" score=''
    requests="kind=concept&severity=$severity" expected="1 min"
fi

# step DONE TEXT: a finished line of the list.
step() {
    progress_end
    printf '  %s%s%s %5s  %s\n' "$GREEN" "done" "$OFF" "$(clock $((SECONDS - began)))" "$1"
    PROGRESS_AT=$((SECONDS - 10))
}
frames=("-" "\\" "|" "/")
doing() {
    local frame=' '
    [ -z "$FANCY" ] || frame=${frames[$((SECONDS % 4))]}
    progress "     $frame $(printf '%5s' "$(clock $((SECONDS - began)))")  $1"
}
give_up() {
    progress_end
    printf '  %sFAILED%s %s\n' "$RED" "$OFF" "$1" >&2
    shift
    [ $# -eq 0 ] || printf '         %s\n' "$@" >&2
    exit 1
}

# simulate [PARAMETERS]
simulate() {
    local answer status
    # Without --fail, so that a refusal arrives with its reason.
    answer=$(curl -sS --noproxy '*' --connect-timeout 2 --max-time 10 -w '\n%{http_code}' -X POST \
        -H @<(authorization "$SERVICE_URL/") "$SERVICE_URL/simulate/drift?${1:-$requests}&n_requests=150" 2>/dev/null) ||
        give_up "the model service stopped answering at $SERVICE_URL"
    status=${answer##*$'\n'} answer=${answer%$'\n'*}
    [ "$status" = 200 ] || give_up "POST $SERVICE_URL/simulate/drift was refused (status $status):" \
        "$(jq -er .detail <<<"$answer" 2>/dev/null || head -c 300 <<<"$answer")"
}
ordinary() {
    if [ -n "$concept" ]; then
        simulate "kind=concept&severity=0"
        return
    fi
    send_rows "$rows" "$next" 20
    next=$((next + 20))
}
# data_is_quiet: nothing about the inputs pending or firing.
data_is_quiet() { [ -z "$(alerts pending "$data_alerts" && alerts firing "$data_alerts")" ]; }

# arrived WORD: the message, or for a webhook the fact that Alertmanager delivered one more.
arrived() {
    local count
    if [ "$destination" = inbox ]; then
        messages "$1" "$since"
    elif count=$(delivered) && [ "$count" -gt "$deliveries" ]; then
        say "Alertmanager delivered it to your webhook"
    fi
}
show() { printf '         %s\n' "${1//$'\n'/$'\n         '}"; }

# follow_end: ordinary traffic until the drift is out of the window, the alerts and the channel.
follow_end() {
    local limit=$((SECONDS + resolve_limit)) stage=score word _score strongest found text
    deliveries=$(delivered) || deliveries=0
    while [ $SECONDS -lt $limit ]; do
        ordinary
        IFS=$'\t' read -r word _score strongest _ < <("$reader") || give_up "the model service stopped answering"
        case $stage in
        score)
            doing "ordinary traffic; \"$word\", $score$strongest"
            if [ "$word" = "No drift" ]; then
                step "status \"No drift\", $score$strongest"
                stage=alert
            fi
            ;;
        alert)
            if ! found=$(alerts firing); then
                doing "Prometheus does not answer; asking again"
            elif [ -n "$found" ]; then
                doing "still held, for at most 105 s: $(count_alerts <<<"$found")"
            else
                step "no drift alert fires any more"
                stage=message
            fi
            ;;
        message)
            doing "waiting for the message of the end"
            text=$(arrived RESOLVED)
            if [ -n "$text" ]; then
                step "the message of the end arrived"
                show "$text"
                return 0
            fi
            ;;
        esac
        pace
    done
    give_up "the drift was not reported as ended within $resolve_limit s; stuck at: $stage" \
        "alerts: $(alerts_page "${PROMETHEUS_API%/api/v1}")" "Alertmanager's log: run/log/alertmanager.log"
}

# follow_drift: drift until the alert's message has arrived.
follow_drift() {
    local limit=$((SECONDS + firing_limit)) stage=score turn=0 word _score strongest p significant drifted found text
    deliveries=$(delivered) || deliveries=0
    while [ $SECONDS -lt $limit ]; do
        [ $((turn++ % 2)) -ne 0 ] || simulate
        IFS=$'\t' read -r word _score strongest p significant drifted < <("$reader") || give_up "the model service stopped answering"
        case $stage in
        score)
            doing "$score$strongest, status \"$word\""
            if [ "$drifted" = true ]; then
                step "${score/largest/drift}$strongest, status \"$word\""
                stage=evidence
            fi
            ;;
        evidence)
            if [ "$significant" = true ]; then
                [ -n "$concept" ] || p="p-value $(LC_ALL=C printf '%.2g' "$p")"
                step "it is not chance: $p"
                stage=pending
            fi
            ;;
        pending)
            doing "waiting for Prometheus to see it"
            found=$(alerts pending && alerts firing)
            if [ -n "$found" ]; then
                step "Prometheus: pending: $(group_alerts <<<"$found")"
                stage=firing
            fi
            ;;
        firing)
            doing "pending: it has to last ($expected)"
            if ! found=$(alerts firing); then
                doing "Prometheus does not answer; asking again"
            elif [ -n "$found" ]; then
                step "Prometheus: firing: $(group_alerts <<<"$found")"
                stage=message
            fi
            ;;
        message)
            doing "waiting for Alertmanager's message"
            text=$(arrived FIRING)
            if [ -n "$text" ]; then
                step "the message arrived ($destination)"
                show "$text"
                [ -n "$concept" ] || return 0
                data_is_quiet || give_up "the inputs did not drift, but an alert says so"
                step "no alert about the inputs"
                return 0
            fi
            ;;
        esac
        pace
    done
    give_up "no message within $firing_limit s; stuck at: $stage" \
        "status: $SERVICE_URL/drift/status" "alerts: $(alerts_page "${PROMETHEUS_API%/api/v1}")" \
        "Alertmanager's log: run/log/alertmanager.log"
}

end_left_over
began=$SECONDS since=$(date +%s)
say "${BOLD}${what^} of severity $severity${OFF}, 150 predictions every two seconds, to $SERVICE_URL"
follow_drift
first=$((SECONDS - began))
if [ -n "$resolve" ]; then
    say "${BOLD}The drift ends${OFF}: ordinary traffic"
    since=$(date +%s)
    follow_end
fi
where="your Slack channel"
[ "$destination" = webhook ] || where=$INBOX_URL/
say "${GREEN}passed${OFF}: the message came $first s after the drift began; see it at $where"
