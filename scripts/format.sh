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
if [ "${1:-}" != --check ]; then
    clang-format-14 -i --style=file "${files[@]}"
    exit
fi
differ=()
for file in "${files[@]}"; do
    clang-format-14 --style=file "$file" | cmp -s - "$file" || differ+=("$file")
done
[ ${#differ[@]} -eq 0 ] || die "not formatted (run make format):" "${differ[@]}"
