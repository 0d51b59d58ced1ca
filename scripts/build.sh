#!/usr/bin/env bash
# Configures the build folder when needed and compiles the model service.
#
# usage: scripts/build.sh [meson option...]      e.g. --werror -Db_sanitize=thread
#
# BUILD_DIR chooses the folder (default build) and CC the compiler. Options are
# used when the folder is first configured.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) print_help "$0" && exit 0 ;; esac

if [ ! -e "$BUILD_DIR/build.ninja" ]; then
    say "configuring $BUILD_DIR"
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    if ! meson setup "$BUILD_DIR" "$ROOT/model-service" "$@" >"$log" 2>&1; then
        cat "$log" >&2
        die "the build could not be configured"
    fi
fi
# Meson reconfigures by itself when its files change.
if [ "$(ninja -C "$BUILD_DIR" -n | wc -l)" -gt 5 ]; then # the commit in version.h is looked up always
    say "compiling in $BUILD_DIR"
fi
ninja -C "$BUILD_DIR" --quiet
