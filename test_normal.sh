#!/usr/bin/env bash
# Sends ordinary traffic and shows that it raises no alarm: rows drawn from the distribution of
# the reference data, one POST /predict each, about 20 a second.
#
# usage: ./test_normal.sh [--seconds N] [--seed S]
#
#   --seconds N    how long, default 300
#   --seed S       another stream of rows, default 1
#
# Ends with exit status 0 when the status stayed "No drift" and no drift alert fired, else 1.
# The ports are those of `make run`, of the environment or of .env.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")" && pwd)
. "$ROOT/scripts/traffic.sh"

seconds=${DURATION:-300} seed=1 rate=20
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) print_help "$0" && exit 0 ;;
    --seconds) seconds=${2:-} && shift ;;
    --seed) seed=${2:-} && shift ;;
    *) die "unknown argument '$1'" "see ./test_normal.sh --help" ;;
    esac
    shift || break
done
[[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || die "--seconds must be a whole number from 1 to 999999, not '$seconds'"
[[ $seed =~ ^[0-9]{1,18}$ ]] || die "--seed must be a whole number, not '$seed'"

require_tools
find_stack
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
trap 'progress_end; exit 130' INT TERM

# Whatever is left from before is ended first, and left out of the verdict.
end_left_over
window=$(drift_status | jq -r '[.window_capacity // 0, .window_observations, .minimum_sample, 200] | max')
[ "$window" -le 20000 ] || window=20000
make_rows "$rows" $((window + (seconds + 5) * rate)) "$seed"
say "${BOLD}Ordinary traffic${OFF} to $SERVICE_URL for $(clock "$seconds") minutes, $rate predictions a second"
say "filling the window with $window ordinary rows"
next=1
while [ "$next" -le "$window" ]; do
    count=$((window - next + 1 < 200 ? window - next + 1 : 200))
    send_rows "$rows" "$next" "$count"
    next=$((next + count))
done
began=$SECONDS PROGRESS_AT=$((SECONDS - 10)) SENT=0
worst=0 worst_text=none trouble=''
while [ $((SECONDS - began)) -lt "$seconds" ] && [ -z "$trouble" ]; do
    send_rows "$rows" "$next" "$rate"
    next=$((next + rate))
    IFS=$'\t' read -r word score strongest _ < <(read_status) || die "the model service stopped answering at $SERVICE_URL"
    firing=$(alerts firing) || die "Prometheus stopped answering"
    if [ "$score" != - ] && awk "BEGIN { exit !($score > $worst) }"; then
        worst=$score worst_text=$strongest
    fi
    [ "$word" = "No drift" ] || trouble="the status became \"$word\" ($strongest)"
    [ -z "$firing" ] || trouble="an alert fired: $(group_alerts <<<"$firing")"
    progress "  $(clock $((SECONDS - began)))  $SENT sent   ${word:-?}   largest score: $strongest"
    pace
done
progress_end

if [ -n "$trouble" ]; then
    say "${RED}failed${OFF} after $(clock $((SECONDS - began))), $SENT predictions: $trouble"
    say "  details: curl -s $SERVICE_URL/drift/status | jq ."
    exit 1
fi
say "${GREEN}passed${OFF}: $SENT predictions in $(clock $((SECONDS - began))), the status stayed \"No drift\", no alert fired"
say "  largest score seen: $worst_text"
