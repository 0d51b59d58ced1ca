/* command.c - the options of `model-service check`. */
#include "check/command.h"
#include "check/check.h"
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
};

static const struct cli_option options[] = {
    [OPTION_REFERENCE] = {"reference", "FILE", "CSV of what is normal (default: the model's)"},
    [OPTION_CURRENT] = {"current", "FILE", "CSV to check, or - for standard input"},
    [OPTION_CONFIG] = {"config", "FILE", "take features and settings from this configuration"},
    [OPTION_MODEL] = {"model", "NAME", "which of its models (default: the first)"},
    [OPTION_FORMAT] = {"format", "FORMAT", "table (default) or json"},
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

/* Which of two words the text is; the first one when text is NULL. */
static int parse_word(const char *option, const char *text, const char *const words[2],
                      bool *ret_second)
{
    *ret_second = false;
    if (!text)
        return 0;
    for (int i = 0; i < 2; i++)
        if (words[i] && strcmp(text, words[i]) == 0) {
            *ret_second = i == 1;
            return 0;
        }
    fprintf(stderr, "model-service check: --%s must be %s%s%s, got '%s'\n", option,
            words[0] ? words[0] : "", words[0] ? " or " : "", words[1], text);
    return -1;
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
    bool json, verbose;
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
    if (output->allow_missing_columns ||
        check_columns_only(&check->columns, CHECK_ONLY_REFERENCE) +
                check_columns_only(&check->columns, CHECK_ONLY_CURRENT) ==
            0)
        return false;
    fputs("model-service check: the files differ in their columns: --allow-missing-columns accepts "
          "that, --exclude leaves out single ones\n",
          stderr);
    return true;
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
        rc = output->json ? check_print_json(&check, stdout)
                          : check_print_table(&check, stdout, colours(), output->verbose);
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

int check_main(int argc, char **argv)
{
    static const char *const formats[2] = {"table", "json"};
    static const char *const failures[2] = {NULL, "drift"};
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
    if (parse_word("format", values[OPTION_FORMAT], formats, &output.json) < 0 ||
        parse_word("fail-on", values[OPTION_FAIL_ON], failures, &output.fail_on_drift) < 0)
        return CLI_USAGE;
    process_prefer_large_pages();
    struct config config = {0};
    struct check_settings settings;
    int status = read_settings(values, &config, &settings);
    if (status == CLI_OK)
        status = run(&settings, &output);
    config_finish(&config);
    return status;
}
