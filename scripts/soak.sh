#!/usr/bin/env bash
# Sends a million requests to the service under each sanitizer and expects no report.
#
# usage: [SOAK_REQUESTS=1000000] scripts/soak.sh [asan|tsan]...      default: both
#
# The requests are a mixture from tests/http/soak.lua: predictions of every form, refused bodies,
# scrapes, status, simulations, over keep-alive connections.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ $# -gt 0 ] || set -- asan tsan
case $1 in -h | --help) print_help "$0" && exit 0 ;; esac
cd "$ROOT"
wanted=${SOAK_REQUESTS:-1000000}
"$ROOT/scripts/setup.sh" build run test bench

# requests_total URL: what the service counted, all routes and statuses.
requests_total() {
    http_get "$1/metrics" | awk '/^http_requests_total\{/ { sum += $NF } END { printf "%d\n", sum }'
}

service=
stop_service() { [ -z "$service" ] || kill -KILL "$service" 2>/dev/null || true; }
trap stop_service EXIT

soak() { # NAME SANITIZERS
    local folder=$ROOT/build-$1 log=$ROOT/build-$1/soak.log url count=0 before status=0 began=$SECONDS
    BUILD_DIR=$folder scripts/build.sh -Dbuildtype=debugoptimized -Db_sanitize="$2" -Db_lundef=false
    ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=second_deadlock_stack=1 \
        "$folder/model-service" serve --listen 127.0.0.1:0 --log-level info 2>"$log" >&2 &
    service=$!
    for _ in {1..100}; do
        url=$(sed -nE 's#.*listening on (http://[0-9.:]+).*#\1#p' "$log" | head -n 1)
        [ -z "$url" ] || break
        sleep 0.1
    done
    [ -n "$url" ] || die "$1: the service did not start" "$(tail -n 20 "$log")"
    while [ "$count" -lt "$wanted" ]; do
        before=$count
        wrk -t 1 -c 16 -d 10s --timeout 10s -s tests/http/soak.lua "$url" >/dev/null
        count=$(requests_total "$url") || die "$1: the service stopped answering" "$(tail -n 60 "$log")"
        say "  $1: $count of $wanted requests after $((SECONDS - began)) s"
        [ "$count" -gt "$before" ] || die "$1: the service answers nothing any more"
    done
    kill -TERM "$service"
    wait "$service" || status=$?
    service=
    if [ $status -ne 0 ] || grep -qE 'Sanitizer|runtime error' "$log"; then
        die "$1: exit status $status, or a report; see $log" "$(grep -A 20 -m 1 -E 'Sanitizer|runtime error' "$log")"
    fi
    say "${GREEN}passed${OFF}: $1, $count requests, no report"
}

for name in "$@"; do
    case $name in
    asan) soak asan address,undefined ;;
    tsan) soak tsan thread ;;
    *) die "unknown sanitizer '$name'" "see scripts/soak.sh --help" ;;
    esac
done
