/* check.c - what a configuration must mean, beyond its shape. */
#include "config/check.h"

#include "config/config.h"
#include "system/address.h"
#include "text/excerpt.h"

#include <errno.h>
#include <string.h>

/* What the statistics take: a ring of ten million rows, 60 panes of at least a millisecond. */
#define MAX_OBSERVATIONS 10000000u
#define MIN_DURATION_MS  INT64_C(60)
#define MAX_DURATION_MS  (INT64_C(366) * 24 * 3600 * 1000)
#define MIN_BINS         2u
#define MAX_BINS         64u
#define MAX_RESOLUTION   10000000u
#define MAX_SAMPLE       MAX_OBSERVATIONS
/* An hour of a budget that allows a thousand pages is 3.6 s for each; ten years are for ever. */
#define MIN_PER_MS (INT64_C(3600) * 1000)
#define MAX_PER_MS (INT64_C(3660) * 24 * 3600 * 1000)

/* Also DEL and the C1 controls (UTF-8 C2 80 to C2 9F). */
static bool has_control(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
            return true;
    return false;
}

bool config_is_plain_text(const char *text, size_t max_bytes)
{
    return *text && strlen(text) <= max_bytes && !has_control(text);
}

bool config_is_model_name(const char *name)
{
    size_t bytes = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789._-");

    /* "." and ".." would vanish from a path */
    return bytes > 0 && bytes <= CONFIG_MAX_NAME_BYTES && name[bytes] == '\0' &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

size_t config_find_feature(const struct raw_model *model, const char *name)
{
    for (size_t i = 0; i < model->features_count; i++)
        if (strcmp(model->features[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static int check_names(struct config_file *file, const struct raw_config *raw, size_t index)
{
    const struct raw_model *model = &raw->models[index];

    if (!config_is_model_name(model->name))
        return config_file_refuse(file, MODEL_KEY("name"),
                                  "1 to 64 letters, digits, '.', '_' or '-', not \".\" or \"..\"");
    for (size_t i = 0; i < index; i++)
        if (strcmp(raw->models[i].name, model->name) == 0)
            return config_file_fail(
                file, MODEL_KEY("name"),
                "\"%s\" is the name of models[%zu] too, expected different names",
                excerpt(model->name).text, i);
    if (model->version && !config_is_plain_text(model->version, CONFIG_MAX_NAME_BYTES))
        return config_file_refuse(file, MODEL_KEY("version"),
                                  "1 to 64 bytes without control characters");
    if (!config_is_plain_text(model->reference, 4096))
        return config_file_refuse(file, MODEL_KEY("reference"), "the path of a CSV file");
    return 0;
}

static bool is_reserved(const char *name)
{
    return strcmp(name, CONFIG_PREDICTION_NAME) == 0 ||
           strcmp(name, CONFIG_PREDICTION_SCORE_NAME) == 0;
}

static int check_features(struct config_file *file, const struct raw_model *model, size_t index)
{
    for (size_t i = 0; i < model->features_count; i++) {
        const char *name = model->features[i].name;
        size_t first = config_find_feature(model, name);
        struct config_key key = config_key("models[%zu].features[%zu].name", index, i);

        if (!config_is_plain_text(name, CONFIG_MAX_TEXT_BYTES))
            return config_file_refuse(file, key.text, CONFIG_PLAIN_TEXT);
        if (is_reserved(name))
            return config_file_fail(file, key.text,
                                    "\"%s\" is the name of the model's own output, expected "
                                    "another name",
                                    name);
        if (first < i)
            return config_file_fail(
                file, key.text, "\"%s\" is the name of features[%zu] too, expected different names",
                excerpt(name).text, first);
    }
    return 0;
}

static int check_duration(struct config_file *file, const char *duration, size_t index)
{
    int64_t ms;

    if (!duration)
        return 0;
    if (config_parse_duration(duration, &ms) < 0)
        return config_file_refuse(file, MODEL_KEY("window.duration"),
                                  "a duration such as 15m, 90s or 1h30m");
    if (ms < MIN_DURATION_MS || ms > MAX_DURATION_MS)
        return config_file_refuse(file, MODEL_KEY("window.duration"), "60ms to 366d");
    return 0;
}

static int check_window(struct config_file *file, const struct raw_model *model, size_t index)
{
    const struct raw_window *window = model->window;

    if (!window)
        return 0;
    if (window->observations && window->duration)
        return config_file_fail(file, MODEL_KEY("window"),
                                "found both observations and duration, expected one of them");
    if (!window->observations && !window->duration)
        return config_file_fail(file, MODEL_KEY("window"),
                                "found neither observations nor duration, expected one of them");
    if (window->observations &&
        (*window->observations < 1 || *window->observations > MAX_OBSERVATIONS))
        return config_file_refuse(file, MODEL_KEY("window.observations"), "1 to 10000000");
    return check_duration(file, window->duration, index);
}

/* With a minimum sample larger than the window there would never be a score, and nobody would be
 * told. */
static int check_sample(struct config_file *file, const struct raw_model *model, size_t index)
{
    bool counted = !model->window || model->window->observations;
    uint64_t window =
        model->window && counted ? *model->window->observations : CONFIG_DEFAULT_WINDOW;
    uint64_t sample =
        model->minimum_sample ? *model->minimum_sample : CONFIG_DEFAULT_MINIMUM_SAMPLE;

    if (sample < 1 || sample > MAX_SAMPLE)
        return config_file_refuse(file, MODEL_KEY("minimum_sample"), "1 to 10000000");
    if (counted && sample > window)
        return config_file_fail(
            file,
            model->minimum_sample ? MODEL_KEY("minimum_sample") : MODEL_KEY("window.observations"),
            "the minimum sample is %llu%s, expected at most the %llu observations of the window",
            (unsigned long long)sample, model->minimum_sample ? "" : " (the default)",
            (unsigned long long)window);
    return 0;
}

/* The value given at a key, or the default that applies when there is none. */
struct thresholds {
    const struct raw_thresholds *given;
    double warning, critical;
    const char *origin; /* " (the default)" when the value is the default */
};

static int check_pair(struct config_file *file, const char *key, const struct thresholds *pair)
{
    static const struct raw_thresholds none;
    const struct raw_thresholds *given = pair->given ? pair->given : &none;
    double warning = given->warning ? *given->warning : pair->warning;
    double critical = given->critical ? *given->critical : pair->critical;

    if (!(warning > 0.0))
        return config_file_refuse(file, config_key("%s.warning", key).text, "a number above 0");
    if (!(critical > 0.0))
        return config_file_refuse(file, config_key("%s.critical", key).text, "a number above 0");
    if (!(warning < critical))
        return config_file_fail(
            file, config_key("%s.%s", key, given->warning ? "warning" : "critical").text,
            "found warning %g%s and critical %g%s, expected warning below critical", warning,
            given->warning ? "" : pair->origin, critical, given->critical ? "" : pair->origin);
    return 0;
}

static int check_thresholds(struct config_file *file, const struct raw_model *model, size_t index)
{
    struct thresholds pair = {model->thresholds, CONFIG_DEFAULT_WARNING, CONFIG_DEFAULT_CRITICAL,
                              " (the default)"};
    int rc = check_pair(file, MODEL_KEY("thresholds"), &pair);

    if (pair.given && pair.given->warning)
        pair.warning = *pair.given->warning;
    if (pair.given && pair.given->critical)
        pair.critical = *pair.given->critical;
    pair.origin = " (the model's)";
    for (size_t i = 0; i < model->features_count && rc == 0; i++) {
        pair.given = model->features[i].thresholds;
        rc = check_pair(file, config_key("models[%zu].features[%zu].thresholds", index, i).text,
                        &pair);
    }
    return rc;
}

static int check_numbers(struct config_file *file, const struct raw_model *model, size_t index)
{
    const uint64_t *resolution = model->reference_resolution, *bins = model->bins;

    if (model->significance && !(*model->significance > 0.0 && *model->significance < 1.0))
        return config_file_refuse(file, MODEL_KEY("significance"), "a number between 0 and 1");
    if (resolution && (*resolution == 1 || *resolution > MAX_RESOLUTION))
        return config_file_refuse(file, MODEL_KEY("reference_resolution"),
                                  "2 to 10000000, or 0 for every value");
    if (bins && (*bins < MIN_BINS || *bins > MAX_BINS))
        return config_file_refuse(file, MODEL_KEY("bins"), "2 to 64");
    return 0;
}

static int check_false_pages(struct config_file *file, const struct raw_model *model, size_t index)
{
    const struct raw_false_pages *pages = model->false_pages;
    int64_t ms;

    if (model->materiality && !(*model->materiality >= 0.0 && *model->materiality <= 100.0))
        return config_file_refuse(file, MODEL_KEY("materiality"),
                                  "a number of deviations, 0 to 100");
    if (!pages)
        return 0;
    if (pages->at_most && !(*pages->at_most >= 0.001 && *pages->at_most <= 1000.0))
        return config_file_refuse(file, MODEL_KEY("false_pages.at_most"), "0.001 to 1000");
    if (!pages->per)
        return 0;
    if (config_parse_duration(pages->per, &ms) < 0)
        return config_file_refuse(file, MODEL_KEY("false_pages.per"),
                                  "a duration such as 90d, 7d or 12h");
    if (ms < MIN_PER_MS || ms > MAX_PER_MS)
        return config_file_refuse(file, MODEL_KEY("false_pages.per"), "1h to 3660d");
    return 0;
}

static int check_model(struct config_file *file, const struct raw_config *raw, size_t index)
{
    static int (*const checks[])(struct config_file *, const struct raw_model *, size_t) = {
        check_features,   config_check_scorer, check_window,      check_sample,
        check_thresholds, check_numbers,       check_false_pages, config_check_output,
    };
    int rc = check_names(file, raw, index);

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && rc == 0; i++)
        rc = checks[i](file, &raw->models[index], index);
    return rc;
}

int config_check(struct config_file *file, const struct raw_config *raw)
{
    struct sockaddr_storage address;
    socklen_t bytes;

    if (raw->listen && http_address_parse(raw->listen, &address, &bytes) < 0)
        return config_file_refuse(file, "listen", "ADDRESS:PORT such as 127.0.0.1:8000");
    for (size_t i = 0; i < raw->models_count; i++) {
        int rc = check_model(file, raw, i);

        if (rc < 0)
            return rc;
    }
    return 0;
}
