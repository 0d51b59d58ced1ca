# shellcheck shell=bash
# lib.sh - what the scripts share: messages, settings, ports and processes.
# Sourced, never run. Needs only bash and coreutils.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# ---- messages: coloured on a terminal, plain elsewhere ----

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    FANCY=1 BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m' OFF=$'\e[0m'
else
    FANCY='' BOLD='' DIM='' RED='' GREEN='' YELLOW='' OFF=''
fi
# Used by the scripts that source this file.
export FANCY BOLD DIM RED GREEN YELLOW OFF

say() { printf '%s\n' "$*"; }
warn() { printf '%swarning:%s %s\n' "$YELLOW" "$OFF" "$*" >&2; }
die() {
    printf '%serror:%s %s\n' "$RED" "$OFF" "$1" >&2
    shift
    [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
    exit 1
}

# The comment at the head of a script is its help text.
print_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$1"; }

have() { command -v "$1" >/dev/null 2>&1; }

# ---- settings: the environment wins, then a running `make run`, then .env, then defaults ----

# Reads NAME=value lines without executing them; names already set stay as they are.
load_settings() {
    local line name value
    [ -r "$1" ] || return 0
    while IFS= read -r line || [ -n "$line" ]; do
        [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue
        name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]%$'\r'}
        case $value in
        \"*\") value=${value#\"} value=${value%\"} ;;
        \'*\') value=${value#\'} value=${value%\'} ;;
        esac
        [ -n "${!name+set}" ] || export "$name=$value"
    done <"$1"
}

# Sets every setting the native stack uses.
native_settings() {
    load_settings "$ROOT/.env"
    export MODEL_SERVICE_PORT=${MODEL_SERVICE_PORT:-8000}
    export PROMETHEUS_PORT=${PROMETHEUS_PORT:-9090}
    export ALERTMANAGER_PORT=${ALERTMANAGER_PORT:-9093}
    export SLACK_INBOX_PORT=${SLACK_INBOX_PORT:-9095}
    local name
    for name in MODEL_SERVICE_PORT PROMETHEUS_PORT ALERTMANAGER_PORT SLACK_INBOX_PORT; do
        is_port "${!name}" || die "$name must be a port number from 1 to 65535, not '${!name}'"
    done
}

is_port() { [[ $1 =~ ^[0-9]{1,5}$ ]] && [ "$1" -ge 1 ] && [ "$1" -le 65535 ]; }

RUN_DIR=${RUN_DIR:-$ROOT/run}
BUILD_DIR=${BUILD_DIR:-$ROOT/build}
[[ $RUN_DIR == /* ]] || RUN_DIR=$PWD/$RUN_DIR
[[ $BUILD_DIR == /* ]] || BUILD_DIR=$PWD/$BUILD_DIR
export RUN_DIR BUILD_DIR

# ---- processes: a pid alone may be reused, so its start time is kept beside it ----

# Kernel start time of a process, in clock ticks since boot.
start_ticks() {
    local stat fields
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1 # it may end at any time
    read -ra fields <<<"${stat##*) }" # the command name before it may hold spaces
    [ "${fields[0]:-Z}" != Z ] || return 1
    printf '%s\n' "${fields[19]}"
}

write_pid_file() { printf '%s %s\n' "$2" "$(start_ticks "$2")" >"$1"; }

# Prints the pid in a pid file if that very process still runs.
read_pid_file() {
    local pid ticks
    { read -r pid ticks <"$1"; } 2>/dev/null || return 1
    [[ $pid =~ ^[0-9]+$ ]] && [ "$(start_ticks "$pid")" = "$ticks" ] && [ -n "$ticks" ] || return 1
    printf '%s\n' "$pid"
}

# wait_gone PID SECONDS: true once the process has ended.
wait_gone() {
    local i
    for ((i = 0; i < $2 * 10; i++)); do
        start_ticks "$1" >/dev/null || return 0
        sleep 0.1
    done
    return 1
}

# ---- ports ----

# Socket inodes that listen on a TCP port, on any address (from /proc, so that no tool is needed).
listening_inodes() {
    local hex
    printf -v hex ':%04X' "$1"
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        while read -r _ address _ state _ _ _ _ _ inode _; do
            [ "$state" = 0A ] && [[ $address == *"$hex" ]] && printf '%s\n' "$inode"
        done
    return 0
}

port_busy() { [ -n "$(listening_inodes "$1")" ]; }

# "name (pid N)" of the process that listens on a port, or what keeps us from seeing it.
port_owner() {
    local inode path pid
    for inode in $(listening_inodes "$1"); do
        # one program looks at all open files: a busy machine has thousands
        path=$(find /proc/[0-9]*/fd -maxdepth 1 -lname "socket:\\[$inode\\]" -print -quit 2>/dev/null) || true
        [ -n "$path" ] || continue
        pid=${path#/proc/} pid=${pid%%/*}
        printf '%s (pid %s)\n' "$(cat "/proc/$pid/comm")" "$pid"
        return 0
    done
    printf 'a process of another user\n'
}

# ---- HTTP, with short bounds so that nothing hangs ----

# authorization URL: the header with the token of the role admin, for addresses of the model service.
# Curl reads it from a file, so that no list of processes shows it.
authorization() {
    [ -n "${TOKEN_FILE:-}" ] && [[ $1 == "${SERVICE_URL:-http://127.0.0.1:$MODEL_SERVICE_PORT}"/* ]] || return 0
    awk '$1 == "admin" { print "Authorization: Bearer " $2; exit }' "$TOKEN_FILE"
}

# The URL comes last.
http_get() {
    curl -fsS --noproxy '*' --connect-timeout 2 --max-time 10 -H @<(authorization "${!#}") "$@" 2>/dev/null
}

http_post() { http_get -X POST "$@"; }

# alerts_page URL: Prometheus's page of alerts; Debian's package has only the classic pages.
alerts_page() {
    if http_get -o /dev/null "$1/alerts"; then
        printf '%s/alerts\n' "$1"
    else
        printf '%s/classic/alerts\n' "$1"
    fi
}
