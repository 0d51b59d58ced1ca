#!/usr/bin/env bash
# A Docker engine for the Compose test: the one that runs, or one of our own.
#
# usage: tests/compose/engine.sh start DIR     prints the DOCKER_HOST to use (empty: the default)
#        tests/compose/engine.sh stop DIR      stops what start started, and nothing else
#        tests/compose/engine.sh base          makes debian:bookworm-slim if it is not there
#
# An engine of our own keeps everything below DIR, runs as root, and is stopped by its pid; the
# packet filter rules it adds are taken back. The base image is made with debootstrap from the
# package mirror of this machine, for machines that reach no image registry.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"

base_image=debian:bookworm-slim

start_engine() {
    local dir=$1 pid i
    if docker info >/dev/null 2>&1; then
        say ""
        return
    fi
    [ "$(id -u)" -eq 0 ] || die "no Docker engine is reachable, and starting one needs root"
    have dockerd || die "dockerd is not installed" "install it with: scripts/setup.sh compose"
    mkdir -p "$dir"
    iptables-save >"$dir/iptables.before" 2>/dev/null || rm -f "$dir/iptables.before"
    cat /proc/sys/net/ipv4/ip_forward >"$dir/ip_forward.before"
    setsid dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/docker.pid" \
        --host "unix://$dir/docker.sock" >"$dir/dockerd.log" 2>&1 </dev/null &
    pid=$!
    write_pid_file "$dir/engine.pid" "$pid"
    for ((i = 0; i < 300; i++)); do
        if DOCKER_HOST="unix://$dir/docker.sock" docker info >/dev/null 2>&1; then
            say "unix://$dir/docker.sock"
            return
        fi
        start_ticks "$pid" >/dev/null || break
        sleep 0.2
    done
    tail -n 20 "$dir/dockerd.log" >&2
    die "the Docker engine did not start"
}

# Docker writes to these tables; one that was empty before is not in the file.
restore_packet_filter() {
    local table
    [ -e "$1" ] || return 0
    for table in filter nat; do
        if ! grep -q "^\*$table\$" "$1"; then
            [ "$table" != filter ] || iptables -P FORWARD ACCEPT
            iptables -t "$table" -F
            iptables -t "$table" -X
        fi
    done
    iptables-restore <"$1"
}

stop_engine() {
    local dir=$1 pid
    pid=$(read_pid_file "$dir/engine.pid") || return 0
    kill -TERM "$pid"
    wait_gone "$pid" 60 || kill -KILL "$pid"
    rm -f "$dir/engine.pid"
    if [ -e /sys/class/net/docker0 ] && have ip; then
        ip link delete docker0 || true
    fi
    restore_packet_filter "$dir/iptables.before"
    cat "$dir/ip_forward.before" >/proc/sys/net/ipv4/ip_forward
}

# The mirror this machine's own packages come from.
debian_mirror() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
        awk '$2 == "bookworm" && $3 == "main" { print $1; exit }'
}

make_base() {
    local dir mirror
    if docker image inspect "$base_image" >/dev/null 2>&1; then
        return
    fi
    [ "$(id -u)" -eq 0 ] || die "$base_image is not there, and making it needs root"
    dir=$(mktemp -d)
    # shellcheck disable=SC2064 # the name is fixed now
    trap "rm -rf '$dir'" EXIT
    mirror=$(debian_mirror)
    # Without a mirror in the configuration debootstrap uses its own default.
    debootstrap --variant=minbase bookworm "$dir/root" ${mirror:+"$mirror"} >"$dir/log" 2>&1 || {
        tail -n 20 "$dir/log" >&2
        die "debootstrap failed"
    }
    # A proxy that this machine's apt goes through is needed inside as well.
    apt-config dump | grep -E '^Acquire::https?::Proxy ' >"$dir/root/etc/apt/apt.conf.d/90proxy" ||
        rm -f "$dir/root/etc/apt/apt.conf.d/90proxy"
    rm -rf "$dir"/root/var/cache/apt/archives/*.deb "$dir"/root/var/lib/apt/lists/*
    tar -C "$dir/root" -c . | docker import - "$base_image" >/dev/null
}

case ${1:-} in
start) start_engine "${2:?DIR}" ;;
stop) stop_engine "${2:?DIR}" ;;
base) make_base ;;
*) print_help "$0" && exit 2 ;;
esac
