/* command.c - the options of `model-service check`. */
#include "check/command.h"
#include "check/check.h"
#include "check/replay.h"
#include "cli/options.h"
#include "stats/reference.h"

#include "system/process.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Exit status with --fail-on drift, apart from failure and wrong use. */
#define CHECK_DRIFT 3

/* By default scores are shown for files of any length; the p-values say how much they mean. */
#define DEFAULT_MINIMUM_SAMPLE 1

enum {
    OPTION_REFERENCE,
    OPTION_CURRENT,
    OPTION_CONFIG,
    OPTION_MODEL,
    OPTION_FORMAT,
    OPTION_FAIL_ON,
    OPTION_EXCLUDE,
    OPTION_THRESHOLD,
    OPTION_CRITICAL,
    OPTION_SIGNIFICANCE,
    OPTION_MINIMUM_SAMPLE,
    OPTION_BINS,
    OPTION_METHODS,
    OPTION_DELIMITER,
    OPTION_DECIMAL,
    OPTION_ALLOW_MISSING_COLUMNS,
    OPTION_VERBOSE,
    OPTION_STREAM,
    OPTION_TIMESTAMP,
    OPTION_BUDGET,
    OPTION_MATERIALITY,
    OPTION_WINDOW,
    OPTION_BLOCK,
};

static const struct cli_option options[] = {
    [OPTION_REFERENCE] = {"reference", "FILE", "CSV of what is normal (default: the model's)"},
    [OPTION_CURRENT] = {"current", "FILE", "CSV to check, or - for standard input"},
    [OPTION_CONFIG] = {"config", "FILE", "take features and settings from this configuration"},
    [OPTION_MODEL] = {"model", "NAME", "which of its models (default: the first)"},
    [OPTION_FORMAT] = {"format", "FORMAT",
                       "table (default), json, html (a page with pictures) or\n"
                       "                             markdown (short, for a pull request)"},
    [OPTION_FAIL_ON] = {"fail-on", "WHAT",
                        "drift: exit with status 3 if there is any, or a column\n"
                        "                             that only one of the files has"},
    [OPTION_ALLOW_MISSING_COLUMNS] = {"allow-missing-columns", NULL,
                                      "--fail-on accepts files with different columns"},
    [OPTION_EXCLUDE] = {"exclude", "A,B,...", "columns to leave out"},
    [OPTION_THRESHOLD] = {"threshold", "X", "score above which a feature drifts (default 0.3)"},
    [OPTION_CRITICAL] = {"critical", "X",
                         "score above which drift is critical (default 0.5;\n"
                         "                             with --threshold X "
                         "at or above it: 2 X)"},
    [OPTION_SIGNIFICANCE] = {"significance", "X",
                             "probability of a false alarm per check (default 0.0001)"},
    [OPTION_MINIMUM_SAMPLE] = {"minimum-sample", "N", "rows needed for any score (default 1)"},
    [OPTION_BINS] = {"bins", "N", "histogram bins of numeric columns, 2 to 64 (default 10)"},
    [OPTION_METHODS] = {"methods", "A,B,...",
                        "methods to compute, such as ks_test,psi (default: all)"},
    [OPTION_DELIMITER] = {"delimiter", "WHAT",
                          "comma, semicolon, tab or pipe, of both files (default:\n"
                          "                             recognised in each)"},
    [OPTION_DECIMAL] = {"decimal", "WHAT", "point or comma, of both files (default: recognised)"},
    [OPTION_VERBOSE] = {"verbose", NULL, "every method, and how drifted columns have changed"},
    [OPTION_STREAM] = {"stream", NULL,
                       "replay the rows in their order: what would have paged, when and\n"
                       "                             why; --threshold may then be a list"},
    [OPTION_TIMESTAMP] = {"timestamp", "COLUMN", "with --stream: when each row came"},
    [OPTION_BUDGET] = {"budget", "A,B,...",
                       "with --stream: one false page in so long (90d, needs\n"
                       "                             --timestamp) or in so many rows "
                       "(default 7776000)"},
    [OPTION_MATERIALITY] = {"materiality", "A,B,...",
                            "with --stream: smaller changes are notices (deviations;\n"
                            "                             default 0.15)"},
    [OPTION_WINDOW] = {"window", "A,B,...",
                       "with --stream: rows of a window (default 200, or the model's)"},
    [OPTION_BLOCK] = {"block", "N", "with --stream: rows that arrive together (default 1)"},
};

