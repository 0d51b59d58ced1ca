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
    meson setup "$BUILD_DIR" "$ROOT/model-service" "$@"
fi
# Quiet when there is nothing to do; Meson reconfigures by itself when its files change.
ninja -C "$BUILD_DIR" --quiet
