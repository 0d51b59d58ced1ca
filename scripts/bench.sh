#!/usr/bin/env bash
# Runs the benchmarks and prints their results; bench/README.md says what they mean.
#
# usage: scripts/bench.sh [stats|http|check|evidence|detectors|pages]...      default: all
#
#   stats    the kernels beside SciPy
#   http     /predict with full monitoring beside nginx returning a constant
#   check    two CSV files beside pandas and SciPy
#   evidence how often traffic without drift looks drifted
#   detectors change in a stream of errors: false alarms, delay, cost
#   pages    false alarms and delays of the alerts, by window and threshold (about 10 minutes)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ $# -gt 0 ] || set -- stats http check evidence detectors pages
for name in "$@"; do
    case $name in
    stats | http | check | evidence | detectors | pages) ;;
    -h | --help) print_help "$0" && exit 0 ;;
    *) die "unknown benchmark '$name'" "see scripts/bench.sh --help" ;;
    esac
done

"$ROOT/scripts/setup.sh" build test bench
"$ROOT/scripts/build.sh"
export MODEL_SERVICE_BINARY=$BUILD_DIR/model-service
for name in "$@"; do
    printf '\n%s== %s ==%s\n' "$BOLD" "$name" "$OFF"
    case $name in
    stats) /usr/bin/python3 "$ROOT/bench/stats/bench.py" "$BUILD_DIR/stats/bench-stats" ;;
    http) /usr/bin/python3 "$ROOT/bench/http/bench.py" ;;
    check) /usr/bin/python3 "$ROOT/bench/check/bench.py" ;;
    evidence)
        ninja -C "$BUILD_DIR" bench-quiet >/dev/null
        "$BUILD_DIR/bench-quiet"
        /usr/bin/python3 "$ROOT/bench/evidence/psi_limit.py"
        ;;
    detectors) /usr/bin/python3 "$ROOT/bench/detectors/bench.py" "$BUILD_DIR/stats/bench-detectors" ;;
    pages) "$BUILD_DIR/bench-pages" ;;
    esac
done
