/* Unit tests of config/config*.c: what a configuration gives, and the one line for each mistake. */
#include "config/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#include "corpus.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static char folder[64], path[96];

static void write_file(const char *text, size_t bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void accept(const char *text, struct config *config)
{
    struct error error = {""};
    int r;

    write_file(text, strlen(text));
    r = config_load(path, config, &error);
    if (r != 0)
        fail_msg("%s\n%d: %s", text, r, error.text);
}

static void refuse_bytes(const char *text, size_t bytes, const char *detail)
{
    struct error error = {""};
    char want[ERROR_BYTES];
    struct config config = {.listen = "untouched"};

    write_file(text, bytes);
    assert_int_equal(config_load(path, &config, &error), -EINVAL);
    snprintf(want, sizeof(want), "%s:%s", path, detail);
    if (strcmp(error.text, want) != 0)
        fail_msg("%s\ngot  %s\nwant %s", text, error.text, want);
    assert_string_equal(config.listen, "untouched");
}

static void refuse(const char *text, const char *detail)
{
    refuse_bytes(text, strlen(text), detail);
}

/* Lines 1 to 7; what a test adds begins in line 8, indented by four. */
#define MODEL                                                                                      \
    "models:\n"                                                                                    \
    "  - name: housing\n"                                                                          \
    "    reference: ref.csv\n"                                                                     \
    "    features: [{name: MedInc}, {name: Ocean, type: categorical}]\n"                           \
    "    scorer:\n"                                                                                \
    "      type: logistic\n"                                                                       \
    "      weights: [{feature: MedInc, weight: 0.8}]\n"

static void test_defaults(void **state)
{
    const struct config_model *model;
    struct config config;
    char reference[128];

    (void)state;
    accept(MODEL, &config);
    assert_null(config.listen);
    assert_int_equal(config.model_count, 1);
    model = &config.models[0];
    snprintf(reference, sizeof(reference), "%s/ref.csv", folder);
    assert_string_equal(model->name, "housing");
    assert_string_equal(model->version, "1");
    assert_string_equal(model->reference, reference);
    assert_int_equal(model->feature_count, 2);
    assert_string_equal(model->features[0].name, "MedInc");
    assert_false(model->features[0].categorical);
    assert_true(model->features[1].categorical);
    assert_true(model->scorer.intercept == 0.0);
    assert_true(model->scorer.weights[0] == 0.8);
    assert_true(model->scorer.weights[1] == 0.0);
    assert_false(model->has_window_observations);
    assert_int_equal(model->window_observations, 1000);
    assert_int_equal(model->window_duration_ms, 0);
    assert_int_equal(model->minimum_sample, 50);
    assert_true(model->warning_threshold == 0.3);
    assert_true(model->critical_threshold == 0.5);
    assert_true(model->significance == 0.0001);
    assert_true(model->false_page_seconds == 90.0 * 86400);
    assert_true(model->materiality == 0.15);
    assert_int_equal(model->discount, CONFIG_DISCOUNT_REFERENCE);
    assert_int_equal(model->reference_resolution, 10000);
    assert_int_equal(model->bins, 10);
    assert_false(model->simulation);
    assert_true(model->features[0].warning_threshold == 0.0);
    assert_int_equal(model->scorer.type, CONFIG_SCORER_LOGISTIC);
    assert_null(model->scorer.file);
    assert_null(model->scorer.classes);
    assert_null(model->columns.id);
    assert_null(model->columns.label);
    assert_int_equal(model->labels.capacity, 100000);
    assert_int_equal(model->labels.max_age_ms, INT64_C(604800000));
    assert_int_equal(model->labels.window, 1000);
    assert_int_equal(model->detectors, 0xff);
    assert_int_equal(model->stream_count, 0);
    config_finish(&config);
    config_finish(&config);
}

static void test_everything_given(void **state)
{
    const struct config_model *model;
    struct config config;

    (void)state;
    accept("# a comment\n"
           "listen: \"[::1]:9000\"\n"
           "models:\n"
           "  - name: a.b-c_D\n"
           "    version: 3\n"
           "    reference: /data/ref.csv\n"
           "    features:\n"
           "      - name: x y\n"
           "        type: numeric\n"
           "      - {name: 'é', type: numeric}\n"
           "    scorer:\n"
           "      type: logistic\n"
           "      intercept: -1.5\n"
           "      weights:\n"
           "        - {feature: 'é', weight: -2e-3}\n"
           "        - {feature: x y, weight: +.5}\n"
           "    window: {observations: 200}\n"
           "    minimum_sample: 20\n"
           "    thresholds: {warning: 0.1, critical: 12}\n"
           "    significance: 0.01\n"
           "    false_pages: {at_most: 4, per: 1d}\n"
           "    materiality: 0\n"
           "    discount: live\n"
           "    reference_resolution: 0\n"
           "    bins: 20\n"
           "    simulation: true\n"
           "  - name: second\n"
           "    reference: sub/ref.csv\n"
           "    features: [{name: x}]\n"
           "    scorer: {type: logistic, weights: [{feature: x, weight: 1}]}\n"
           "    window: {duration: 1h30m}\n"
           "    minimum_sample: 5000\n",
           &config);
    assert_string_equal(config.listen, "[::1]:9000");
    assert_int_equal(config.model_count, 2);
    model = &config.models[0];
    assert_string_equal(model->name, "a.b-c_D");
    assert_string_equal(model->version, "3");
    assert_string_equal(model->reference, "/data/ref.csv");
    assert_string_equal(model->features[1].name, "é");
    assert_true(model->scorer.intercept == -1.5);
    assert_true(model->scorer.weights[0] == 0.5);
    assert_true(model->scorer.weights[1] == -2e-3);
    assert_true(model->has_window_observations);
    assert_int_equal(model->window_observations, 200);
    assert_int_equal(model->minimum_sample, 20);
    assert_true(model->warning_threshold == 0.1);
    assert_true(model->critical_threshold == 12.0);
    assert_true(model->significance == 0.01);
    assert_true(model->false_page_seconds == 86400.0 / 4);
    assert_true(model->materiality == 0);
    assert_int_equal(model->discount, CONFIG_DISCOUNT_LIVE);
    assert_int_equal(model->reference_resolution, 0);
    assert_int_equal(model->bins, 20);
    assert_true(model->simulation);
    model = &config.models[1];
    assert_false(model->has_window_observations);
    assert_int_equal(model->window_duration_ms, 5400000);
    assert_int_equal(model->minimum_sample, 5000);
    assert_false(model->simulation);
    config_finish(&config);
}

static void test_files(void **state)
{
    struct error error;
    struct config config;

    (void)state;
    assert_int_equal(config_load("/nonexistent.yml", &config, &error), -ENOENT);
    assert_string_equal(error.text, "/nonexistent.yml: No such file or directory");
    assert_int_equal(config_load("/tmp", &config, &error), -EISDIR);
    assert_string_equal(error.text, "/tmp: Is a directory");
    refuse("", "1: the file is empty; a mapping with \"models\" is expected");
    refuse("# nothing\n", "1: the file is empty; a mapping with \"models\" is expected");
    refuse("--- \n", "1: found nothing, expected a mapping with the keys listen, state, models");
}

static void test_syntax(void **state)
{
    static const struct {
        const char *text, *detail;
    } cases[] = {
        {"models: [\n", "2: column 1: not YAML: while parsing a flow node: did not find expected "
                        "node content"},
        {"models:\n  - name: a\n reference: b\n",
         "3: column 2: not YAML: while parsing a block mapping: did not find expected key"},
        {"a: 'x\n", "2: column 1: not YAML: while scanning a quoted scalar: found unexpected end "
                    "of stream"},
        {"a:\n\tb: 1\n", "2: column 1: not YAML: while scanning for the next token: found "
                         "character that cannot start any token"},
        {"a: *x\n", "1: column 4: not YAML: found undefined alias"},
        {"a: 1\n\nb: \xff\n", "3: not UTF-8 text: invalid leading UTF-8 octet"},
        {MODEL "---\na: 1\n", "9: a second document begins; one is expected"},
        {MODEL "---\n]\n",
         "9: column 1: not YAML: while parsing a block node: did not find expected node "
         "content"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        refuse(cases[i].text, cases[i].detail);
}

/* Appended to MODEL, or a whole file. */
static void test_shape(void **state)
{
    static const char model_keys[] =
        "name, version, reference, delimiter, decimal, features, scorer, columns, window, "
        "minimum_sample, thresholds, "
        "significance, false_pages, materiality, discount, bins, reference_resolution, simulation, "
        "labels, "
        "detectors, streams";
    static const struct {
        const char *text, *detail;
    } cases[] = {
        {"[]", "1: found a list, expected a mapping with the keys listen, state, models"},
        {"listen: 127.0.0.1:80\n", "1: the key \"models\" is missing"},
        {"models:\n", "1: models: found nothing, expected a list"},
        {"models: []\n", "1: models: found 0 entries, expected 1 to 100"},
        {"models: {}\n", "1: models: found a mapping, expected a list"},
        {"x: 1\nmodel: []\n", "1: x: unknown key, expected one of listen, state, models"},
        {"\n\"a.b\": 1\n", "2: a.b: unknown key, expected one of listen, state, models"},
        {"\"models\\0\": 1\n", "1: models: unknown key, expected one of listen, state, models"},
        {"[a]: 1\n", "1: a key is a list, expected one of listen, state, models"},
        {MODEL "    window: 5\n", "8: models[0].window: found a single value, expected a mapping "
                                  "with the keys observations, duration"},
        {MODEL "    window:\n      - 5\n", "8: models[0].window: found a list, expected a mapping "
                                           "with the keys observations, duration"},
        {MODEL "    version: [1]\n", "8: models[0].version: found a list, expected a single value"},
        {MODEL "    bins: 10\n    bins: 10\n", "9: models[0].bins: the key is given twice"},
        {MODEL "    bins: ten\n",
         "8: models[0].bins: found \"ten\", expected a whole number of at most 15 digits"},
        {MODEL "    bins: -1\n",
         "8: models[0].bins: found \"-1\", expected a whole number of at most 15 digits"},
        {MODEL "    bins: 010\n",
         "8: models[0].bins: found \"010\", expected a whole number of at most 15 digits"},
        {MODEL "    bins: 0x10\n",
         "8: models[0].bins: found \"0x10\", expected a whole number of at most 15 digits"},
        {MODEL "    bins:\n",
         "8: models[0].bins: found \"\", expected a whole number of at most 15 digits"},
        {MODEL "    significance: small\n",
         "8: models[0].significance: found \"small\", expected a number"},
        {MODEL "    significance: 0x1p-3\n",
         "8: models[0].significance: found \"0x1p-3\", expected a number"},
        {MODEL "    significance: 1e-400\n",
         "8: models[0].significance: found \"1e-400\", expected a number between 0 and 1"},
        {MODEL "    simulation: yes\n",
         "8: models[0].simulation: found \"yes\", expected true or false"},
        {MODEL "    version: \"a\\0b\"\n",
         "8: models[0].version: found \"a?b\", expected text without a NUL character"},
        {"models: [{reference: r, features: [{name: x}], scorer: {type: logistic,\n"
         "  weights: [{feature: x, weight: 1}]}}]\n",
         "1: models[0]: the key \"name\" is missing"},
        {"models:\n  - name: a\n    features: [{name: x}]\n    scorer: {type: logistic, weights: "
         "[{feature: x, weight: 1}]}\n",
         "2: models[0]: the key \"reference\" is missing"},
        {"models:\n  - name: a\n    reference: r\n",
         "2: models[0]: the key \"features\" is missing"},
        {"models:\n  - name: a\n    features: []\n",
         "3: models[0].features: found 0 entries, expected 1 to 1000"},
        {"models:\n  - features: [x]\n", "2: models[0].features[0]: found a single value, expected "
                                         "a mapping with the keys name, type, thresholds"},
        {"models:\n  - features:\n    - name: x\n      type: text\n",
         "4: models[0].features[0].type: found \"text\", expected numeric or categorical"},
        {"models:\n  - features:\n    - type: numeric\n",
         "3: models[0].features[0]: the key \"name\" is missing"},
        {"models:\n  - scorer:\n      type: forest\n",
         "3: models[0].scorer.type: found \"forest\", expected logistic or xgboost or "
         "lightgbm or scikit-learn or none"},
        {"models:\n  - scorer: {type: none, task: ranking}\n",
         "2: models[0].scorer.task: found \"ranking\", expected classification or regression"},
        {"models:\n  - scorer: {type: none, classes: [a]}\n",
         "2: models[0].scorer.classes: found 1 entries, expected 2 to 1000"},
        {"models:\n  - scorer: {type: none, classes: a}\n",
         "2: models[0].scorer.classes: found a single value, expected a list"},
        {MODEL "    columns: {key: a}\n", "8: models[0].columns.key: unknown key, expected one of "
                                          "id, timestamp, prediction, score, label"},
        {MODEL "    columns: a\n", "8: models[0].columns: found a single value, expected a mapping "
                                   "with the keys id, timestamp, prediction, score, label"},
        {MODEL "    detectors: [adwin, none]\n",
         "8: models[0].detectors[1]: found \"none\", expected adwin or ddm or eddm or hddm_a or "
         "hddm_w or page_hinkley or kswin or urn"},
        {MODEL "    detectors: []\n", "8: models[0].detectors: found 0 entries, expected 1 to 8"},
        {MODEL "    detectors: all\n",
         "8: models[0].detectors: found a single value, expected a list"},
        {MODEL "    streams: [{feature: MedInc}]\n",
         "8: models[0].streams[0]: the key \"detectors\" is missing"},
        {MODEL "    labels: {age: 1}\n", "8: models[0].labels.age: unknown key, expected one of "
                                         "capacity, max_age, window"},
        {MODEL "    labels: {capacity: many}\n",
         "8: models[0].labels.capacity: found \"many\", expected a whole number of at most 15 "
         "digits"},
        {"models:\n  - scorer: {weights: [{feature: x, weight: 1}]}\n",
         "2: models[0].scorer: the key \"type\" is missing"},
        {"models:\n  - scorer: {weights: [{feature: x}]}\n",
         "2: models[0].scorer.weights[0]: the key \"weight\" is missing"},
        {"models:\n  - scorer: {weights: [{feature: x, weight: .inf}]}\n",
         "2: models[0].scorer.weights[0].weight: found \".inf\", expected a number"},
    };
    char detail[ERROR_BYTES];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        refuse(cases[i].text, cases[i].detail);
    snprintf(detail, sizeof(detail), "8: models[0].treshold: unknown key, expected one of %s",
             model_keys);
    refuse(MODEL "    treshold: 0.3\n", detail);
    snprintf(detail, sizeof(detail),
             "1: models[0]: found a single value, expected a mapping with the keys %s", model_keys);
    refuse("models: [a]\n", detail);
}

static void test_meaning(void **state)
{
    static const struct {
        const char *text, *detail;
    } cases[] = {
        {"listen: 8000\n" MODEL, "1: listen: found \"8000\", expected ADDRESS:PORT such as "
                                 "127.0.0.1:8000"},
        {"listen: 1.2.3.4:99999\n" MODEL, "1: listen: found \"1.2.3.4:99999\", expected "
                                          "ADDRESS:PORT such as 127.0.0.1:8000"},
        {MODEL "    version: ''\n", "8: models[0].version: found \"\", expected 1 to 64 bytes "
                                    "without control characters"},
        {MODEL "    version: \"a\\nb\"\n", "8: models[0].version: found \"a?b\", expected 1 to 64 "
                                           "bytes without control characters"},
        {MODEL "    window: {}\n", "8: models[0].window: found neither observations nor duration, "
                                   "expected one of them"},
        {MODEL "    window: {observations: 100, duration: 1h}\n",
         "8: models[0].window: found both observations and duration, expected one of them"},
        {MODEL "    window:\n      observations: 0\n",
         "9: models[0].window.observations: found \"0\", expected 1 to 10000000"},
        {MODEL "    window: {observations: 10000001}\n",
         "8: models[0].window.observations: found \"10000001\", expected 1 to 10000000"},
        {MODEL "    window: {duration: 15}\n", "8: models[0].window.duration: found \"15\", "
                                               "expected a duration such as 15m, 90s or 1h30m"},
        {MODEL "    window: {duration: 10ms}\n",
         "8: models[0].window.duration: found \"10ms\", expected 60ms to 366d"},
        {MODEL "    window: {duration: 367d}\n",
         "8: models[0].window.duration: found \"367d\", expected 60ms to 366d"},
        {MODEL "    minimum_sample: 0\n",
         "8: models[0].minimum_sample: found \"0\", expected 1 to 10000000"},
        {MODEL "    minimum_sample: 1001\n",
         "8: models[0].minimum_sample: the minimum sample is 1001, expected at most the 1000 "
         "observations of the window"},
        {MODEL "    window:\n      observations: 20\n",
         "9: models[0].window.observations: the minimum sample is 50 (the default), expected at "
         "most the 20 observations of the window"},
        {MODEL "    thresholds: {warning: -1}\n",
         "8: models[0].thresholds.warning: found \"-1\", expected a number above 0"},
        {MODEL "    thresholds: {warning: nan}\n",
         "8: models[0].thresholds.warning: found \"nan\", expected a number"},
        {MODEL "    thresholds: {critical: 0}\n",
         "8: models[0].thresholds.critical: found \"0\", expected a number above 0"},
        {MODEL "    thresholds:\n      critical: 0.5\n      warning: 0.5\n",
         "10: models[0].thresholds.warning: found warning 0.5 and critical 0.5, expected warning "
         "below critical"},
        {MODEL "    thresholds: {warning: 0.6}\n",
         "8: models[0].thresholds.warning: found warning 0.6 and critical 0.5 (the default), "
         "expected warning below critical"},
        {MODEL "    thresholds: {critical: 0.2}\n",
         "8: models[0].thresholds.critical: found warning 0.3 (the default) and critical 0.2, "
         "expected warning below critical"},
        {MODEL "    false_pages: {per: 90}\n",
         "8: models[0].false_pages.per: found \"90\", expected a duration such as 90d, 7d or 12h"},
        {MODEL "    false_pages: {per: 59m}\n",
         "8: models[0].false_pages.per: found \"59m\", expected 1h to 3660d"},
        {MODEL "    false_pages: {at_most: 0}\n",
         "8: models[0].false_pages.at_most: found \"0\", expected 0.001 to 1000"},
        {MODEL "    materiality: -1\n",
         "8: models[0].materiality: found \"-1\", expected a number of deviations, 0 to 100"},
        {MODEL "    significance: 0\n",
         "8: models[0].significance: found \"0\", expected a number between 0 and 1"},
        {MODEL "    significance: 1\n",
         "8: models[0].significance: found \"1\", expected a number between 0 and 1"},
        {MODEL "    reference_resolution: 1\n", "8: models[0].reference_resolution: found \"1\", "
                                                "expected 2 to 10000000, or 0 for every value"},
        {MODEL "    bins: 1\n", "8: models[0].bins: found \"1\", expected 2 to 64"},
        {MODEL "    bins: 65\n", "8: models[0].bins: found \"65\", expected 2 to 64"},
        {MODEL "  - name: housing\n    reference: r\n    features: [{name: x}]\n"
               "    scorer: {type: logistic, weights: [{feature: x, weight: 1}]}\n",
         "8: models[1].name: \"housing\" is the name of models[0] too, expected different names"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        refuse(cases[i].text, cases[i].detail);
}

/* MODEL with this scorer instead, in line 5. */
static void refuse_scorer(const char *scorer, const char *detail)
{
    char text[1024];

    snprintf(text, sizeof(text), "%.*s    scorer: %s\n",
             (int)(strstr(MODEL, "    scorer:") - MODEL), MODEL, scorer);
    refuse(text, detail);
}

static void test_scorers(void **state)
{
    static const struct {
        const char *scorer, *detail;
    } cases[] = {
        {"{type: logistic}",
         "5: models[0].scorer: found neither weights nor file, expected one of them"},
        {"{type: logistic, file: w.json, weights: [{feature: MedInc, weight: 1}]}",
         "5: models[0].scorer.weights: does not belong to a scorer of type logistic with a file, "
         "expected only type, file"},
        {"{type: logistic, file: w.json, intercept: 1}",
         "5: models[0].scorer.intercept: does not belong to a scorer of type logistic with a file, "
         "expected only type, file"},
        {"{type: logistic, file: w.json, classes: [a, b]}",
         "5: models[0].scorer.classes: does not belong to a scorer of type logistic with a file, "
         "expected only type, file"},
        {"{type: logistic, task: regression, weights: [{feature: MedInc, weight: 1}]}",
         "5: models[0].scorer.task: does not belong to a scorer of type logistic, expected only "
         "type, weights, intercept, classes"},
        {"{type: logistic, weights: [{feature: MedInc, weight: 1}], classes: [a, b, c]}",
         "5: models[0].scorer.classes: found 3 entries, expected 2"},
        {"{type: xgboost}", "5: models[0].scorer: the key \"file\" is missing"},
        {"{type: xgboost, file: ''}",
         "5: models[0].scorer.file: found \"\", expected the path of a model file"},
        {"{type: xgboost, file: m.json, weights: [{feature: MedInc, weight: 1}]}",
         "5: models[0].scorer.weights: does not belong to a scorer of type xgboost, expected only "
         "type, file, classes"},
        {"{type: xgboost, file: m.json, intercept: 0}",
         "5: models[0].scorer.intercept: does not belong to a scorer of type xgboost, expected "
         "only type, file, classes"},
        {"{type: none, file: m.json}", "5: models[0].scorer.file: does not belong to a scorer of "
                                       "type none, expected only type, task, classes, score"},
        {"{type: none, classes: [no, yes, no]}",
         "5: models[0].scorer.classes[2]: \"no\" is classes[0] too, expected different classes"},
        {"{type: none, classes: [no, '']}", "5: models[0].scorer.classes[1]: found \"\", expected "
                                            "1 to 128 bytes without control characters"},
        {"{type: none, task: regression, classes: [a, b]}",
         "5: models[0].scorer.classes: a regression has no classes, expected only type, task"},
        {"{type: none}\n    simulation: true",
         "6: models[0].simulation: found \"true\", expected false, as a scorer of type none "
         "predicts nothing"},
        {"{type: none, task: regression}\n    columns: {prediction: p, score: s}",
         "6: models[0].columns.score: a regression has no score, expected prediction"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        refuse_scorer(cases[i].scorer, cases[i].detail);
}

static void test_scorers_taken(void **state)
{
    struct config config;
    const struct config_model *model;
    char expected[128];

    (void)state;
#define BEGIN "  - {reference: r, features: [{name: x}], "
    accept("models:\n"                                                                         /* */
           BEGIN "name: a, scorer: {type: logistic, file: sub/w.json}}\n"                      /* */
           BEGIN "name: b, scorer: {type: xgboost, file: /m.ubj}}\n"                           /* */
           BEGIN "name: c, scorer: {type: xgboost, file: m.json, classes: [no, yes, null]}}\n" /* */
           BEGIN "name: d, scorer: {type: none}}\n"                                            /* */
           BEGIN "name: e, scorer: {type: none, task: regression}}\n"                          /* */
           BEGIN "name: f, scorer: {type: none, task: classification, classes: [1, 0]}}\n"     /* */
           BEGIN "name: g, scorer: {type: logistic, classes: [0, 1],\n"
           "  weights: [{feature: x, weight: 2}]}}\n",
           &config);
#undef BEGIN
    model = config.models;
    snprintf(expected, sizeof(expected), "%s/sub/w.json", folder);
    assert_int_equal(model[0].scorer.type, CONFIG_SCORER_LOGISTIC);
    assert_string_equal(model[0].scorer.file, expected);
    assert_null(model[0].scorer.weights);
    assert_int_equal(model[1].scorer.type, CONFIG_SCORER_XGBOOST);
    assert_string_equal(model[1].scorer.file, "/m.ubj");
    assert_int_equal(model[1].scorer.class_count, 0);
    assert_int_equal(model[2].scorer.class_count, 3);
    assert_string_equal(model[2].scorer.classes[0], "no");
    assert_string_equal(model[2].scorer.classes[2], "null");
    assert_int_equal(model[3].scorer.type, CONFIG_SCORER_NONE);
    assert_null(model[3].scorer.file);
    assert_int_equal(model[3].scorer.task, CONFIG_TASK_CLASSIFICATION);
    assert_int_equal(model[4].scorer.task, CONFIG_TASK_REGRESSION);
    assert_string_equal(model[5].scorer.classes[0], "1");
    assert_int_equal(model[6].scorer.class_count, 2);
    assert_true(model[6].scorer.weights[0] == 2.0);
    config_finish(&config);
}

static void test_output(void **state)
{
    static const struct {
        const char *text, *detail;
    } cases[] = {
        {MODEL "    columns: {id: MedInc}\n", "8: models[0].columns.id: \"MedInc\" is one of the "
                                              "model's features, expected another column"},
        {MODEL "    columns: {label: ''}\n", "8: models[0].columns.label: found \"\", expected 1 "
                                             "to 128 bytes without control characters"},
        {MODEL "    columns:\n      prediction: y\n      label: y\n",
         "10: models[0].columns.label: \"y\" is the column of the prediction too, expected another "
         "column"},
        {MODEL "    labels: {capacity: 0}\n",
         "8: models[0].labels.capacity: found \"0\", expected 1 to 10000000"},
        {MODEL "    labels: {window: 1000001}\n",
         "8: models[0].labels.window: found \"1000001\", expected 1 to 1000000"},
        {MODEL "    labels: {max_age: 7}\n", "8: models[0].labels.max_age: found \"7\", expected a "
                                             "duration such as 7d, 12h or 1h30m"},
        {MODEL "    labels: {max_age: 999ms}\n",
         "8: models[0].labels.max_age: found \"999ms\", expected 1s to 366d"},
        {MODEL "    detectors: [ddm, adwin, ddm]\n",
         "8: models[0].detectors[2]: found \"ddm\", expected each detector once"},
        {MODEL "    streams: [{feature: Ocean, detectors: [kswin]}]\n",
         "8: models[0].streams[0].feature: \"Ocean\" is categorical, expected a numeric feature or "
         "prediction"},
        {MODEL "    streams: [{feature: x, detectors: [kswin]}]\n",
         "8: models[0].streams[0].feature: found \"x\", expected one of the model's features, or "
         "prediction"},
        {MODEL "    streams:\n      - {feature: prediction, detectors: [kswin]}\n"
               "      - {feature: prediction, detectors: [adwin]}\n",
         "10: models[0].streams[1].feature: \"prediction\" is the feature of streams[0] too, "
         "expected one stream for each"},
        {MODEL "    streams: [{feature: MedInc, detectors: [kswin, kswin]}]\n",
         "8: models[0].streams[0].detectors[1]: found \"kswin\", expected each detector once"},
    };
    struct config config;
    const struct config_model *model;

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        refuse(cases[i].text, cases[i].detail);
    accept(MODEL "    columns: {id: a, timestamp: b, prediction: c, score: d, label: e}\n"
                 "    labels: {capacity: 5, max_age: 12h, window: 7}\n"
                 "    detectors: [kswin, adwin]\n"
                 "    streams: [{feature: prediction, detectors: [ddm]},\n"
                 "              {feature: MedInc, detectors: [page_hinkley, adwin]}]\n",
           &config);
    model = &config.models[0];
    assert_string_equal(model->columns.id, "a");
    assert_string_equal(model->columns.timestamp, "b");
    assert_string_equal(model->columns.prediction, "c");
    assert_string_equal(model->columns.score, "d");
    assert_string_equal(model->columns.label, "e");
    assert_int_equal(model->labels.capacity, 5);
    assert_int_equal(model->labels.max_age_ms, 12 * 3600 * 1000);
    assert_int_equal(model->labels.window, 7);
    assert_int_equal(model->detectors, 1u << CONFIG_KSWIN | 1u << CONFIG_ADWIN);
    assert_int_equal(model->stream_count, 2);
    assert_true(model->streams[0].feature == CONFIG_STREAM_PREDICTION);
    assert_int_equal(model->streams[0].detectors, 1u << CONFIG_DDM);
    assert_int_equal(model->streams[1].feature, 0);
    assert_int_equal(model->streams[1].detectors, 1u << CONFIG_PAGE_HINKLEY | 1u << CONFIG_ADWIN);
    config_finish(&config);
}

static void test_feature_thresholds(void **state)
{
    static const struct {
        const char *thresholds, *detail;
    } cases[] = {
        {"{warning: -1}", "5: models[0].features[0].thresholds.warning: found \"-1\", expected a "
                          "number above 0"},
        {"{critical: 0}", "5: models[0].features[0].thresholds.critical: found \"0\", expected a "
                          "number above 0"},
        {"{warning: 0.5}",
         "5: models[0].features[0].thresholds.warning: found warning 0.5 and critical 0.4 (the "
         "model's), expected warning below critical"},
        {"{critical: 0.1}",
         "5: models[0].features[0].thresholds.critical: found warning 0.2 (the model's) and "
         "critical 0.1, expected warning below critical"},
        {"{limit: 1}", "5: models[0].features[0].thresholds.limit: unknown key, expected one of "
                       "warning, critical"},
    };
    static const char format[] = "models:\n  - name: a\n    reference: r\n    features:\n"
                                 "    - {name: x, thresholds: %s}\n    - {name: y}\n"
                                 "    scorer: {type: none}\n"
                                 "    thresholds: {warning: 0.2, critical: 0.4}\n";
    struct config config;
    char text[400];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        snprintf(text, sizeof(text), format, cases[i].thresholds);
        refuse(text, cases[i].detail);
    }
    snprintf(text, sizeof(text), format, "{warning: 0.3}");
    accept(text, &config);
    assert_true(config.models[0].features[0].warning_threshold == 0.3);
    assert_true(config.models[0].features[0].critical_threshold == 0.0);
    assert_true(config.models[0].features[1].warning_threshold == 0.0);
    config_finish(&config);
}

/* A model of this name, reference, features and weights. */
static void refuse_model(const char *name, const char *reference, const char *features,
                         const char *weights, const char *detail)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "models:\n  - name: %s\n    reference: %s\n    features:\n%s\n    scorer:\n"
             "      type: logistic\n      weights:\n%s\n",
             name, reference, features, weights);
    refuse(text, detail);
}

static void test_names(void **state)
{
    static const char long_name[] =
        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg";
    static const char x[] = "    - {name: x}", w[] = "      - {feature: x, weight: 1}";
    static const char *const names[] = {"a/b", "''", "\"a b\"", ".", "..", "é"};
    static const char *const shown[] = {"a/b", "", "a b", ".", "..", "é"};
    char feature[200] = "    - name: ", detail[400];

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        snprintf(detail, sizeof(detail),
                 "2: models[0].name: found \"%s\", expected 1 to 64 letters, digits, '.', '_' or "
                 "'-', not \".\" or \"..\"",
                 shown[i]);
        refuse_model(names[i], "r", x, w, detail);
    }
    snprintf(detail, sizeof(detail),
             "2: models[0].name: found \"%.64s...\", expected 1 to 64 letters, digits, '.', '_' or "
             "'-', not \".\" or \"..\"",
             long_name);
    refuse_model(long_name, "r", x, w, detail);
    refuse_model("a", "''", x, w,
                 "3: models[0].reference: found \"\", expected the path of a CSV file");
    refuse_model("a", "r", "    - name: ''", w,
                 "5: models[0].features[0].name: found \"\", expected 1 to 128 bytes without "
                 "control characters");
    refuse_model("a", "r", "    - name: x\n    - name: \"x\\ty\"", w,
                 "6: models[0].features[1].name: found \"x?y\", expected 1 to 128 bytes without "
                 "control characters");
    refuse_model("a", "r", "    - name: \"\\u0085\"", w,
                 "5: models[0].features[0].name: found \"\xc2\x85\", expected 1 to 128 bytes "
                 "without control characters");
    memset(feature + strlen(feature), 'x', 129);
    refuse_model("a", "r", feature, w,
                 "5: models[0].features[0].name: found "
                 "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\", "
                 "expected 1 to 128 bytes without control characters");
    refuse_model("a", "r", "    - name: prediction", w,
                 "5: models[0].features[0].name: \"prediction\" is the name of the model's own "
                 "output, expected another name");
    refuse_model("a", "r", "    - name: x\n    - name: prediction_score", w,
                 "6: models[0].features[1].name: \"prediction_score\" is the name of the model's "
                 "own output, expected another name");
    refuse_model("a", "r", "    - name: x\n    - name: y\n    - name: x", w,
                 "7: models[0].features[2].name: \"x\" is the name of features[0] too, expected "
                 "different names");
}

static void test_weights(void **state)
{
    static const char features[] = "    - {name: x}\n    - {name: c, type: categorical}";
    struct config config;

    (void)state;
    refuse_model("a", "r", features, "      - {feature: z, weight: 1}",
                 "10: models[0].scorer.weights[0].feature: found \"z\", expected one of the "
                 "model's features");
    refuse_model("a", "r", features, "      - {feature: c, weight: 1}",
                 "10: models[0].scorer.weights[0].feature: \"c\" is categorical and cannot have a "
                 "weight, expected a numeric feature");
    refuse_model("a", "r", features,
                 "      - {feature: x, weight: 1}\n      - {feature: x, weight: 2}",
                 "11: models[0].scorer.weights[1].feature: \"x\" has a weight already, in "
                 "weights[0]");
    accept("models: [{name: a, reference: r, features: [{name: c, type: categorical}],\n"
           "  scorer: {type: logistic, weights: [{feature: c, weight: 0}]}}]\n",
           &config);
    assert_true(config.models[0].scorer.weights[0] == 0.0);
    config_finish(&config);
}

static void test_alias(void **state)
{
    struct config config;

    (void)state;
    accept("models:\n"
           "  - name: a\n    reference: r\n    features: &f [{name: x}]\n"
           "    scorer: &s {type: logistic, weights: [{feature: x, weight: 1}]}\n"
           "  - name: b\n    reference: r\n    features: *f\n    scorer: *s\n",
           &config);
    assert_string_equal(config.models[1].features[0].name, "x");
    assert_true(config.models[1].scorer.weights[0] == 1.0);
    config_finish(&config);
    refuse("models: &m [*m]\n",
           "1: models[0]: found a list, expected a mapping with the keys name, version, "
           "reference, delimiter, decimal, features, scorer, columns, window, minimum_sample, "
           "thresholds, significance, "
           "false_pages, materiality, discount, bins, reference_resolution, simulation, labels, "
           "detectors, "
           "streams");
}

/* The key is long, the path is long, the line still is one and ends in time. */
static void test_long_error(void **state)
{
    char text[3000] = "";
    struct error error = {""};
    struct config config;

    (void)state;
    memset(text, '\xc3', 2);
    for (size_t i = 0; i < 2000; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    strcpy(text + 1000, ": 1\n");
    write_file(text, strlen(text));
    assert_int_equal(config_load(path, &config, &error), -EINVAL);
    assert_null(strchr(error.text, '\n'));
    assert_non_null(strstr(error.text, "...: unknown key, expected one of listen, state, models"));
}

static void test_too_many(void **state)
{
    char *text = malloc(100000), *end;

    (void)state;
    assert_non_null(text);
    end = stpcpy(text, "models:\n");
    for (size_t i = 0; i < CONFIG_MAX_MODELS + 1; i++)
        end = stpcpy(end, "  - a\n");
    refuse(text, "1: models: found 101 entries, expected 1 to 100");
    end = stpcpy(text, "models:\n  - name: a\n    features:\n");
    for (size_t i = 0; i < CONFIG_MAX_FEATURES + 1; i++)
        end += sprintf(end, "    - name: x%zu\n", i);
    refuse(text, "3: models[0].features: found 1001 entries, expected 1 to 1000");
    free(text);
}

static void test_too_large(void **state)
{
    size_t bytes = (16u << 20) + 1;
    char *text = malloc(bytes);

    (void)state;
    assert_non_null(text);
    memset(text, '\n', bytes);
    refuse_bytes(text, bytes, " the file is larger than 16 MiB");
    free(text);
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"15m", 900000}, {"90s", 90000},    {"1h30m", 5400000},
        {"500ms", 500},  {"2d", 172800000}, {"1d2h3m4s5ms", 93784005},
        {"0s", 0},       {"007m", 420000},  {"999999999d", INT64_C(999999999) * 86400000},
    };
    static const char *const wrong[] = {"",     "15",    "m",           "15M", "1.5h", "-1h",
                                        "1m1h", "1m1m",  "1 m",         "1hm", "1h ",  "1w",
                                        "1mss", "1ms1s", "1000000000d", "+1h", "1h30"};
    int64_t ms = -7;

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        if (config_parse_duration(wrong[i], &ms) != -EINVAL || ms != -7)
            fail_msg("\"%s\" is taken for %lld ms", wrong[i], (long long)ms);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_int_equal(config_parse_duration(cases[i].text, &ms), 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void replay(const char *name, const char *bytes, size_t length)
{
    struct error error = {""};
    struct config config;
    int r;

    write_file(bytes, length);
    r = config_load(path, &config, &error);
    if (r == 0)
        config_finish(&config);
    else if (r != -EINVAL || strncmp(error.text, path, strlen(path)) != 0 ||
             strchr(error.text, '\n'))
        fail_msg("%s: %d %s", name, r, error.text);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("config", replay) >= 10);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_config_XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/drift.yml", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return unlink(path) < 0 || rmdir(folder) < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),  cmocka_unit_test(test_everything_given),
        cmocka_unit_test(test_files),     cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_shape),     cmocka_unit_test(test_meaning),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_weights),
        cmocka_unit_test(test_scorers),   cmocka_unit_test(test_scorers_taken),
        cmocka_unit_test(test_output),    cmocka_unit_test(test_feature_thresholds),
        cmocka_unit_test(test_alias),     cmocka_unit_test(test_long_error),
        cmocka_unit_test(test_too_many),  cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_durations), cmocka_unit_test(test_corpus),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
