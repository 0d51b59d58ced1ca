#!/usr/bin/env bash
# Builds with warnings as errors and runs the tests. The slowest tests are listed at the end; the last
# line is the count.
#
# usage: scripts/test.sh [SUITE...]       default: build checks unit python http stack
#
#   build     gcc and clang, warnings as errors
#   checks    format of the C sources, shell scripts
#   unit      C unit tests (cmocka)
#   python    tests/unit/ of Python that Meson does not run: kernels against SciPy; tests/check
#   http      the service over HTTP
#   stack     Prometheus, Alertmanager and dashboard configuration, and end to end
#   compose   the Compose file with a real Docker engine (root; starts one if none runs)
#   asan      unit and HTTP tests under the address and undefined-behaviour sanitizers
#   tsan      unit and HTTP tests under the thread sanitizer
#   lint      only the checks that need no build
#
# Those tests of `stack` that mostly wait for Prometheus and Alertmanager, and the build with clang, run
# beside the other suites; what they print is shown when they have ended. pytest runs several tests at a
# time: each starts services of its own on free ports.
#
# PYTEST_ARGS adds options to every pytest run. Reports are kept in build-test/results/.
set -uo pipefail
: "${BUILD_DIR:=build-test}"
case $BUILD_DIR in /*) ;; *) BUILD_DIR=$(cd "$(dirname "$0")/.." && pwd)/$BUILD_DIR ;; esac
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit 1

python=/usr/bin/python3 # Debian's, whichever other comes first on PATH
results=$ROOT/build-test/results
# Tests at a time: some wait for a service now and then, those with the whole stack nearly always.
workers=$(($(nproc) + 1))
stack_workers=$((2 * $(nproc)))
# Each of these starts Prometheus, and most Alertmanager too.
with_stack=(tests/stack/test_{end_to_end,incidents,run_scripts,dashboard_live,close_incidents,links,many_features}.py)
# The longest of them. By itself, since pytest gives every worker a second test at the start.
longest=tests/stack/test_change_reaches_inbox.py
export PYTHONDONTWRITEBYTECODE=1

title() { printf '\n%s== %s ==%s\n' "$BOLD" "$*" "$OFF"; }

# check NAME COMMAND...: one pass or failure; the output is shown when it fails.
check() {
    local name=$1 log
    shift
    log=$results/check-${name//[^a-zA-Z0-9]/-}.log
    if "$@" >"$log" 2>&1; then
        printf 'passed\t%s\n' "$name" >>"$results/checks.tsv"
        say "  ${GREEN}ok${OFF}      $name"
    else
        printf 'failed\t%s\n' "$name" >>"$results/checks.tsv"
        say "  ${RED}FAILED${OFF}  $name"
        tail -n 40 "$log" | sed 's/^/    /'
        return 1
    fi
}

# run_pytest NAME SECONDS WORKERS PATH...: a run that ends without a report counts as one failure.
run_pytest() {
    local name=$1 seconds=$2 workers=$3 status=0
    shift 3
    # shellcheck disable=SC2086 # several options in one variable
    timeout --kill-after=30 "$seconds" "$python" -m pytest -q -p no:cacheprovider -n "$workers" \
        --junitxml="$results/$name.xml" -o junit_family=xunit2 ${PYTEST_ARGS:-} "$@" || status=$?
    if [ "$status" -gt 1 ]; then
        printf 'failed\tpytest %s ended with status %s\n' "$name" "$status" >>"$results/checks.tsv"
    fi
}

# run_unit NAME: every cmocka test counts by itself, through its TAP output in Meson's log.
run_unit() {
    local name=$1 status=0
    CMOCKA_MESSAGE_OUTPUT=TAP timeout --kill-after=30 900 \
        meson test -C "$BUILD_DIR" --no-rebuild --print-errorlogs --timeout-multiplier "${2:-1}" || status=$?
    if ! cp "$BUILD_DIR/meson-logs/testlog.json" "$results/$name.json" 2>/dev/null; then
        printf 'failed\tmeson test %s ended with status %s\n' "$name" "$status" >>"$results/checks.tsv"
    fi
}

use_build() { # DIR
    export BUILD_DIR=$1 MODEL_SERVICE_BINARY=$1/model-service
}

# beside NAME COMMAND...: starts the command, which runs beside what follows.
declare -A running=()
beside() {
    local name=$1
    shift
    "$@" >"$results/$name.out" 2>&1 &
    running[$name]=$!
}

# Waits for what runs beside and shows what it printed.
gather() {
    local name
    for name in "${!running[@]}"; do
        wait "${running[$name]}"
        cat "$results/$name.out"
    done
    running=()
}

suite_build() {
    title "build, warnings as errors"
    check 'gcc -Werror' env CC=gcc scripts/build.sh --werror || return 1
    beside clang check 'clang -Werror' env CC=clang-14 BUILD_DIR="$ROOT/build-clang" \
        nice scripts/build.sh --werror
}

suite_checks() {
    title "checks"
    check 'clang-format' scripts/format.sh --check
    check 'shellcheck' shellcheck scripts/*.sh ./*.sh model-service/*.sh .ci/run alertmanager/*.sh tests/compose/*.sh
    return 0
}
suite_lint() { suite_checks; }

suite_unit() {
    title "unit tests"
    run_unit unit
}

suite_python() {
    title "kernels against SciPy; the check command"
    # Those that need something built just for them are run by Meson, in the unit tests.
    local file files=() by_meson
    by_meson=$(meson introspect "$BUILD_DIR" --tests)
    for file in tests/unit/test_*.py tests/unit/*/test_*.py; do
        [[ $by_meson == *"${file##*/}"* ]] || files+=("$file")
    done
    LIBDRIFT=$BUILD_DIR/stats/libdrift.so run_pytest python 900 "$workers" "${files[@]}" tests/check
}

