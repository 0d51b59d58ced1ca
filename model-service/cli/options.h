/* options.h - command-line options as a table, which parses and prints the help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>

struct cli_option {
    const char *name;     /* long option without "--" */
    const char *argument; /* its argument's name in the help, or NULL for a flag */
    const char *help;
};

struct cli_command {
    const char *name;
    const char *positional; /* shown in the usage line, or "" */
    const char *summary;
    const struct cli_option *options;
    size_t option_count; /* <= CLI_MAX_OPTIONS; --help is added */
    unsigned repeatable; /* bits 1 << option: the option may be given several times, and its
                            arguments are joined by line feeds */
    int max_positionals;
};

#define CLI_MAX_OPTIONS 24

/* Fills values[option_count]: NULL if absent, "" for a given flag, else the argument (the last
 * one wins). argv[0] is the command's name; *ret_first is the index of the first positional.
 * Returns 0; CLI_HELP after printing the help; -EINVAL after one line on standard error. */
#define CLI_HELP 1
NODISCARD int cli_parse(const struct cli_command *command, int argc, char **argv,
                        const char **values, int *ret_first);

/* Exit status of the program: success, failure, wrong use. */
enum { CLI_OK = 0, CLI_FAILURE = 1, CLI_USAGE = 2 };

/* Whole decimal integer in [min, max], or finite double in [min, max]. 0, or -EINVAL after a line
 * naming the option. text NULL leaves *value alone. */
NODISCARD int cli_integer(const struct cli_command *command, const char *option, const char *text,
                          unsigned long long min, unsigned long long max,
                          unsigned long long *value);
NODISCARD int cli_number(const struct cli_command *command, const char *option, const char *text,
                         double min, double max, double *value);

/* Reads --log-level and --log-format (either may be NULL) and configures the log. */
NODISCARD int cli_log(const struct cli_command *command, const char *level, const char *format);

/* Blocks SIGINT, SIGTERM and, if wanted, SIGHUP, for the threads started afterwards too; call
 * before any. */
void cli_block_signals(bool hangup);
/* Waits for one of them and returns it. */
int cli_wait_for_signal(void);
/* The same, or 0 if none comes for so long. */
int cli_wait_for_signal_until(unsigned timeout_ms);

#endif