static const struct cli_command command = {
    .name = "check",
    .positional = "",
    .summary =
        "Compares a CSV file with a reference CSV file, column by column, with the scores,\n"
        "evidence and verdicts of the service. Exit status: 0 done, 1 failure, 2 wrong use,\n"
        "3 drift, or different columns (with --fail-on drift).",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .max_positionals = INT_MAX, /* refused with a hint */
};

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_HTML, FORMAT_MARKDOWN, FORMAT_COUNT };
static const char *const format_names[FORMAT_COUNT] = {"table", "json", "html", "markdown"};

/* CLI_OK, or CLI_USAGE after one line on standard error; a table when text is NULL. */
static int parse_format(const char *text, bool stream, enum format *ret_format)
{
    *ret_format = FORMAT_TABLE;
    if (!text)
        return CLI_OK;
    for (enum format format = 0; format < (stream ? FORMAT_HTML : FORMAT_COUNT); format++)
        if (strcmp(text, format_names[format]) == 0) {
            *ret_format = format;
            return CLI_OK;
        }
    fprintf(stderr, "model-service check: --format must be %s, got '%s'\n",
            stream ? "table or json with --stream" : "table, json, html or markdown", text);
    return CLI_USAGE;
}

static int parse_fail_on(const char *text, bool *ret_drift)
{
    *ret_drift = text;
    if (!text || strcmp(text, "drift") == 0)
        return CLI_OK;
    fprintf(stderr, "model-service check: --fail-on must be drift, got '%s'\n", text);
    return CLI_USAGE;
}

static struct window_spec configured_window(const struct config_model *model)
{
    if (model->has_window_observations)
        return (struct window_spec){.kind = WINDOW_COUNT,
                                    .observations = model->window_observations};
    return (struct window_spec){.kind = WINDOW_ALL};
}

/* The rows of a file carry no time, so a window by duration holds all of them. */
static void apply_model(struct check_settings *settings, const struct config_model *model)
{
    settings->model = model;
    if (!settings->reference)
        settings->reference = model->reference;
    settings->reference_format =
        (struct csv_format){.delimiter = model->delimiter, .decimal = model->decimal};
    settings->window = configured_window(model);
    settings->threshold[SEVERITY_WARNING] = model->warning_threshold;
    settings->threshold[SEVERITY_CRITICAL] = model->critical_threshold;
    settings->significance = model->significance;
    settings->minimum_sample = model->minimum_sample;
    settings->bins = model->bins;
    if (model->has_reference_resolution)
        settings->resolution = model->reference_resolution;
}

/* CLI_OK, or the exit status after one line on standard error. */
static int load_model(const char *path, const char *name, struct config *config,
                      struct check_settings *settings)
{
    struct error error;
    if (config_load(path, config, &error) < 0) {
        fprintf(stderr, "model-service check: %s\n", error.text);
        return CLI_FAILURE;
    }
    for (size_t i = 0; i < config->model_count; i++)
        if (!name || strcmp(config->models[i].name, name) == 0) {
            apply_model(settings, &config->models[i]);
            return CLI_OK;
        }
    fprintf(stderr, "model-service check: %s has no model '%s'; available: ", path, name);
    for (size_t i = 0; i < config->model_count; i++)
        fprintf(stderr, "%s%s", i > 0 ? ", " : "", config->models[i].name);
    fputc('\n', stderr);
    return CLI_USAGE;
}

static int wrong_use(const char *sentence)
{
    fprintf(stderr, "model-service check: %s\nTry 'model-service check --help'.\n", sentence);
    return CLI_USAGE;
}

