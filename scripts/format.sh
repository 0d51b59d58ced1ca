#!/usr/bin/env bash
# Formats the C sources in place.
#
# usage: scripts/format.sh [--check]      --check only lists the files that differ
set -euo pipefail
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) print_help "$0" && exit 0 ;; esac

"$ROOT/scripts/setup.sh" test
cd "$ROOT"
mapfile -t files < <(find model-service tests bench examples -name '*.[ch]' -not -path '*/build*' | sort)
[ ${#files[@]} -gt 0 ] || exit 0
# clang-format on the files, several at a time; what it says goes to standard output.
format() { printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 40 clang-format-14 --style=file "$@" 2>&1; }

if [ "${1:-}" != --check ]; then
    format -i
    exit
fi
found=$(format --dry-run) || die "clang-format failed" "$found"
mapfile -t differ < <(sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: .*\[-Wclang-format-violations\]$/\1/p' <<<"$found" | sort -u)
[ ${#differ[@]} -eq 0 ] || die "not formatted (run make format):" "${differ[@]}"
