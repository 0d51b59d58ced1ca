/* options.c - see the header. */
#include "cli/options.h"

#include "system/log.h"
#include "text/decimal.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_help(const struct cli_command *command)
{
    printf("Usage: model-service %s [options]%s%s\n\n%s\n\nOptions:\n", command->name,
           command->positional[0] ? " " : "", command->positional, command->summary);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct cli_option *option = &command->options[i];
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
        printf("  %-26s %s\n", left, option->help);
    }
    printf("  %-26s %s\n", "--help", "show this help and exit");
}

static void usage_hint(const struct cli_command *command)
{
    fprintf(stderr, "Try 'model-service %s --help'.\n", command->name);
}

/* Joins the arguments of repeated options; kept until the program ends. NULL if allocation fails.
 */
static const char *join(size_t option, const char *before, const char *more)
{
    static char *joined[CLI_MAX_OPTIONS];
    char *text = NULL;
    if (asprintf(&text, "%s\n%s", before, more) < 0)
        return NULL;
    free(joined[option]);
    joined[option] = text;
    return text;
}

int cli_parse(const struct cli_command *command, int argc, char **argv, const char **values,
              int *ret_first)
{
    struct option table[CLI_MAX_OPTIONS + 2] = {0};
    for (size_t i = 0; i < command->option_count; i++) {
        const struct cli_option *option = &command->options[i];
        table[i] = (struct option){option->name, option->argument ? required_argument : no_argument,
                                   NULL, (int)i};
        values[i] = NULL;
    }
    table[command->option_count] = (struct option){"help", no_argument, NULL, -2};
    char program[64];
    snprintf(program, sizeof(program), "model-service %s", command->name);
    argv[0] = program; /* getopt's own messages name it */
    optind = 1;
    for (;;) {
        int choice = getopt_long(argc, argv, "", table, NULL);
        if (choice == -1)
            break;
        if (choice == -2) {
            print_help(command);
            return CLI_HELP;
        }
        if (choice == '?') {
            usage_hint(command);
            return -EINVAL;
        }
        if ((command->repeatable & 1u << choice) && values[choice] && optarg)
            values[choice] = join((size_t)choice, values[choice], optarg);
        else
            values[choice] = optarg ? optarg : "";
        if (!values[choice]) {
            fprintf(stderr, "%s: not enough memory\n", program);
            return -EINVAL;
        }
    }
    if (argc - optind > command->max_positionals) {
        fprintf(stderr, "%s: unexpected argument '%s'\n", program, argv[optind]);
        usage_hint(command);
        return -EINVAL;
    }
    *ret_first = optind;
    return 0;
}

int cli_integer(const struct cli_command *command, const char *option, const char *text,
                unsigned long long min, unsigned long long max, unsigned long long *value)
{
    if (!text)
        return 0;
    char *end;
    errno = 0;
    unsigned long long parsed = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || parsed < min || parsed > max) {
        fprintf(stderr,
                "model-service %s: --%s must be a whole number from %llu to %llu, got '%s'\n",
                command->name, option, min, max, text);
        return -EINVAL;
    }
    *value = parsed;
    return 0;
}

int cli_number(const struct cli_command *command, const char *option, const char *text, double min,
               double max, double *value)
{
    if (!text)
        return 0;
    double parsed;
    if (decimal_number(text, strlen(text), &parsed) < 0 || !(parsed >= min && parsed <= max)) {
        fprintf(stderr, "model-service %s: --%s must be a number from %g to %g, got '%s'\n",
                command->name, option, min, max, text);
        return -EINVAL;
    }
    *value = parsed;
    return 0;
}

int cli_log(const struct cli_command *command, const char *level, const char *format)
{
    enum log_level chosen_level = LOG_LEVEL_INFO;
    enum log_format chosen_format = LOG_FORMAT_PLAIN;
    if (level && log_level_parse(level, &chosen_level) < 0) {
        fprintf(stderr,
                "model-service %s: --log-level must be debug, info, warning or error, got '%s'\n",
                command->name, level);
        return -EINVAL;
    }
    if (format && log_format_parse(format, &chosen_format) < 0) {
        fprintf(stderr, "model-service %s: --log-format must be plain or json, got '%s'\n",
                command->name, format);
        return -EINVAL;
    }
    log_configure(chosen_level, chosen_format);
    return 0;
}

/* The signals that cli_wait_for_signal() waits for; set before any thread starts. */
static sigset_t awaited;

void cli_block_signals(bool hangup)
{
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGTERM);
    if (hangup)
        sigaddset(&awaited, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &awaited, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is a full disk */
}

int cli_wait_for_signal_until(unsigned timeout_ms)
{
    const struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    const int received = sigtimedwait(&awaited, NULL, &timeout);
    return received > 0 ? received : 0;
}

int cli_wait_for_signal(void)
{
    int received = SIGTERM;
    sigwait(&awaited, &received);
    return received;
}
