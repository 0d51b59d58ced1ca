#!/usr/bin/env bash
# Runs the benchmarks and prints their results; bench/README.md says what they mean.
#
# usage: scripts/bench.sh [http|stats]...      default: both
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ $# -gt 0 ] || set -- stats http
for name in "$@"; do
    case $name in
    http | stats) ;;
    -h | --help) print_help "$0" && exit 0 ;;
    *) die "unknown benchmark '$name'" "see scripts/bench.sh --help" ;;
    esac
done

"$ROOT/scripts/setup.sh" build test bench
"$ROOT/scripts/build.sh"
for name in "$@"; do
    case $name in
    stats) meson test -C "$BUILD_DIR" --benchmark --verbose --no-rebuild ;;
    http) MODEL_SERVICE_BINARY=$BUILD_DIR/model-service /usr/bin/python3 "$ROOT/bench/http/bench.py" ;;
    esac
done
