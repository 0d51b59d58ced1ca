#!/bin/sh
# Starts Alertmanager in its container: it expands no variables, so this writes
# SLACK_WEBHOOK_URL (without one, the address of the Slack inbox beside it) into the file that
# alertmanager.yml names, and becomes Alertmanager. Its own address, which the messages name, is made
# of the port that is published unless ALERTMANAGER_URL gives it. Arguments are Alertmanager's.
#
# RUN_DIR is a folder in memory that only Alertmanager's user can read. It holds the webhook and
# links to the configuration, and is the working directory: Alertmanager 0.25 takes the path of the
# webhook's file relative to that, and the templates' relative to the configuration file.
set -eu

umask 077
config=$(cd "$(dirname "$0")" && pwd)
cd "${RUN_DIR:-/run/alertmanager}"
ln -sfn "$config/alertmanager.yml" alertmanager.yml
ln -sfn "$config/templates" templates
mkdir -p secrets
printf '%s\n' "${SLACK_WEBHOOK_URL:-http://slack-inbox:9095/slack}" > secrets/slack_url
unset SLACK_WEBHOOK_URL
url=${ALERTMANAGER_URL:-http://${PUBLIC_HOST:-localhost}:${ALERTMANAGER_PORT:-9093}/}
exec "${ALERTMANAGER:-/bin/alertmanager}" --web.external-url="$url" "$@"
