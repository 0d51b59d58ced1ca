#!/usr/bin/env bash
# Installs what the project needs from the distribution's packages.
#
# usage: scripts/setup.sh [GROUP...]      default: build run
#
#   build     compiler, Meson and the libraries of the model service
#   run       Prometheus, Alertmanager, curl and jq
#   test      Python oracles, formatters, linters, sanitizer and fuzzing runtimes
#   bench     load generators and the server to compare with
#   compose   Docker engine, Compose, and debootstrap for the container test
#   all       everything above
#
# Does nothing, quickly, when nothing is missing. Uses root or sudo; with neither
# it prints the command to run. Services that come with a package installed here
# are left stopped and disabled: the project starts its own on its own data.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# group  package  [commands, any of which makes the package unnecessary]
packages() {
    cat <<'TABLE'
build    gcc
build    libc6-dev
build    meson
build    ninja-build
build    pkg-config
build    libjansson-dev
build    libcyaml-dev
build    libyaml-dev
build    zlib1g-dev
build    libsqlite3-dev
build    cmark-gfm                  cmark-gfm
run      curl                       curl
run      jq                         jq
run      prometheus                 prometheus
run      prometheus-alertmanager    prometheus-alertmanager|alertmanager
test     libcmocka-dev
test     python3
test     python3-pytest
test     python3-pytest-xdist
test     python3-requests
test     python3-numpy
test     python3-scipy
test     python3-sklearn
test     python3-pandas
test     python3-yaml
test     python3-prometheus-client
test     python3-xgboost
test     clang-14
test     libclang-rt-14-dev
test     clang-format-14            clang-format-14
test     shellcheck                 shellcheck
test     git                        git
test     chromium                   chromium|chromium-browser|google-chrome
bench    wrk                        wrk
bench    nginx-light                nginx
bench    python3-fastapi
bench    uvicorn                    uvicorn
bench    python3-uvloop
bench    python3-httptools
bench    python3-matplotlib
compose  docker.io                  dockerd
compose  docker-compose             docker-compose
compose  debootstrap                debootstrap
compose  iptables                   iptables
compose  busybox                    busybox
compose  ca-certificates
TABLE
}

# Services these packages would start or enable.
services=(prometheus prometheus-alertmanager nginx docker.socket docker containerd)

[ $# -gt 0 ] || set -- build run
declare -A wanted=()
for group in "$@"; do
    case $group in
    -h | --help) print_help "$0" && exit 0 ;;
    all) wanted=([build]=1 [run]=1 [test]=1 [bench]=1 [compose]=1) ;;
    build | run | test | bench | compose) wanted[$group]=1 ;;
    *) die "unknown group '$group'" "groups: build run test bench compose all" ;;
    esac
done

have_any() { # a|b|c
    local program
    for program in ${1//|/ }; do
        ! PATH=$PATH:/usr/sbin:/sbin have "$program" || return 0
    done
    return 1
}

# Packages of the wanted groups that are absent, into missing.
find_missing() {
    local group package program names=() installed
    while read -r group package program; do
        [ -n "${wanted[$group]:-}" ] || continue
        ! have_any "$program" || continue
        names+=("$package")
    done < <(packages)
    missing=()
    [ ${#names[@]} -gt 0 ] || return 0
    have dpkg-query || die "this set-up knows Debian's packages only, and dpkg is not here" \
        "install by other means: ${names[*]}"
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${names[@]}" 2>/dev/null || true)
    for package in "${names[@]}"; do
        [[ $'\n'$installed$'\n' == *$'\n'"$package installed"$'\n'* ]] || missing+=("$package")
    done
}

find_missing
[ ${#missing[@]} -gt 0 ] || exit 0

say "setup: installing ${#missing[@]} missing packages: ${missing[*]}"
command=(apt-get install -y --no-install-recommends "${missing[@]}")
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        as_root=(sudo)
    else
        die "${#missing[@]} packages are missing and neither root nor sudo is available" \
            "missing: ${missing[*]}" "ask an administrator to run: ${command[*]}"
    fi
fi
have apt-get || die "apt-get is not here" "missing packages: ${missing[*]}"

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
policy_is_ours=
cleanup() {
    rm -f "$log"
    [ -z "$policy_is_ours" ] || "${as_root[@]}" rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Which services exist before, so that only those that arrive now are quietened.
unit_exists() { [ -e "/lib/systemd/system/$1.service" ] || [ -e "/lib/systemd/system/$1" ] || [ -e "/etc/init.d/$1" ]; }
declare -A had=()
for service in "${services[@]}"; do
    ! unit_exists "$service" || had[$service]=1
done

# While this file answers 101, package scripts start no service.
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    policy_is_ours=1
    "${as_root[@]}" chmod 755 "$policy"
fi

apt_network=(-o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20)
install_packages() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${command[@]:0:1}" \
        -o DPkg::Lock::Timeout=300 "${apt_network[@]}" "${command[@]:1}" >"$log" 2>&1 </dev/null
}
update_lists() {
    say "setup: refreshing the package lists"
    "${as_root[@]}" apt-get "${apt_network[@]}" update >"$log" 2>&1 </dev/null || true
}
lists_are_empty() { ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; }

updated=
if lists_are_empty; then
    update_lists
    updated=1
fi
if ! install_packages; then
    # Old lists name versions that the mirror no longer has.
    if [ -z "$updated" ]; then
        update_lists
        install_packages && updated=ok
    fi
    if [ "$updated" != ok ]; then
        if grep -qE 'Temporary failure resolving|Could not resolve|Could not connect|Unable to connect|Network is unreachable|Unable to locate package|has no installation candidate' "$log"; then
            tail -n 2 "$log" >&2
            die "the package mirror could not be reached, or its lists are not there" \
                "missing: ${missing[*]}" "with a network, run: ${as_root[*]:+${as_root[*]} }${command[*]}"
        fi
        tail -n 15 "$log" >&2
        die "apt-get could not install: ${missing[*]}" "run it to see why: ${as_root[*]:+${as_root[*]} }${command[*]}"
    fi
fi

quieten() {
    if [ -d /run/systemd/system ]; then
        "${as_root[@]}" systemctl disable --now "$1"
    elif have systemctl; then
        "${as_root[@]}" systemctl disable "$1"
    elif have update-rc.d; then
        "${as_root[@]}" update-rc.d "$1" disable
    fi
}
for service in "${services[@]}"; do
    if [ -z "${had[$service]:-}" ] && unit_exists "$service"; then
        quieten "$service" >/dev/null 2>&1 || warn "could not disable the system service $service"
    fi
done

find_missing
[ ${#missing[@]} -eq 0 ] || die "still missing after the installation: ${missing[*]}"
say "setup: done"
