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
# The commit in version.h is looked up always, so only the first compilation tells that there is work.
NINJA_STATUS='[%f/%t] ' ninja -C "$BUILD_DIR" | awk -v folder="$BUILD_DIR" '
    /^\[[0-9]+\/[0-9]+\] / {
        if (!told && / Compiling | Linking /) {
            print "compiling in " folder
            fflush()
            told = 1
        }
        next
    }
    !/^ninja: (Entering directory|no work to do)/'
