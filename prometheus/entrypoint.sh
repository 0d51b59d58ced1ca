#!/bin/sh
# Starts Prometheus in its container: makes the addresses for the links of the messages out of the ports
# that are published, unless they are given, takes a copy of the runbook from the model service, and
# becomes Prometheus. Arguments are Prometheus's.
#
# RUN_DIR is a folder in memory. It holds the runbook and links to the configuration, with Compose's
# targets in place of those of a native run.
set -eu

config=$(cd "$(dirname "$0")" && pwd)
cd "${RUN_DIR:-/run/prometheus}"
ln -sfn "$config/prometheus.yml" prometheus.yml
ln -sfn "$config/rules" rules
ln -sfn "$config/targets/compose" targets

host=${PUBLIC_HOST:-localhost}
url=${PROMETHEUS_URL:-http://$host:${PROMETHEUS_PORT:-9090}/}
grafana=${GRAFANA_URL:-http://$host:${GRAFANA_PORT:-3000}/}
export DASHBOARD_URL="${DASHBOARD_URL:-${grafana%/}/d/model-drift}"

# The alerts' links lead to this copy, so that they also work when the service is down. A start
# without the service still watches.
mkdir -p pages
wget -q -O pages/runbook.html "${MODEL_SERVICE:-http://model-service:8000}/runbook" ||
    echo "no runbook: the model service does not answer" >&2

# The flag is for 2.x; 3.x expands them always, and logs that it does not know it.
exec "${PROMETHEUS:-/bin/prometheus}" --config.file="$PWD/prometheus.yml" --web.external-url="$url" \
    --web.user-assets="$PWD/pages" --enable-feature=expand-external-labels "$@"
