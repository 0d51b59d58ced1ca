/* check_output.c - what a configuration says of a model's output: the columns of the
 * reference that hold it, the labels that arrive later, and the detectors of change. */
#include "config/check.h"

#include "config/config.h"
#include "text/excerpt.h"

#include <string.h>

/* Bounds on memory: with ids of 16 bytes a waiting prediction takes about 100 bytes. */
#define MAX_CAPACITY     UINT64_C(10000000)
#define MAX_LABEL_WINDOW UINT64_C(1000000)
#define MIN_AGE_MS       INT64_C(1000)
#define MAX_AGE_MS       (INT64_C(366) * 24 * 3600 * 1000)

#define COLUMNS 5

static int check_columns(struct config_file *file, const struct raw_model *model, size_t index)
{
    static const char *const roles[COLUMNS] = {"id", "timestamp", "prediction", "score", "label"};
    const struct raw_columns *raw = model->columns;

    if (!raw)
        return 0;
    const char *const names[COLUMNS] = {raw->id, raw->timestamp, raw->prediction, raw->score,
                                        raw->label};
    for (size_t i = 0; i < COLUMNS; i++) {
        struct config_key key = config_key("models[%zu].columns.%s", index, roles[i]);

        if (!names[i])
            continue;
        if (!config_is_plain_text(names[i], CONFIG_MAX_TEXT_BYTES))
            return config_file_refuse(file, key.text, CONFIG_PLAIN_TEXT);
        if (config_find_feature(model, names[i]) != SIZE_MAX)
            return config_file_fail(file, key.text,
                                    "\"%s\" is one of the model's features, expected another "
                                    "column",
                                    excerpt(names[i]).text);
        for (size_t before = 0; before < i; before++)
            if (names[before] && strcmp(names[before], names[i]) == 0)
                return config_file_fail(file, key.text,
                                        "\"%s\" is the column of the %s too, expected another "
                                        "column",
                                        excerpt(names[i]).text, roles[before]);
    }
    if (raw->score && model->scorer.task && *model->scorer.task == CONFIG_TASK_REGRESSION)
        return config_file_fail(file, MODEL_KEY("columns.score"),
                                "a regression has no score, expected prediction");
    return 0;
}

static int check_labels(struct config_file *file, const struct raw_model *model, size_t index)
{
    const struct raw_labels *labels = model->labels;
    int64_t ms;

    if (!labels)
        return 0;
    if (labels->capacity && (*labels->capacity < 1 || *labels->capacity > MAX_CAPACITY))
        return config_file_refuse(file, MODEL_KEY("labels.capacity"), "1 to 10000000");
    if (labels->window && (*labels->window < 1 || *labels->window > MAX_LABEL_WINDOW))
        return config_file_refuse(file, MODEL_KEY("labels.window"), "1 to 1000000");
    if (!labels->max_age)
        return 0;
    if (config_parse_duration(labels->max_age, &ms) < 0)
        return config_file_refuse(file, MODEL_KEY("labels.max_age"),
                                  "a duration such as 7d, 12h or 1h30m");
    if (ms < MIN_AGE_MS || ms > MAX_AGE_MS)
        return config_file_refuse(file, MODEL_KEY("labels.max_age"), "1s to 366d");
    return 0;
}

static int check_detectors(struct config_file *file, const char *key, const unsigned *list,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t before = 0; before < i; before++)
            if (list[before] == list[i])
                return config_file_refuse(file, config_key("%s[%zu]", key, i).text,
                                          "each detector once");
    return 0;
}

static int check_stream(struct config_file *file, const struct raw_model *model, size_t index,
                        size_t i)
{
    const struct raw_stream *stream = &model->streams[i];
    struct config_key key = config_key("models[%zu].streams[%zu].feature", index, i);
    size_t feature = config_find_feature(model, stream->feature);

    if (feature == SIZE_MAX && strcmp(stream->feature, CONFIG_PREDICTION_NAME) != 0)
        return config_file_refuse(file, key.text, "one of the model's features, or prediction");
    if (feature != SIZE_MAX && model->features[feature].type == 1)
        return config_file_fail(file, key.text,
                                "\"%s\" is categorical, expected a numeric feature or prediction",
                                excerpt(stream->feature).text);
    for (size_t before = 0; before < i; before++)
        if (strcmp(model->streams[before].feature, stream->feature) == 0)
            return config_file_fail(file, key.text,
                                    "\"%s\" is the feature of streams[%zu] too, expected one "
                                    "stream for each",
                                    excerpt(stream->feature).text, before);
    return check_detectors(file, config_key("models[%zu].streams[%zu].detectors", index, i).text,
                           stream->detectors, stream->detectors_count);
}

int config_check_output(struct config_file *file, const struct raw_model *model, size_t index)
{
    int rc = check_columns(file, model, index);

    if (rc == 0)
        rc = check_labels(file, model, index);
    if (rc == 0)
        rc =
            check_detectors(file, MODEL_KEY("detectors"), model->detectors, model->detectors_count);
    for (size_t i = 0; i < model->streams_count && rc == 0; i++)
        rc = check_stream(file, model, index, i);
    return rc;
}
