#!/usr/bin/env bash
# Draws the Grafana dashboard with Grafana's own panel code in a headless Chromium, and looks at the built-in pages with axe-core.
# The packages (npm, about 470 MB) are installed into a build folder once, and never into the repository.
#
# usage: scripts/test_grafana.sh [PYTEST OPTIONS]
#
# GRAFANA_BUILD: the folder (default: build-grafana). UPDATE_PICTURES=1 keeps the pictures in docs/images.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

folder=${GRAFANA_BUILD:-$ROOT/build-grafana}
packages=(@grafana/data@13.2.3 @grafana/ui@13.2.3 react@19 react-dom@19 rxjs@7 esbuild@0.25 axe-core@4)

command -v npm >/dev/null || die "npm is missing: install nodejs and npm (Debian: apt-get install npm)"
command -v chromium >/dev/null || die "chromium is missing: scripts/setup.sh test installs it"
if [ "$(cat "$folder/installed" 2>/dev/null)" != "${packages[*]}" ]; then
    say "fetching Grafana's packages into $folder"
    mkdir -p "$folder"
    printf '{"private": true}\n' >"$folder/package.json"
    (cd "$folder" && npm install --no-audit --no-fund --ignore-scripts --fetch-retries=1 "${packages[@]}" >npm.log 2>&1) ||
        die "npm could not fetch the packages, which needs a network; see $folder/npm.log"
    printf '%s' "${packages[*]}" >"$folder/installed"
fi
GRAFANA_MODULES=$folder/node_modules exec /usr/bin/python3 -m pytest -q -p no:cacheprovider "$@" tests/grafana
