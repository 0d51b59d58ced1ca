#!/bin/sh
# Starts Alertmanager with the Slack webhook from the environment, which it cannot read itself:
# writes SLACK_WEBHOOK_URL to secrets/slack_url in the working directory (a tmpfs in Compose), for
# its own user only, and becomes the command in the arguments.
#
#   entrypoint.sh /bin/alertmanager --config.file=/etc/alertmanager/alertmanager.yml ...
set -eu

umask 077
mkdir -p secrets
printf '%s\n' "${SLACK_WEBHOOK_URL:?is not set}" > secrets/slack_url
unset SLACK_WEBHOOK_URL
exec "$@"