suite_http() {
    title "the service over HTTP"
    run_pytest http 900 "$workers" tests/http
    run_pytest examples 600 1 tests/examples
}

suite_stack() {
    title "Prometheus, Alertmanager, Grafana configuration; pictures"
    run_pytest stack 1800 "$workers" tests/stack "${with_stack[@]/#/--ignore=}" \
        "--ignore=$longest"
}

run_with_stack() {
    title "end to end, incidents and scripts with Prometheus and Alertmanager"
    run_pytest live 1800 "$stack_workers" "${with_stack[@]}"
}

run_longest() {
    title "a small change, from the row to the message"
    run_pytest longest 900 0 "$longest"
}

suite_compose() {
    title "Compose with a Docker engine"
    scripts/setup.sh compose run test || exit 1
    run_pytest compose 1800 0 tests/compose
}

# sanitized NAME OPTION...: unit and HTTP tests against a build with a sanitizer.
sanitized() {
    local name=$1
    shift
    use_build "$ROOT/build-$name"
    title "$name: build"
    check "$name build" scripts/build.sh -Dbuildtype=debugoptimized "$@" || return 1
    title "$name: unit tests"
    run_unit "$name-unit" 5
    title "$name: HTTP tests"
    run_pytest "$name-http" 1800 "$workers" tests/http
    run_pytest "$name-check" 900 "$workers" tests/check
}

suite_asan() {
    export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:abort_on_error=0
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    sanitized asan -Db_sanitize=address,undefined
}
suite_tsan() {
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    sanitized tsan -Db_sanitize=thread
}

[ $# -gt 0 ] || set -- build checks unit python http stack
case $1 in -h | --help) print_help "$0" && exit 0 ;; esac
for suite in "$@"; do
    declare -F "suite_$suite" >/dev/null || die "unknown suite '$suite'" "see scripts/test.sh --help"
done

scripts/setup.sh build run test || exit 1
rm -rf "$results" && mkdir -p "$results" || exit 1
use_build "$BUILD_DIR"
suites=("$@") began=$SECONDS
wanted() { [[ " ${suites[*]} " == *" $1 "* ]]; }
if ! wanted build || suite_build; then
    if wanted stack; then
        beside longest run_longest
        beside live run_with_stack
    fi
    for suite in "${suites[@]}"; do
        [ "$suite" = build ] || "suite_$suite"
    done
fi
gather
title "result after $((SECONDS - began)) s"
exec "$python" scripts/count_results.py "$results"
