/* command.c - the options of `model-service init`. */
#include "init/command.h"
#include "cli/options.h"
#include "config/config.h"
#include "init/init.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    OPTION_ID,
    OPTION_TIMESTAMP,
    OPTION_PREDICTION,
    OPTION_SCORE,
    OPTION_LABEL,
    OPTION_EXCLUDE,
    OPTION_NAME,
    OPTION_MODEL,
    OPTION_WEIGHTS,
    OPTION_OUTPUT,
};

static const struct cli_option options[] = {
    [OPTION_ID] = {"id", "COLUMN", "identifies a row; not monitored"},
    [OPTION_TIMESTAMP] = {"timestamp", "COLUMN", "when the row was; not monitored"},
    [OPTION_PREDICTION] = {"prediction", "COLUMN", "what the model predicted"},
    [OPTION_SCORE] = {"score", "COLUMN", "the probability it gave the second class"},
    [OPTION_LABEL] = {"label", "COLUMN", "the truth"},
    [OPTION_EXCLUDE] = {"exclude", "A,B,...", "columns to leave out; may be given repeatedly"},
    [OPTION_NAME] = {"name", "NAME", "of the model (default: the file's)"},
    [OPTION_MODEL] = {"model", "FILE", "XGBoost model (.json or .ubj) that makes the predictions"},
    [OPTION_WEIGHTS] = {"weights", "FILE", "weights of a logistic regression (JSON) that does"},
    [OPTION_OUTPUT] = {"output", "FILE", "a new file to write (default: standard output)"},
};

static const struct cli_command command = {
    .name = "init",
    .positional = "REFERENCE.csv",
    .summary =
        "Writes a configuration for a CSV file of training data: infers what each column is,\n"
        "leaves out identifiers, timestamps and constants, and says why beside each. Without\n"
        "--model and --weights the predictions are made elsewhere and are observed.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .repeatable = 1u << OPTION_EXCLUDE,
    .max_positionals = 1,
};

static int wrong_use(const char *sentence, const char *found)
{
    fprintf(stderr, "model-service init: %s%s\nTry 'model-service init --help'.\n", sentence,
            found);
    return CLI_USAGE;
}

static bool ends_in(const char *text, const char *end)
{
    const size_t bytes = strlen(text), tail = strlen(end);
    return bytes >= tail && strcmp(text + bytes - tail, end) == 0;
}

/* The configuration names the reference, and serve reads it again. */
static int check_reference(const char *path)
{
    struct stat about;
    if (!path || !*path)
        return wrong_use("expected the name of a CSV file", "");
    if (strcmp(path, "-") == 0 || (stat(path, &about) == 0 && S_ISFIFO(about.st_mode)))
        return wrong_use("the reference must be a file, which the service reads again: ", path);
    return CLI_OK;
}

static int check_model_file(const char *path)
{
    struct stat about;
    if (path && stat(path, &about) < 0) {
        fprintf(stderr, "model-service init: %s: %s\n", path, strerror(errno));
        return CLI_FAILURE;
    }
    return CLI_OK;
}

static int check_settings(const struct init_settings *settings)
{
    int status = check_reference(settings->reference);
    if (status != CLI_OK)
        return status;
    if (settings->xgboost && settings->weights)
        return wrong_use("--model and --weights exclude each other", "");
    if (settings->xgboost && !ends_in(settings->xgboost, ".json") &&
        !ends_in(settings->xgboost, ".ubj"))
        return wrong_use("--model must be a .json or .ubj file, got ", settings->xgboost);
    if (settings->name && !config_is_model_name(settings->name))
        return wrong_use("--name must be 1 to 64 letters, digits, '.', '_' or '-', got ",
                         settings->name);
    if (settings->output && !*settings->output)
        return wrong_use("--output needs the name of a file", "");
    status = check_model_file(settings->xgboost);
    return status == CLI_OK ? check_model_file(settings->weights) : status;
}

/* Writes to a new file or to standard output. */
static int write_configuration(const struct init_file *file)
{
    const char *output = file->settings->output;
    FILE *stream = output ? fopen(output, "wxe") : stdout;
    int rc = stream ? init_write(file, stream) : -errno;
    if (output && stream && fclose(stream) != 0 && rc == 0)
        rc = -errno;
    if (rc < 0)
        fprintf(stderr, "model-service init: %s: %s\n", output ? output : "standard output",
                rc == -EEXIST ? "there is such a file already" : strerror(-rc));
    return rc;
}

static int run(const struct init_settings *settings)
{
    struct init_file file;
    int rc = init_read(&file, settings);
    if (rc == 0)
        rc = init_judge(&file);
    const bool wrong = file.wrong_use;
    if (rc < 0)
        fprintf(stderr, "model-service init: %s\n", file.error.text);
    else
        rc = write_configuration(&file);
    init_finish(&file);
    return rc == 0 ? CLI_OK : wrong ? CLI_USAGE : CLI_FAILURE;
}

int init_main(int argc, char **argv)
{
    const char *values[CLI_MAX_OPTIONS];
    int first, parsed = cli_parse(&command, argc, argv, values, &first);
    if (parsed != 0)
        return parsed == CLI_HELP ? CLI_OK : CLI_USAGE;
    const struct init_settings settings = {
        .reference = first < argc ? argv[first] : NULL,
        .id = values[OPTION_ID],
        .timestamp = values[OPTION_TIMESTAMP],
        .prediction = values[OPTION_PREDICTION],
        .score = values[OPTION_SCORE],
        .label = values[OPTION_LABEL],
        .exclude = values[OPTION_EXCLUDE],
        .name = values[OPTION_NAME],
        .xgboost = values[OPTION_MODEL],
        .weights = values[OPTION_WEIGHTS],
        .output = values[OPTION_OUTPUT],
    };
    int status = check_settings(&settings);
    return status == CLI_OK ? run(&settings) : status;
}
