/* command.h - a stand-in for a Slack workspace: it takes the messages that Alertmanager and Grafana
 * send and shows them, so that alerts can be read and tested without a Slack account. */
#ifndef INBOX_COMMAND_H
#define INBOX_COMMAND_H

/* The command `slack-inbox`; argv[0] is its name in messages. Runs until SIGINT or SIGTERM.
 * Returns the exit code: 0, 1 (could not start) or 2 (wrong use). */
int slack_inbox_main(int argc, char **argv);

#endif
