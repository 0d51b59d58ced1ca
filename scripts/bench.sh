#!/usr/bin/env bash
# Runs the benchmarks and prints their results; bench/README.md says what they mean.
#
# usage: scripts/bench.sh [NAME...]      default: all
#
#   stats      the kernels beside SciPy
#   http       /predict with full monitoring beside nginx returning a constant
#   overload   what is still served when four times as much arrives as can be
#   observe    /observe with full monitoring beside a FastAPI endpoint that only parses
#   scorers    a row by scorer and model of trees, beside XGBoost's own prediction
#   check      two CSV files beside pandas and SciPy
#   evidence   how often traffic without drift looks drifted
#   size       how often each p-value is below a level by chance, in WINDOWS (100000) windows each
#   detectors  change in a stream of errors: false alarms, delay, cost
#   urn        sequential evidence: cost, memory, false alarms, delays (about 10 minutes)
#   models     100 models of 50 features: start, memory, a scrape
#   growth     how cost grows with features, reference, connections, models and trees; draws pictures (about 6 minutes)
#   pages      false alarms and delays of the alerts, by window and threshold (about 10 minutes)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
python=/usr/bin/python3

bench_stats() { "$python" "$ROOT/bench/stats/bench.py" "$BUILD_DIR/stats/bench-stats"; }
bench_http() { "$python" "$ROOT/bench/http/bench.py"; }
bench_overload() { "$python" "$ROOT/bench/http/overload.py"; }
bench_observe() { "$python" "$ROOT/bench/observe/bench.py"; }
bench_scorers() {
    ninja -C "$BUILD_DIR" bench-scorers >/dev/null
    "$python" "$ROOT/bench/scorers/bench.py" "$BUILD_DIR/bench-scorers"
}
bench_check() { "$python" "$ROOT/bench/check/bench.py"; }
bench_evidence() {
    ninja -C "$BUILD_DIR" bench-quiet >/dev/null
    "$BUILD_DIR/bench-quiet"
    "$python" "$ROOT/bench/evidence/psi_limit.py"
}
bench_size() { "$BUILD_DIR/bench-size" "${WINDOWS:-100000}"; }
bench_detectors() { "$python" "$ROOT/bench/detectors/bench.py" "$BUILD_DIR/stats/bench-detectors"; }
bench_urn() {
    ninja -C "$BUILD_DIR" stats/bench-urn >/dev/null
    "$BUILD_DIR/stats/bench-urn"
}
bench_models() { "$python" "$ROOT/bench/models/bench.py"; }
bench_growth() {
    ninja -C "$BUILD_DIR" bench-scorers >/dev/null
    "$python" "$ROOT/bench/growth/bench.py" --bench-scorers "$BUILD_DIR/bench-scorers"
}
bench_pages() { "$BUILD_DIR/bench-pages"; }

case ${1:-} in -h | --help) print_help "$0" && exit 0 ;; esac
[ $# -gt 0 ] || set -- stats http overload observe scorers check evidence size detectors urn models growth pages
for name in "$@"; do
    declare -F "bench_$name" >/dev/null || die "unknown benchmark '$name'" "see scripts/bench.sh --help"
done

"$ROOT/scripts/setup.sh" build test bench
"$ROOT/scripts/build.sh"
export MODEL_SERVICE_BINARY=$BUILD_DIR/model-service
for name in "$@"; do
    printf '\n%s== %s ==%s\n' "$BOLD" "$name" "$OFF"
    "bench_$name"
done