static int apply_numbers(struct check_settings *settings, const char *const *values)
{
    unsigned long long bins = settings->bins, sample = settings->minimum_sample;
    double *threshold = settings->threshold;
    if (cli_number(&command, "threshold", values[OPTION_THRESHOLD], 1e-300, 1e300,
                   &threshold[SEVERITY_WARNING]) < 0 ||
        cli_number(&command, "critical", values[OPTION_CRITICAL], 1e-300, 1e300,
                   &threshold[SEVERITY_CRITICAL]) < 0 ||
        cli_number(&command, "significance", values[OPTION_SIGNIFICANCE], 1e-300, 0.999999,
                   &settings->significance) < 0 ||
        cli_integer(&command, "minimum-sample", values[OPTION_MINIMUM_SAMPLE], 1, 1000000000,
                    &sample) < 0 ||
        cli_integer(&command, "bins", values[OPTION_BINS], 2, REFERENCE_MAX_BINS, &bins) < 0)
        return CLI_USAGE;
    settings->bins = (size_t)bins;
    settings->minimum_sample = sample;
    /* if only the warning threshold is given, the critical one moves above it */
    if (!values[OPTION_CRITICAL] && threshold[SEVERITY_CRITICAL] <= threshold[SEVERITY_WARNING])
        threshold[SEVERITY_CRITICAL] = 2 * threshold[SEVERITY_WARNING];
    if (threshold[SEVERITY_CRITICAL] <= threshold[SEVERITY_WARNING])
        return wrong_use("--critical must be above --threshold");
    return CLI_OK;
}

/* The methods named in a list separated by commas; 0 after a line on standard error. */
static unsigned parse_methods(const char *list)
{
    unsigned methods = 0;
    while (*list) {
        const size_t bytes = strcspn(list, ",");
        enum drift_method method = 0;
        while (method < METHOD_COUNT && (strlen(drift_method_name(method)) != bytes ||
                                         memcmp(drift_method_name(method), list, bytes) != 0))
            method++;
        if (method == METHOD_COUNT) {
            methods = 0;
            break;
        }
        methods |= 1u << method;
        list += bytes + (list[bytes] == ',');
    }
    if (methods)
        return methods;
    fprintf(stderr, "model-service check: --methods: there is no method '%.*s'; there are",
            (int)strcspn(list, ","), list);
    for (enum drift_method method = 0; method < METHOD_COUNT; method++)
        fprintf(stderr, "%s %s", method > 0 ? "," : "", drift_method_name(method));
    fputc('\n', stderr);
    return 0;
}

static int apply_formats(struct check_settings *settings, const char *const *values)
{
    const char *delimiter = values[OPTION_DELIMITER], *decimal = values[OPTION_DECIMAL];
    struct csv_format *reference = &settings->reference_format;
    struct csv_format *current = &settings->current_format;
    if (delimiter && !csv_delimiter_parse(delimiter, &reference->delimiter))
        return wrong_use("--delimiter must be comma, semicolon, tab or pipe");
    if (decimal && !csv_decimal_parse(decimal, &reference->decimal))
        return wrong_use("--decimal must be point or comma");
    if (delimiter)
        current->delimiter = reference->delimiter;
    if (decimal)
        current->decimal = reference->decimal;
    return CLI_OK;
}

static int check_paths(const struct check_settings *settings)
{
    if (!settings->current)
        return wrong_use("--current is missing: the CSV file to check");
    if (!settings->reference)
        return wrong_use("--reference is missing: the CSV file to compare with");
    if (strcmp(settings->reference, "-") == 0)
        return wrong_use("--reference cannot be standard input");
    return CLI_OK;
}

static int read_settings(const char *const *values, struct config *config,
                         struct check_settings *settings)
{
    *settings = (struct check_settings){
        .reference = values[OPTION_REFERENCE],
        .current = values[OPTION_CURRENT],
        .exclude = values[OPTION_EXCLUDE],
        .window = {.kind = WINDOW_ALL},
        .threshold = {CONFIG_DEFAULT_WARNING, CONFIG_DEFAULT_CRITICAL},
        .significance = CONFIG_DEFAULT_SIGNIFICANCE,
        .minimum_sample = DEFAULT_MINIMUM_SAMPLE,
        .bins = REFERENCE_DEFAULT_BINS,
        .methods = DETECTOR_ALL_METHODS,
    };
    if (values[OPTION_METHODS] && (settings->methods = parse_methods(values[OPTION_METHODS])) == 0)
        return CLI_USAGE;
    if (values[OPTION_MODEL] && !values[OPTION_CONFIG])
        return wrong_use("--model needs --config");
    int status = CLI_OK;
    if (values[OPTION_CONFIG])
        status = load_model(values[OPTION_CONFIG], values[OPTION_MODEL], config, settings);
    if (status == CLI_OK)
        status = apply_numbers(settings, values);
    if (status == CLI_OK)
        status = apply_formats(settings, values);
    return status == CLI_OK ? check_paths(settings) : status;
}

