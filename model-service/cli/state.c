/* state.c - what people do with a state directory. */
#include "state/state.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "text/excerpt.h"
#include "text/timestamp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* No model can have this name. */
#define ALL_MODELS ":all"

enum { OPTION_STATE };

static const struct cli_option options[] = {
    [OPTION_STATE] = {"state", "DIR", "the state directory of the service; required"},
};

static const struct cli_command command = {
    .name = "state",
    .positional = "(list | export FILE | import FILE | forget MODEL | forget :all)",
    .summary =
        "list shows the models that a state directory holds, export writes all of it into one\n"
        "file, import puts such a file in its place, and forget erases a model, or all of them\n"
        "(:all). import and forget need the service stopped.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .max_positionals = 2,
};

static void print_model(void *context, const struct state_model *model)
{
    char saved[TIMESTAMP_BYTES];
    (void)context;
    timestamp_format(model->saved_ms, saved);
    printf("%-32s %s %12llu bytes\n", excerpt(model->name).text, saved,
           (unsigned long long)model->bytes);
}

static int list(const char *directory, const char *argument, struct error *error)
{
    (void)argument;
    return state_list(directory, print_model, NULL, error);
}

static int export(const char *directory, const char *argument, struct error *error)
{
    return state_export(directory, argument, error);
}

static int import(const char *directory, const char *argument, struct error *error)
{
    return state_import(directory, argument, error);
}

static int forget(const char *directory, const char *argument, struct error *error)
{
    size_t models;
    const char *name = strcmp(argument, ALL_MODELS) == 0 ? NULL : argument;
    const int rc = state_forget(directory, name, &models, error);
    if (rc < 0)
        return rc;
    if (models == 0 && name)
        return error_set(error, -ENOENT, "%s holds nothing of a model \"%s\"", directory,
                         excerpt(name).text);
    printf("forgot %zu model%s\n", models, models == 1 ? "" : "s");
    return 0;
}

static const struct {
    const char *name, *argument; /* what the argument is; NULL: it takes none */
    int (*run)(const char *directory, const char *argument, struct error *error);
} actions[] = {
    {"list", NULL, list},
    {"export", "the name of a file", export},
    {"import", "the name of a file", import},
    {"forget", "the name of a model, or '" ALL_MODELS "'", forget},
};
#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static int refuse_use(const char *reason, const char *what)
{
    fprintf(stderr, "model-service state: %s%s; see --help\n", reason, what);
    return CLI_USAGE;
}

int state_main(int argc, char **argv)
{
    const char *values[CLI_MAX_OPTIONS];
    int first, parsed = cli_parse(&command, argc, argv, values, &first);
    if (parsed != 0)
        return parsed == CLI_HELP ? CLI_OK : CLI_USAGE;
    const int given = argc - first;
    const char *directory = values[OPTION_STATE];
    size_t a = 0;
    while (a < ACTIONS && (given == 0 || strcmp(argv[first], actions[a].name) != 0))
        a++;
    if (a == ACTIONS)
        return refuse_use("say list, export, import or forget", "");
    if (!directory || !directory[0])
        return refuse_use("--state DIR", " is missing");
    if (given != (actions[a].argument ? 2 : 1))
        return refuse_use(actions[a].name,
                          actions[a].argument ? " needs one argument" : " takes no argument");
    struct error error = {""};
    if (actions[a].run(directory, given > 1 ? argv[first + 1] : "", &error) == 0)
        return CLI_OK;
    fprintf(stderr, "model-service state: %s\n", error.text);
    return CLI_FAILURE;
}
