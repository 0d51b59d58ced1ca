/* fixture.h - small models for the tests of served/: a reference in a file of its own, and a
 * configuration in memory. */
#ifndef SERVED_FIXTURE_H
#define SERVED_FIXTURE_H

#include "served/model.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FIXTURE_ROWS    200
#define FIXTURE_WINDOW  100
#define FIXTURE_MINIMUM 10

struct fixture {
    char reference[40];
    struct config_feature features[2];
    double weights[2];
    struct config_model config;
    struct served_model_settings settings;
};

/* Writes the reference: x runs from 0 to 1, color is red or blue in turn, p and y are `no` for the
 * first half and `yes` for the second, but y is the other one in every tenth row. */
static inline void fixture_write_reference(const char *path, const char *no, const char *yes)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs("x,color,p,y\n", file);
    for (int r = 0; r < FIXTURE_ROWS; r++) {
        const bool half = r >= FIXTURE_ROWS / 2;

        fprintf(file, "%.3f,%s,%s,%s\n", r / (double)FIXTURE_ROWS, r % 2 ? "red" : "blue",
                half ? yes : no, half != (r % 10 == 0) ? yes : no);
    }
    assert_int_equal(fclose(file), 0);
}

/* A model without a scorer, of the classes no and yes. */
static inline void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){
        .reference = "/tmp/test_served_XXXXXX",
        .features = {{.name = "x"}, {.name = "color", .categorical = true}},
        .weights = {4, 0},
        .settings = {.warning_override = NAN, .id_prefix = "run-"},
    };
    const int file = mkstemp(fixture->reference);

    assert_true(file >= 0);
    close(file);
    fixture_write_reference(fixture->reference, "no", "yes");
    fixture->config = (struct config_model){
        .name = "m",
        .version = "2",
        .reference = fixture->reference,
        .features = fixture->features,
        .feature_count = 2,
        .scorer = {.type = CONFIG_SCORER_NONE},
        .columns = {.prediction = "p", .label = "y"},
        .window_observations = FIXTURE_WINDOW,
        .minimum_sample = FIXTURE_MINIMUM,
        .warning_threshold = 0.3,
        .critical_threshold = 0.5,
        .significance = 1e-4,
        .bins = 10,
        .labels = {.capacity = 1000, .window = 50, .max_age_ms = 3600000},
        .detectors = CONFIG_ALL_DETECTORS,
    };
}

/* The same reference with a scorer: sigmoid(4 x - 2), noise-free; x alone is a feature. */
static inline void fixture_add_scorer(struct fixture *fixture)
{
    fixture->config.feature_count = 1;
    fixture->config.columns.prediction = NULL;
    fixture->config.columns.label = NULL;
    fixture->config.scorer = (struct config_scorer){
        .type = CONFIG_SCORER_LOGISTIC, .intercept = -2, .weights = fixture->weights};
}

static inline struct served_model *fixture_create(struct fixture *fixture)
{
    struct served_model *model = NULL;
    struct error error = {""};

    if (served_model_create(&fixture->config, &fixture->settings, &model, &error) != 0)
        fail_msg("%s", error.text);
    return model;
}

static inline void fixture_finish(struct fixture *fixture)
{
    unlink(fixture->reference);
}

static inline struct value text_value(const char *text)
{
    return (struct value){.number = NAN, .text = text, .text_bytes = strlen(text)};
}

static inline struct value number_value(double number)
{
    return (struct value){.number = number};
}

/* An observation of x = 0.5, blue, without anything else; values: [2]. */
static inline struct observation plain_observation(struct value *values)
{
    values[0] = number_value(0.5);
    values[1] = text_value("blue");
    return (struct observation){.value = values,
                                .prediction = value_missing(),
                                .label = value_missing(),
                                .score = NAN,
                                .timestamp_ms = OBSERVATION_NO_TIME};
}

#endif
