#!/usr/bin/env bash
# Makes a source archive of the commit that is checked out, unpacks it in an empty folder, builds it
# there and runs its unit tests.
#
# usage: scripts/dist.sh [--no-check]      --no-check only makes the archive
#
# The archive is build-dist/drift-monitoring-VERSION.tar.gz. `meson dist` is not used: the root of the
# Meson project is model-service/, so its archive has no tests, scripts, rules or documentation.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) print_help "$0" && exit 0 ;; esac
cd "$ROOT"

version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" model-service/meson.build)
name=drift-monitoring-$version
mkdir -p build-dist
archive=$ROOT/build-dist/$name.tar.gz
git diff --quiet HEAD || warn "changes that are not committed are not in the archive"
git archive --format=tar.gz --prefix="$name/" -o "$archive" HEAD
say "made $archive ($(du -h "$archive" | cut -f1))"
[ "${1:-}" != --no-check ] || exit 0

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tar -xzf "$archive" -C "$scratch"
cd "$scratch/$name"
BUILD_DIR=$scratch/build scripts/build.sh -Dtests=enabled
meson test -C "$scratch/build" --no-rebuild --print-errorlogs
built=$("$scratch/build/model-service" --version)
revision=$(git -C "$ROOT" rev-parse --short HEAD)
[[ $built == *"$version"*"$revision"* ]] || die "the built program is '$built', not $version of $revision"
say "built and tested from the archive: $built"
