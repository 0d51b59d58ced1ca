/* main.c - the command line of model-service. */
#include "app.h"
#include "check/command.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "inbox/command.h"
#include "init/command.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"serve", app_main, "serve predictions, drift status and metrics over HTTP"},
    {"slack-inbox", slack_inbox_main, "receive and show Slack messages without a Slack account"},
    {"check", check_main, "compare a CSV file with a reference: drift, offline"},
    {"init", init_main, "write a configuration for a CSV file of training data"},
    {"validate", validate_main, "check a configuration and the files it names"},
    {"state", state_main, "list, export, import or forget what a service has kept"},
    {"generate", generate_main, "print rows of the built-in model's inputs, drifted or not"},
    {"healthcheck", healthcheck_main, "ask a running service whether it is healthy"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
    fputs("Usage: model-service COMMAND [options]\n\n"
          "Drift detection for machine-learning models in production.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'model-service COMMAND --help' shows a command's options; --version the version.\n",
          out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("model-service %s (%s)\n", SERVICE_VERSION, SERVICE_REVISION);
        return CLI_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "model-service: unknown command '%s'\n", argv[1]);
    print_usage(stderr);
    return CLI_USAGE;
}
