#!/usr/bin/env bash
# Removes everything that Compose and the native run made: containers, networks, volumes and the
# image built here, the folder run/ and the build folders. Says what it removes, and asks first.
#
# usage: ./cleanup.sh [--yes] [--dry-run]
#
#   --yes        do not ask
#   --dry-run    only say what would be removed
#
# Images that were downloaded (Prometheus, Alertmanager, Grafana, Debian), .env and installed
# packages stay.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")" && pwd)
. "$ROOT/scripts/lib.sh"

yes='' dry=''
for argument in "$@"; do
    case $argument in
    --yes | -y) yes=1 ;;
    --dry-run | -n) dry=1 ;;
    -h | --help) print_help "$0" && exit 0 ;;
    *) die "unknown argument '$argument'" "see ./cleanup.sh --help" ;;
    esac
done
cd "$ROOT"
load_settings "$ROOT/.env"

compose=()
if have docker && docker info >/dev/null 2>&1; then
    if have docker-compose; then
        compose=(docker-compose)
    elif docker compose version >/dev/null 2>&1; then
        compose=(docker compose)
    else
        warn "Docker runs but there is no Compose; containers are left alone"
    fi
fi

# ---- what there is ----

project=${COMPOSE_PROJECT_NAME:-$(basename "$ROOT" | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9_-')}
image=${MODEL_SERVICE_IMAGE:-drift-monitoring/model-service:0.1.0}
of_project=(--filter "label=com.docker.compose.project=$project")
of_build=(--filter dangling=true --filter label=drift-monitoring.stage=build)
things=()
if [ ${#compose[@]} -gt 0 ]; then
    while IFS= read -r name; do things+=("container  $name"); done < <(docker ps -a "${of_project[@]}" --format '{{.Names}}')
    while IFS= read -r name; do things+=("network    $name"); done < <(docker network ls "${of_project[@]}" --format '{{.Name}}')
    while IFS= read -r name; do things+=("volume     $name"); done < <(docker volume ls "${of_project[@]}" --format '{{.Name}}')
    ! docker image inspect "$image" >/dev/null 2>&1 || things+=("image      $image")
    while IFS= read -r name; do things+=("image      $name (build stage)"); done < <(docker image ls -q "${of_build[@]}")
fi
running=''
if pid=$(read_pid_file "$RUN_DIR/run.pid"); then
    running=1
    things+=("process    make run (pid $pid), stopped first")
fi
folders=()
# Only folders that look like what `make run` and Meson make, wherever RUN_DIR points.
for folder in "$RUN_DIR" "$ROOT"/build "$ROOT"/build-*; do
    if [ -e "$folder/lock" ] || [ -d "$folder/meson-private" ] || [ -d "$folder/results" ]; then
        folders+=("$folder")
    fi
done
for folder in "${folders[@]}"; do
    things+=("folder     $folder ($(du -sh "$folder" 2>/dev/null | cut -f1))")
done

if [ ${#things[@]} -eq 0 ]; then
    say "nothing to remove"
    exit 0
fi
say "This removes, for good:"
printf '  %s\n' "${things[@]}"
[ -z "$dry" ] || exit 0
if [ -z "$yes" ]; then
    [ -t 0 ] || die "not asking without a terminal" "to remove it all: ./cleanup.sh --yes"
    read -rp "Remove it? [y/N] " answer
    [[ $answer == [yY]* ]] || { say "nothing removed" && exit 1; }
fi

# ---- and away ----

if [ -n "$running" ]; then
    "$ROOT/scripts/stop.sh"
fi
if [ ${#compose[@]} -gt 0 ]; then
    "${compose[@]}" down --volumes --remove-orphans
    ! docker image inspect "$image" >/dev/null 2>&1 || docker image rm "$image" >/dev/null ||
        warn "the image $image is still in use"
    mapfile -t stages < <(docker image ls -q "${of_build[@]}")
    [ ${#stages[@]} -eq 0 ] || docker image rm -f "${stages[@]}" >/dev/null
fi
for folder in "${folders[@]}"; do
    rm -rf -- "$folder"
done
say "removed"
