/* validate.c - everything serve does before it listens, without serving. */
#include "cli/commands.h"
#include "cli/options.h"
#include "config/config.h"
#include "served/model.h"
#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_EXPECT, OPTION_MODEL };

static const struct cli_option options[] = {
    [OPTION_EXPECT] = {"expect", "FILE", "CSV of rows and their predictions, to compare with"},
    [OPTION_MODEL] = {"model", "NAME", "whose predictions they are, if there are several"},
};

static const struct cli_command command = {
    .name = "validate",
    .positional = "FILE",
    .summary =
        "Checks a configuration as serve does at its start: the file itself, the references and\n"
        "the model files that it names. Says what was found, or the first mistake, and warns\n"
        "about what is accepted but probably not meant. Exit status: 0 valid, 1 not valid, 2\n"
        "wrong use. The environment is not looked at.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .max_positionals = 1,
};

static const char *scorer_text(const struct config_scorer *scorer)
{
    static const char *const texts[] = {
        [CONFIG_SCORER_XGBOOST] = "scorer xgboost",
        [CONFIG_SCORER_LIGHTGBM] = "scorer lightgbm",
        [CONFIG_SCORER_SCIKIT_LEARN] = "scorer scikit-learn",
        [CONFIG_SCORER_NONE] = "no scorer, predictions are observed",
    };
    if (scorer->type != CONFIG_SCORER_LOGISTIC)
        return texts[scorer->type];
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

/* Of the names of demoted features so many bytes are printed. */
#define DEMOTED_BYTES 400

struct found {
    uint64_t reference_rows;
    bool ordered;   /* so are the reference's rows */
    size_t demoted; /* features whose reference changes within itself */
    char demoted_names[DEMOTED_BYTES];
    size_t equal_rows; /* of --expect; 0: not compared */
};

struct request {
    const char *command; /* whose name stands before warnings */
    const char *path;
    const char *expect, *model; /* NULL if not given */
};

/* context: the name of the command. */
static void print_warning(void *context, const char *sentence)
{
    fprintf(stderr, "model-service %s: warning: %s\n", (const char *)context, sentence);
}

/* Which features give only notices. */
static void find_demoted(const struct detector_report *report,
                         const struct feature_changes *changes, struct found *found)
{
    size_t used = 0;
    found->ordered = true;
    for (size_t f = 0; f < report->feature_count; f++)
        for (enum urn_part part = 0; part < URN_PARTS; part++) {
            found->ordered &= changes[f].part[part].limit != CHANGE_NO_ORDER;
            if (!changes[f].part[part].watched || changes[f].part[part].limit != CHANGE_REHEARSED)
                continue;
            found->demoted++;
            if (used < DEMOTED_BYTES)
                used += (size_t)snprintf(found->demoted_names + used, DEMOTED_BYTES - used,
                                         "%s\"%s\"%s", used ? ", " : "", report->features[f].name,
                                         part == URN_MISSINGNESS ? " (missing values)" : "");
        }
}

/* Looks at the monitors of a model. */
static int look(struct served_model *model, struct found *found)
{
    struct detector_report report = {0};
    struct feature_changes *changes = NULL;
    int rc = served_model_report(model, &report);
    if (rc == 0)
        rc = served_model_changes(model, &changes);
    if (rc == 0) {
        found->reference_rows = report.reference_rows;
        find_demoted(&report, changes, found);
    }
    free(report.features);
    free(changes);
    return rc;
}

/* Creates the model, looks at it, and destroys it. expect: the file to compare it with, or NULL. */
static int try_model(const char *name, const struct config_model *config, const char *expect,
                     struct found *ret_found, struct error *error)
{
    const struct served_model_settings settings = {.warning_override = NAN,
                                                   .id_prefix = "",
                                                   .warn = print_warning,
                                                   .warn_context = (void *)(uintptr_t)name};
    struct served_model *model;
    int rc = served_model_create(config, &settings, &model, error);
    if (rc < 0)
        return rc;
    rc = look(model, ret_found);
    if (rc < 0)
        error_set(error, rc, "model \"%s\": not enough memory", config->name);
    if (rc == 0 && expect) {
        rc = served_model_expect(model, expect, &ret_found->equal_rows, error);
        if (rc < 0)
            error_at(error, rc, "model \"%s\"", config->name);
    }
    served_model_release(model);
    return rc;
}

static int try_models(const struct request *request, const struct config *config,
                      struct found *found, struct error *error)
{
    for (size_t i = 0; i < config->model_count; i++) {
        const struct config_model *model = &config->models[i];
        const bool compare = !request->model || strcmp(request->model, model->name) == 0;
        int rc =
            try_model(request->command, model, compare ? request->expect : NULL, &found[i], error);
        if (rc < 0)
            return error_at(error, rc, "%s", excerpt_path(request->path).text);
    }
    return 0;
}

int validate_model_file(const char *path, struct error *error)
{
    return served_model_check_file(path, error);
}

int validate_text(const char *command_name, const char *text, size_t bytes, const char *path,
                  struct error *error)
{
    const struct request request = {.command = command_name, .path = path};
    struct config config;
    struct found found[CONFIG_MAX_MODELS] = {0};
    FILE *stream = fmemopen((char *)(uintptr_t)text, bytes, "r");
    if (!stream)
        return error_set(error, -errno, "%s: %s", excerpt_path(path).text, strerror(errno));
    int rc = config_read(stream, path, &config, error);
    fclose(stream);
    if (rc < 0)
        return rc;
    rc = try_models(&request, &config, found, error);
    config_finish(&config);
    return rc;
}

static void print_changes(const struct found *found)
{
    if (!found->ordered)
        puts("    changes of features are noticed but give no page, as the order of the\n"
             "    reference's rows is not known: name the column of their times in "
             "columns.timestamp");
    else if (found->demoted > 0)
        printf(
            "    changes are noticed but give no page for %zu of the features, as the reference\n"
            "    changes within itself: %s\n",
            found->demoted, found->demoted_names);
}

static int print_found(const struct request *request, const struct config *config,
                       const struct found *found, struct error *error)
{
    size_t features = 0;
    for (size_t i = 0; i < config->model_count; i++)
        features += config->models[i].feature_count;
    printf("%s: valid: %zu model%s, %zu feature%s\n", request->path, config->model_count,
           config->model_count == 1 ? "" : "s", features, features == 1 ? "" : "s");
    for (size_t i = 0; i < config->model_count; i++) {
        print_model(&config->models[i], found[i].reference_rows);
        print_changes(&found[i]);
        if (found[i].equal_rows > 0)
            printf("    the predictions of %zu rows equal those of %s\n", found[i].equal_rows,
                   request->expect);
    }
    if (fflush(stdout) == 0)
        return 0;
    return error_set(error, -EIO, "cannot write to standard output");
}

/* --expect is about one model. */
static int check_expect(const struct request *request, const struct config *config,
                        struct error *error)
{
    size_t named = 0;
    for (size_t i = 0; request->model && i < config->model_count; i++)
        named += strcmp(config->models[i].name, request->model) == 0;
    if (request->model && named == 0)
        return error_set(error, -EINVAL, "%s has no model '%s'", excerpt_path(request->path).text,
                         excerpt(request->model).text);
    if (request->expect && !request->model && config->model_count > 1)
        return error_set(error, -EINVAL,
                         "%s has %zu models; say with --model whose predictions are in %s",
                         excerpt_path(request->path).text, config->model_count,
                         excerpt_path(request->expect).text);
    return 0;
}

static int validate(const struct request *request)
{
    struct error error;
    struct config config;
    struct found found[CONFIG_MAX_MODELS] = {0};
    int rc = config_load(request->path, &config, &error);
    if (rc == 0) {
        rc = check_expect(request, &config, &error);
        if (rc == 0)
            rc = try_models(request, &config, found, &error);
        if (rc == 0)
            rc = print_found(request, &config, found, &error);
        config_finish(&config);
    }
    if (rc < 0)
        fprintf(stderr, "model-service validate: %s\n", error.text);
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
    const struct request request = {.command = command.name,
                                    .path = argv[first],
                                    .expect = values[OPTION_EXPECT],
                                    .model = values[OPTION_MODEL]};
    return validate(&request) < 0 ? CLI_FAILURE : CLI_OK;
}
