#!/usr/bin/env bash
# Runs test_normal.sh and test_drift.sh in all their kinds in random order and without a pause, against a
# stack of its own with the project's real intervals: none may fail because of what another has left.
#
# usage: scripts/test_scripts.sh [--runs N] [--seed S]
#
#   --runs N    how many, default 20 (about four minutes each)
#   --seed S    another order, default 1
#
# Ends with "N passed, N failed"; the output of a run that failed is shown. Uses free ports; the service is
# that of BUILD_DIR.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

runs=20 seed=1
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) print_help "$0" && exit 0 ;;
    --runs) runs=${2:-} && shift ;;
    --seed) seed=${2:-} && shift ;;
    *) die "unknown argument '$1'" "see scripts/test_scripts.sh --help" ;;
    esac
    shift || break
done
[[ $runs =~ ^[1-9][0-9]{0,3}$ ]] || die "--runs must be a whole number from 1 to 9999, not '$runs'"
[[ $seed =~ ^[0-9]{1,9}$ ]] || die "--seed must be a whole number, not '$seed'"

kinds=(
    "test_normal.sh --seconds 30"
    "test_drift.sh"
    "test_drift.sh --severity 0.3"
    "test_drift.sh --concept"
    "test_drift.sh --no-resolve"
    "test_drift.sh --concept --no-resolve"
)

folder=$(mktemp -d)
export RUN_DIR=$folder/run SLACK_WEBHOOK_URL='' MESSAGES_GO_TO=inbox
port=$((20000 + $$ % 20000))
for name in MODEL_SERVICE_PORT PROMETHEUS_PORT ALERTMANAGER_PORT SLACK_INBOX_PORT; do
    while port_busy $port; do port=$((port + 1)); done
    export "$name=$port"
    port=$((port + 1))
done
"$ROOT/scripts/run.sh" --no-build >"$folder/stack.log" 2>&1 </dev/null &
stack=$!
finish() {
    kill -TERM "$stack" 2>/dev/null || true
    wait "$stack" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
for ((i = 0; i < 600; i++)); do
    ! grep -q "Everything runs" "$folder/stack.log" || break
    start_ticks "$stack" >/dev/null || die "the stack did not start:" "$(tail -n 20 "$folder/stack.log")"
    sleep 0.1
done

passed=0 failed=0
RANDOM=$seed
for ((i = 1; i <= runs; i++)); do
    read -ra command <<<"${kinds[RANDOM % ${#kinds[@]}]}"
    began=$SECONDS
    if "$ROOT/${command[0]}" "${command[@]:1}" >"$folder/output" 2>&1 </dev/null; then
        passed=$((passed + 1))
        say "  ${GREEN}ok${OFF}      $i of $runs, $((SECONDS - began)) s: ${command[*]}"
    else
        failed=$((failed + 1))
        say "  ${RED}FAILED${OFF}  $i of $runs, $((SECONDS - began)) s: ${command[*]}"
        sed 's/^/    /' "$folder/output"
    fi
done
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
