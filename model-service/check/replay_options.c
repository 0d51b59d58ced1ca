/* replay_options.c - the options of `check --stream`: lists of numbers, budgets in rows or time. */
#include "check/replay.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct list {
    const char *option, *expected;
    double least, most;
    bool whole;
};

static int refuse(const struct list *list, const char *text)
{
    fprintf(stderr, "model-service check: --%s must be %s, got '%s'\n", list->option,
            list->expected, excerpt(text).text);
    return -EINVAL;
}

static bool parse_number(const struct list *list, const char *text, double *ret_value)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= list->least && value <= list->most) ||
        (list->whole && value != floor(value)))
        return false;
    *ret_value = value;
    return true;
}

/* Seconds; the list's limits are for rows. */
static bool parse_duration(const struct list *list, const char *text, double *ret_seconds)
{
    int64_t ms;
    (void)list;
    if (config_parse_duration(text, &ms) < 0 || ms < 60000)
        return false;
    *ret_seconds = (double)ms / 1000;
    return true;
}

typedef bool (*parse_fn)(const struct list *list, const char *text, double *ret_value);

/* Leaves values alone when text is NULL. */
static int read_list(const struct list *list, parse_fn parse, const char *text,
                     struct replay_values *values)
{
    struct replay_values read = {.count = 0};
    if (!text)
        return 0;
    char *copy = strdup(text), *rest = copy;
    bool good = copy != NULL;
    for (const char *item; good && (item = strsep(&rest, ","));)
        good = read.count < REPLAY_MAX_VALUES && parse(list, item, &read.value[read.count++]);
    free(copy);
    if (!good)
        return refuse(list, text);
    *values = read;
    return 0;
}

/* Digits only are rows, anything else is time. */
static bool is_rows(const char *budgets)
{
    return strspn(budgets, "0123456789,") == strlen(budgets);
}

static int read_budgets(const struct replay_options *options, struct replay_settings *settings)
{
    static const struct list rows = {
        "budget", "one to eight durations (90d; at least 1m) or numbers of rows (at least 1000)",
        1000, 1e12, true};
    const char *text = options->budget;
    settings->per_time = text ? !is_rows(text) : options->timestamp != NULL;
    settings->budgets = (struct replay_values){{REPLAY_DEFAULT_BUDGET}, 1};
    const int rc = read_list(&rows, settings->per_time ? parse_duration : parse_number, text,
                             &settings->budgets);
    if (rc < 0 || !settings->per_time || options->timestamp)
        return rc;
    fputs("model-service check: a --budget in time needs --timestamp COLUMN\n", stderr);
    return -EINVAL;
}

static int read_critical(const char *text, struct replay_settings *settings)
{
    static const struct list critical = {"critical", "a score above 0", 1e-300, 1e300, false};
    if (text && !parse_number(&critical, text, &settings->critical))
        return refuse(&critical, text);
    for (size_t i = 0; i < settings->thresholds.count; i++)
        if (settings->critical > 0 && settings->critical <= settings->thresholds.value[i]) {
            fputs("model-service check: --critical must be above --threshold\n", stderr);
            return -EINVAL;
        }
    return 0;
}

static int read_windows(const struct replay_options *options, struct replay_settings *settings)
{
    static const struct list windows = {"window", "one to eight numbers of rows, at least 2", 2,
                                        WINDOW_MAX_OBSERVATIONS, true};
    static const struct list thresholds = {"threshold", "one to eight scores above 0", 1e-300,
                                           1e300, false};
    int rc = read_list(&windows, parse_number, options->window, &settings->windows);
    if (rc == 0)
        rc = read_list(&thresholds, parse_number, options->threshold, &settings->thresholds);
    return rc == 0 ? read_critical(options->critical, settings) : rc;
}

static int count_rules(const struct replay_settings *settings)
{
    const size_t rules = settings->budgets.count * settings->materialities.count +
                         settings->windows.count * settings->thresholds.count;
    if (rules <= REPLAY_MAX_RULES)
        return 0;
    fprintf(stderr, "model-service check: these lists make %zu rules; at most %d are possible\n",
            rules, REPLAY_MAX_RULES);
    return -EINVAL;
}

int replay_settings_read(const struct replay_options *options, struct replay_settings *settings)
{
    static const struct list materialities = {
        "materiality", "one to eight numbers of deviations, 0 to 100", 0, 100, false};
    static const struct list block = {"block", "a number of rows, 1 to 1000000", 1,
                                      REPLAY_MAX_BLOCK, true};
    double rows = 1;
    settings->timestamp = options->timestamp;
    settings->materialities = (struct replay_values){{URN_DEFAULT_MATERIALITY}, 1};
    int rc = read_budgets(options, settings);
    if (rc == 0)
        rc =
            read_list(&materialities, parse_number, options->materiality, &settings->materialities);
    if (rc == 0)
        rc = read_windows(options, settings);
    if (rc == 0 && options->block && !parse_number(&block, options->block, &rows))
        rc = refuse(&block, options->block);
    settings->block = (size_t)rows;
    return rc == 0 ? count_rules(settings) : rc;
}
