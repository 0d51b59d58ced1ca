#!/usr/bin/env bash
# Stops what `make run` started, and waits until it is gone.
#
# usage: scripts/stop.sh
#
# RUN_DIR chooses the run (default run). A process is only signalled when its pid
# and its start time are those that `make run` wrote down.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) print_help "$0" && exit 0 ;; esac

stop_pid() { # PID NAME SECONDS
    kill -TERM "$1" 2>/dev/null || { start_ticks "$1" >/dev/null && die "not allowed to stop $2 (pid $1)"; }
    wait_gone "$1" "$3" || {
        warn "$2 (pid $1) did not stop within $3 seconds; killing it"
        kill -KILL "$1" 2>/dev/null || true
        wait_gone "$1" 5 || die "$2 (pid $1) cannot be stopped"
    }
}

found=
if pid=$(read_pid_file "$RUN_DIR/run.pid"); then
    found=1
    stop_pid "$pid" 'make run' 60
fi
# Components outlive the script only if it was killed outright.
for file in "$RUN_DIR"/pids/*.pid; do
    if pid=$(read_pid_file "$file"); then
        found=1
        stop_pid "$pid" "$(basename "$file" .pid)" 20
    fi
done
rm -f "$RUN_DIR"/pids/*.pid "$RUN_DIR/run.pid"
if [ -n "$found" ]; then say "stopped"; else say "nothing runs from $RUN_DIR"; fi
