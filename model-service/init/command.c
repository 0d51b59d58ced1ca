/* command.c - the options of `model-service init`. */
#include "init/command.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "config/config.h"
#include "init/init.h"
#include "row/text_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    OPTION_DELIMITER,
    OPTION_DECIMAL,
};

static const struct cli_option options[] = {
    [OPTION_ID] = {"id", "COLUMN", "identifies a row; not monitored"},
    [OPTION_TIMESTAMP] = {"timestamp", "COLUMN", "when the row was; not monitored"},
    [OPTION_PREDICTION] = {"prediction", "COLUMN", "what the model predicted"},
    [OPTION_SCORE] = {"score", "COLUMN", "the probability it gave the second class"},
    [OPTION_LABEL] = {"label", "COLUMN", "the truth"},
    [OPTION_EXCLUDE] = {"exclude", "A,B,...", "columns to leave out; may be given repeatedly"},
    [OPTION_NAME] = {"name", "NAME", "of the model (default: its file's or folder's)"},
    [OPTION_MODEL] = {"model", "FILE", "trees that predict: XGBoost .json or .ubj, LightGBM .txt"},
    [OPTION_WEIGHTS] = {"weights", "FILE", "weights of a logistic regression (JSON) that does"},
    [OPTION_OUTPUT] = {"output", "FILE", "a new file to write (default: standard output)"},
    [OPTION_DELIMITER] = {"delimiter", "WHAT",
                          "comma, semicolon, tab or pipe (default: recognised)"},
    [OPTION_DECIMAL] = {"decimal", "WHAT", "point or comma in numbers (default: recognised)"},
};

