#!/bin/sh
# Installs libdrift from a build folder into a scratch folder, compiles the example against the
# installed headers and both installed libraries through pkg-config, and runs it.
# usage: test_libdrift_install.sh SOURCE_ROOT BUILD_ROOT CC...
set -eu
source_root=$1
build_root=$2
shift 2

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
meson install -C "$build_root" --destdir "$scratch" --no-rebuild --tags runtime,devel >/dev/null

pc=$(find "$scratch" -name drift.pc)
libraries=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$scratch"
example=$source_root/examples/libdrift/example.c
flags="-std=gnu17 -Wall -Wextra -Werror $(pkg-config --cflags drift)"

# shellcheck disable=SC2086
"$@" $flags "$example" $(pkg-config --libs drift) -lm -o "$scratch/shared"
LD_LIBRARY_PATH="$libraries" "$scratch/shared"
# shellcheck disable=SC2086
"$@" $flags "$example" "$libraries/libdrift.a" -lm -o "$scratch/static"
"$scratch/static" >/dev/null

# Every public header compiles alone, and nothing internal is exported.
for header in "$scratch"/*/*/include/drift/*.h "$scratch"/*/include/drift/*.h; do
    [ -e "$header" ] || continue
    # shellcheck disable=SC2086
    echo "#include <drift/${header##*/}>" | "$@" $flags -x c -fsyntax-only -
done
if nm -D --defined-only "$libraries/libdrift.so" | grep -vE ' T drift_'; then
    echo "the library exports what is not public" >&2
    exit 1
fi