static bool colours(void)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) &&
           !(terminal && strcmp(terminal, "dumb") == 0);
}

static void print_bad_rows(const struct check_bad_rows *bad, const char *path)
{
    for (size_t i = 0; i < bad->count && i < CHECK_SHOWN_ROWS; i++)
        fprintf(stderr, "%s\n", bad->message[i]);
    if (bad->count > CHECK_SHOWN_ROWS)
        fprintf(stderr, "%s: %llu bad rows in all\n", path, (unsigned long long)bad->count);
}

/* What the command line asked for beside the comparison itself. */
struct output {
    enum format format;
    bool verbose;
    bool fail_on_drift, allow_missing_columns;
};

/* Whether a gate refuses the current file; with a line on standard error if only its columns are
 * the reason. */
static bool refuses(const struct check *check, const struct output *output)
{
    if (!output->fail_on_drift)
        return false;
    if (check->report.drift_detected)
        return true;
    const size_t doubled = check_columns_only(&check->columns, CHECK_DOUBLED);
    const size_t others = check_columns_only(&check->columns, CHECK_ONLY_REFERENCE) +
                          check_columns_only(&check->columns, CHECK_ONLY_CURRENT);
    if (others > 0 && !output->allow_missing_columns) {
        fputs("model-service check: the files differ in their columns: --allow-missing-columns "
              "accepts that, --exclude leaves out single ones\n",
              stderr);
        return true;
    }
    if (doubled > 0)
        fputs("model-service check: a name that several columns have was not compared: rename "
              "them, or leave the name out with --exclude\n",
              stderr);
    return doubled > 0;
}

static int print_answer(const struct check *check, const struct output *output)
{
    switch (output->format) {
    case FORMAT_JSON:
        return check_print_json(check, stdout);
    case FORMAT_HTML:
        return check_print_html(check, stdout);
    case FORMAT_MARKDOWN:
        return check_print_markdown(check, stdout);
    default:
        return check_print_table(check, stdout, colours(), output->verbose);
    }
}

static int run(const struct check_settings *settings, const struct output *output)
{
    struct check check;
    int rc = check_run(&check, settings);
    print_bad_rows(&check.bad_reference, settings->reference);
    print_bad_rows(&check.bad_current, settings->current);
    if (rc < 0) {
        fprintf(stderr, "model-service check: %s\n", check.error.text);
    } else {
        rc = print_answer(&check, output);
        if (rc < 0)
            fputs("model-service check: cannot write to standard output\n", stderr);
    }
    const bool wrong_use = check.wrong_use;
    const bool refused = rc == 0 && refuses(&check, output);
    check_finish(&check);
    if (rc < 0)
        return wrong_use ? CLI_USAGE : CLI_FAILURE;
    return refused ? CHECK_DRIFT : CLI_OK;
}

/* --- check --stream --- */

/* Its --threshold and --critical are read with the lists. */
static int read_stream_settings(const char *const *values, struct config *config,
                                struct check_settings *settings)
{
    const char *plain[CLI_MAX_OPTIONS];
    for (size_t i = 0; i < command.option_count; i++)
        plain[i] = values[i];
    plain[OPTION_THRESHOLD] = plain[OPTION_CRITICAL] = NULL;
    const int status = read_settings(plain, config, settings);
    if (!values[OPTION_METHODS])
        settings->methods = DETECTOR_LIVE_METHODS;
    if (!values[OPTION_MINIMUM_SAMPLE] && !settings->model)
        settings->minimum_sample = CONFIG_DEFAULT_MINIMUM_SAMPLE;
    return status;
}

static int read_plain_settings(const char *const *values, struct config *config,
                               struct check_settings *settings)
{
    static const int only[] = {OPTION_TIMESTAMP, OPTION_BUDGET, OPTION_MATERIALITY, OPTION_WINDOW,
                               OPTION_BLOCK};
    for (size_t i = 0; i < sizeof(only) / sizeof(only[0]); i++)
        if (values[only[i]]) {
            fprintf(stderr, "model-service check: --%s needs --stream\n", options[only[i]].name);
            return CLI_USAGE;
        }
    return read_settings(values, config, settings);
}