static const struct cli_command command = {
    .name = "init",
    .positional = "REFERENCE.csv",
    .summary =
        "Writes a configuration for a CSV file of training data: infers what each column is,\n"
        "leaves out identifiers, timestamps and constants, and says why beside each. Without\n"
        "--model and --weights the predictions are made elsewhere and are observed. Nothing is\n"
        "written that `model-service validate` would refuse.",
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

/* The beginning of a file that examples/scikit-learn/export_trees.py wrote. */
static bool is_scikit_learn(const char *path)
{
    char head[200] = "";
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    head[fread(head, 1, sizeof(head) - 1, file)] = '\0';
    fclose(file);
    return strstr(head, "scikit-learn trees");
}

/* The type of scorer that reads a model file; NULL: there is none, or no file was given. */
static const char *model_type(const char *path)
{
    if (!path)
        return NULL;
    if (ends_in(path, ".json"))
        return is_scikit_learn(path) ? "scikit-learn" : "xgboost";
    return ends_in(path, ".ubj") ? "xgboost" : ends_in(path, ".txt") ? "lightgbm" : NULL;
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
    struct error error;
    if (!path || validate_model_file(path, &error) == 0)
        return CLI_OK;
    fprintf(stderr, "model-service init: %s\n", error.text);
    return CLI_FAILURE;
}

/* For a file whose ending no scorer reads. */
static int refuse_model(const char *path)
{
    if (access(path, F_OK) == 0 && check_model_file(path) != CLI_OK)
        return CLI_FAILURE;
    return wrong_use("--model must be a .json, .ubj or .txt file, got ", path);
}

static int check_settings(const struct init_settings *settings)
{
    int status = check_reference(settings->reference);
    if (status != CLI_OK)
        return status;
    if (settings->model && settings->weights)
        return wrong_use("--model and --weights exclude each other", "");
    if (settings->model && settings->model_type)
        status = check_model_file(settings->model);
    else if (settings->model)
        status = refuse_model(settings->model);
    if (status == CLI_OK && settings->weights)
        status = check_model_file(settings->weights);
    if (status != CLI_OK)
        return status;
    if (settings->name && !config_is_model_name(settings->name))
        return wrong_use("--name must be 1 to 64 letters, digits, '.', '_' or '-', got ",
                         settings->name);
    if (settings->output && !*settings->output)
        return wrong_use("--output needs the name of a file", "");
    return CLI_OK;
}

static int write_all(const struct buffer *text, FILE *stream)
{
    return fwrite(text->data, 1, text->length, stream) == text->length && fflush(stream) == 0
               ? 0
               : -EIO;
}

/* Writes to a new file or to standard output. */
static int write_configuration(const char *output, const struct buffer *text)
{
    FILE *stream = output ? fopen(output, "wxe") : stdout;
    int rc = stream ? write_all(text, stream) : -errno;
    if (output && stream && fclose(stream) != 0 && rc == 0)
        rc = -errno;
    if (rc < 0)
        fprintf(stderr, "model-service init: %s: %s\n", output ? output : "standard output",
                rc == -EEXIST ? "there is such a file already" : strerror(-rc));
    return rc;
}

/* A column of True and False, as pandas writes dummies of categories; NULL: there is none. */
static const struct init_column *find_booleans(const struct init_file *file)
{
    bool truth;
    for (size_t i = 0; i < file->count; i++) {
        const struct init_column *column = &file->columns[i];
        if (column->role == INIT_FEATURE && column->kind.numbers == 0 && !column->many &&
            column->values.count <= 2 &&
            text_value_boolean(column->example.text, strlen(column->example.text), &truth))
            return column;
    }
    return NULL;
}

/* A configuration that validate would refuse is not written: the columns and the model do not fit
 * each other, and the sentence says where. */
static int try_configuration(struct init_file *file, const struct buffer *text)
{
    const struct init_column *booleans = file->settings->model ? find_booleans(file) : NULL;
    const char *output = file->settings->output;
    int rc = validate_text(command.name, text->data, text->length, output ? output : "drift.yml",
                           &file->error);
    if (rc == 0)
        return 0;
    const struct error found = file->error;
    if (booleans)
        error_set(
            &file->error, rc,
            "%s; the reference has %s in \"%s\": if the model takes dummies as numbers, write "
            "them as 1 and 0 (pandas.get_dummies(..., dtype=int))",
            found.text, booleans->example.text, excerpt(booleans->name).text);
    return error_at(&file->error, rc, "nothing is written, as validate would refuse it");
}

static int run(const struct init_settings *settings)
{
    struct buffer text;
    struct init_file file;
    int rc = init_read(&file, settings);
    buffer_init(&text, 1 << 14);
    if (rc == 0)
        rc = init_judge(&file);
    if (rc == 0)
        rc = init_write(&file, &text);
    if (rc == 0)
        rc = try_configuration(&file, &text);
    const bool wrong = file.wrong_use;
    if (rc < 0)
        fprintf(stderr, "model-service init: %s\n", file.error.text);
    else
        rc = write_configuration(settings->output, &text);
    buffer_finish(&text);
    init_finish(&file);
    return rc == 0 ? CLI_OK : wrong ? CLI_USAGE : CLI_FAILURE;
}

static int read_format(const char *const *values, struct csv_format *format)
{
    const char *delimiter = values[OPTION_DELIMITER], *decimal = values[OPTION_DECIMAL];
    if (delimiter && !csv_delimiter_parse(delimiter, &format->delimiter))
        return wrong_use("--delimiter must be comma, semicolon, tab or pipe, got ", delimiter);
    if (decimal && !csv_decimal_parse(decimal, &format->decimal))
        return wrong_use("--decimal must be point or comma, got ", decimal);
    return CLI_OK;
}

int init_main(int argc, char **argv)
{
    const char *values[CLI_MAX_OPTIONS];
    int first, parsed = cli_parse(&command, argc, argv, values, &first);
    if (parsed != 0)
        return parsed == CLI_HELP ? CLI_OK : CLI_USAGE;
    struct init_settings settings = {
        .reference = first < argc ? argv[first] : NULL,
        .id = values[OPTION_ID],
        .timestamp = values[OPTION_TIMESTAMP],
        .prediction = values[OPTION_PREDICTION],
        .score = values[OPTION_SCORE],
        .label = values[OPTION_LABEL],
        .exclude = values[OPTION_EXCLUDE],
        .name = values[OPTION_NAME],
        .model = values[OPTION_MODEL],
        .model_type = model_type(values[OPTION_MODEL]),
        .weights = values[OPTION_WEIGHTS],
        .output = values[OPTION_OUTPUT],
    };
    int status = check_settings(&settings);
    if (status == CLI_OK)
        status = read_format(values, &settings.format);
    return status == CLI_OK ? run(&settings) : status;
}
