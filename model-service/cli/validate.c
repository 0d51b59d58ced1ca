/* validate.c - everything serve does before it listens, without serving. */
#include "cli/commands.h"
#include "cli/options.h"
#include "config/config.h"
#include "served/model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct cli_command command = {
    .name = "validate",
    .positional = "FILE",
    .summary =
        "Checks a configuration as serve does at its start: the file itself, the references and\n"
        "the model files it names. Says what was found, or the first mistake. Exit status: 0\n"
        "valid, 1 not valid, 2 wrong use. The environment is not looked at.",
    .max_positionals = 1,
};

static const char *scorer_text(const struct config_scorer *scorer)
{
    if (scorer->type == CONFIG_SCORER_XGBOOST)
        return "scorer xgboost";
    if (scorer->type == CONFIG_SCORER_NONE)
        return "no scorer, predictions are observed";
    return scorer->file ? "scorer logistic from a file" : "scorer logistic";
}

static void print_columns(const struct config_columns *columns)
{
    const struct {
        const char *role, *name;
    } all[] = {{"id", columns->id},
               {"timestamp", columns->timestamp},
               {"prediction", columns->prediction},
               {"score", columns->score},
               {"label", columns->label}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].name)
            printf(", %s \"%s\"", all[i].role, all[i].name);
}

static void print_model(const struct config_model *config, uint64_t reference_rows)
{
    size_t categorical = 0;
    for (size_t f = 0; f < config->feature_count; f++)
        categorical += config->features[f].categorical;
    printf("  %s: %zu numeric and %zu categorical features, %llu reference rows, %s", config->name,
           config->feature_count - categorical, categorical, (unsigned long long)reference_rows,
           scorer_text(&config->scorer));
    print_columns(&config->columns);
    putchar('\n');
}

/* Creates the model, looks at it, and destroys it. */
static int try_model(const struct config_model *config, uint64_t *ret_rows, struct error *error)
{
    const struct served_model_settings settings = {.warning_override = NAN, .id_prefix = ""};
    struct served_model *model;
    struct detector_report report = {0};
    int rc = served_model_create(config, &settings, &model, error);
    if (rc < 0)
        return rc;
    rc = served_model_report(model, &report);
    if (rc < 0)
        error_set(error, rc, "model \"%s\": not enough memory", config->name);
    else
        *ret_rows = report.reference_rows;
    free(report.features);
    served_model_release(model);
    return rc;
}

static int try_models(const char *path, const struct config *config, uint64_t *rows)
{
    for (size_t i = 0; i < config->model_count; i++) {
        struct error error = {""};
        int rc = try_model(&config->models[i], &rows[i], &error);
        if (rc < 0) {
            fprintf(stderr, "model-service validate: %s: %s\n", path, error.text);
            return rc;
        }
    }
    return 0;
}

static int print_found(const char *path, const struct config *config, const uint64_t *rows)
{
    size_t features = 0;
    for (size_t i = 0; i < config->model_count; i++)
        features += config->models[i].feature_count;
    printf("%s: valid: %zu model%s, %zu feature%s\n", path, config->model_count,
           config->model_count == 1 ? "" : "s", features, features == 1 ? "" : "s");
    for (size_t i = 0; i < config->model_count; i++)
        print_model(&config->models[i], rows[i]);
    if (fflush(stdout) == 0)
        return 0;
    fputs("model-service validate: cannot write to standard output\n", stderr);
    return -EIO;
}

static int validate(const char *path)
{
    struct error error;
    struct config config;
    int rc = config_load(path, &config, &error);
    if (rc < 0) {
        fprintf(stderr, "model-service validate: %s\n", error.text);
        return rc;
    }
    uint64_t *rows = calloc(config.model_count, sizeof(*rows));
    rc = rows ? try_models(path, &config, rows) : -ENOMEM;
    if (!rows)
        fputs("model-service validate: not enough memory\n", stderr);
    if (rc == 0)
        rc = print_found(path, &config, rows);
    free(rows);
    config_finish(&config);
    return rc;
}

int validate_main(int argc, char **argv)
{
    const char *values[CLI_MAX_OPTIONS];
    int first, parsed = cli_parse(&command, argc, argv, values, &first);
    if (parsed != 0)
        return parsed == CLI_HELP ? CLI_OK : CLI_USAGE;
    if (first >= argc || !argv[first][0]) {
        fputs("model-service validate: expected the name of a configuration file\n"
              "Try 'model-service validate --help'.\n",
              stderr);
        return CLI_USAGE;
    }
    return validate(argv[first]) < 0 ? CLI_FAILURE : CLI_OK;
}