/* What the lists are when they are not given. */
static struct replay_settings default_lists(const char *const *values,
                                            const struct check_settings *settings)
{
    struct replay_settings replay = {.check = settings};
    replay.windows = (struct replay_values){{REPLAY_DEFAULT_WINDOW}, 1};
    if (settings->window.kind == WINDOW_COUNT)
        replay.windows.value[0] = (double)settings->window.observations;
    replay.thresholds = (struct replay_values){{settings->threshold[SEVERITY_WARNING]}, 1};
    if (settings->model && !values[OPTION_THRESHOLD])
        replay.critical = settings->threshold[SEVERITY_CRITICAL];
    return replay;
}

static bool has_pages(const struct replay *replay)
{
    for (size_t i = 0; i < replay->rules; i++)
        if (replay->rule[i].pages > 0)
            return true;
    return false;
}

static int run_replay(struct replay *replay, const struct replay_settings *settings,
                      const struct output *output)
{
    int rc = replay_run(replay, settings);
    print_bad_rows(&replay->check.bad_reference, settings->check->reference);
    print_bad_rows(&replay->check.bad_current, settings->check->current);
    if (rc < 0) {
        fprintf(stderr, "model-service check: %s\n", replay->check.error.text);
        return replay->check.wrong_use ? CLI_USAGE : CLI_FAILURE;
    }
    rc = output->format == FORMAT_JSON ? replay_print_json(replay, stdout)
                                       : replay_print_text(replay, stdout);
    if (rc < 0) {
        fputs("model-service check: cannot write to standard output\n", stderr);
        return CLI_FAILURE;
    }
    return output->fail_on_drift && has_pages(replay) ? CHECK_DRIFT : CLI_OK;
}

/* The column of times is not compared: it joins the excluded ones. */
static int exclude_timestamp(struct check_settings *settings, const char *timestamp,
                             char **ret_list)
{
    *ret_list = NULL;
    if (!timestamp || settings->model)
        return 0;
    const char *exclude = settings->exclude ? settings->exclude : "";
    if (asprintf(ret_list, "%s%s%s", exclude, exclude[0] ? "," : "", timestamp) < 0)
        return -1;
    settings->exclude = *ret_list;
    return 0;
}

static int stream(const char *const *values, struct check_settings *settings,
                  const struct output *output)
{
    const struct replay_options lists = {.budget = values[OPTION_BUDGET],
                                         .materiality = values[OPTION_MATERIALITY],
                                         .window = values[OPTION_WINDOW],
                                         .threshold = values[OPTION_THRESHOLD],
                                         .critical = values[OPTION_CRITICAL],
                                         .timestamp = values[OPTION_TIMESTAMP],
                                         .block = values[OPTION_BLOCK]};
    struct replay_settings asked = default_lists(values, settings);
    char *exclude;
    if (replay_settings_read(&lists, &asked) < 0)
        return CLI_USAGE;
    if (exclude_timestamp(settings, lists.timestamp, &exclude) < 0)
        return CLI_FAILURE;
    struct replay *replay = calloc(1, sizeof(*replay));
    int status = CLI_FAILURE;
    if (replay) {
        status = run_replay(replay, &asked, output);
        replay_finish(replay);
    }
    free(replay);
    free(exclude);
    return status;
}

int check_main(int argc, char **argv)
{
    const char *values[CLI_MAX_OPTIONS];
    int first, parsed = cli_parse(&command, argc, argv, values, &first);
    if (parsed != 0)
        return parsed == CLI_HELP ? CLI_OK : CLI_USAGE;
    if (first < argc) {
        fprintf(stderr,
                "model-service check: unexpected argument '%s': name files by --reference FILE "
                "--current FILE\n",
                argv[first]);
        return CLI_USAGE;
    }
    struct output output = {.verbose = values[OPTION_VERBOSE],
                            .allow_missing_columns = values[OPTION_ALLOW_MISSING_COLUMNS]};
    if (parse_format(values[OPTION_FORMAT], values[OPTION_STREAM], &output.format) != CLI_OK ||
        parse_fail_on(values[OPTION_FAIL_ON], &output.fail_on_drift) != CLI_OK)
        return CLI_USAGE;
    process_prefer_large_pages();
    struct config config = {0};
    struct check_settings settings;
    int status = values[OPTION_STREAM] ? read_stream_settings(values, &config, &settings)
                                       : read_plain_settings(values, &config, &settings);
    if (status == CLI_OK)
        status =
            values[OPTION_STREAM] ? stream(values, &settings, &output) : run(&settings, &output);
    config_finish(&config);
    return status;
}
