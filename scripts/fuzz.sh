#!/usr/bin/env bash
# Fuzzes every parser that has a tests/fuzz/fuzz_NAME.c, with the address and undefined-behaviour
# sanitizers, starting from tests/fuzz/corpus/NAME.
#
# usage: [FUZZ_SECONDS=60] scripts/fuzz.sh [NAME...]
#
# Inputs that make a parser fail are kept in build-fuzz/findings/; exit status 1 when there are any.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) print_help "$0" && exit 0 ;; esac
cd "$ROOT"

seconds=${FUZZ_SECONDS:-60}
folder=$ROOT/build-fuzz
"$ROOT/scripts/setup.sh" build test
BUILD_DIR=$folder CC=clang-14 scripts/build.sh -Dbuildtype=debugoptimized -Db_lundef=false \
    -Db_sanitize=address,undefined "-Dc_args=-fsanitize=fuzzer-no-link -fno-sanitize-recover=all" -Dc_link_args=-fsanitize=fuzzer-no-link

# What the service is linked from, but for its main.
mapfile -t libraries < <(find "$folder" -name 'lib*.a')
read -ra system < <(pkg-config --libs jansson libcyaml yaml-0.1 sqlite3 zlib)
system+=(-lm -pthread)

mkdir -p "$folder/findings"
failed=0
if [ $# -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        source=${source##*/fuzz_}
        set -- "$@" "${source%.c}"
    done
fi
for name in "$@"; do
    say "${BOLD}$name${OFF}: $seconds s"
    clang-14 -std=gnu17 -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
        -Imodel-service -Itests/unit -I"$folder" "tests/fuzz/fuzz_$name.c" \
        -Wl,--start-group "${libraries[@]}" -Wl,--end-group "${system[@]}" \
        -o "$folder/fuzz_$name"
    mkdir -p "$folder/corpus/$name" "tests/fuzz/corpus/$name"
    if ! "$folder/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$folder/findings/$name-" "$folder/corpus/$name" "tests/fuzz/corpus/$name" \
        >"$folder/$name.log" 2>&1; then
        tail -n 40 "$folder/$name.log"
        warn "$name failed; the input is in $folder/findings/"
        failed=1
    else
        grep -E 'number_of_executed_units|new_units_added|peak_rss' "$folder/$name.log" | sed 's/^/  /'
    fi
done
exit $failed
