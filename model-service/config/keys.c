/* keys.c - the keys of a configuration as a libcyaml schema: the one table that its
 * parsing, its checks and its error texts are driven by. */
#include "config/keys.h"

#include "config/config.h"

static const cyaml_strval_t feature_types[] = {{"numeric", 0}, {"categorical", 1}};
static const cyaml_strval_t scorer_types[] = {{"logistic", CONFIG_SCORER_LOGISTIC},
                                              {"xgboost", CONFIG_SCORER_XGBOOST},
                                              {"lightgbm", CONFIG_SCORER_LIGHTGBM},
                                              {"scikit-learn", CONFIG_SCORER_SCIKIT_LEARN},
                                              {"none", CONFIG_SCORER_NONE}};
static const cyaml_strval_t tasks[] = {{"classification", CONFIG_TASK_CLASSIFICATION},
                                       {"regression", CONFIG_TASK_REGRESSION}};
static const cyaml_strval_t scores[] = {{"probability", CONFIG_SCORE_PROBABILITY},
                                        {"margin", CONFIG_SCORE_MARGIN}};
static const cyaml_strval_t discounts[] = {{"reference", CONFIG_DISCOUNT_REFERENCE},
                                           {"live", CONFIG_DISCOUNT_LIVE},
                                           {"none", CONFIG_DISCOUNT_NONE}};
static const cyaml_strval_t delimiters[] = {
    {"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"pipe", '|'}};
static const cyaml_strval_t decimals[] = {{"point", '.'}, {"comma", ','}};
static const cyaml_strval_t detectors[] = {
    {"adwin", CONFIG_ADWIN},   {"ddm", CONFIG_DDM},       {"eddm", CONFIG_EDDM},
    {"hddm_a", CONFIG_HDDM_A}, {"hddm_w", CONFIG_HDDM_W}, {"page_hinkley", CONFIG_PAGE_HINKLEY},
    {"kswin", CONFIG_KSWIN},   {"urn", CONFIG_URN}};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define REQUIRED      CYAML_FLAG_DEFAULT
#define OPTIONAL      CYAML_FLAG_OPTIONAL
#define POINTER       CYAML_FLAG_POINTER
#define STRICT        CYAML_FLAG_STRICT

#define STRING(key, flags, type, member)                                                           \
    CYAML_FIELD_STRING_PTR(key, (flags) | POINTER, struct type, member, 0, CYAML_UNLIMITED)
#define WORD(key, flags, type, member, words)                                                      \
    CYAML_FIELD_ENUM(key, (flags) | STRICT, struct type, member, words, LENGTH(words))
#define OPTIONAL_WORD(key, type, member, words)                                                    \
    CYAML_FIELD_ENUM_PTR(key, OPTIONAL | POINTER | STRICT, struct type, member, words,             \
                         LENGTH(words))
#define FLOAT(key, type, member) CYAML_FIELD_FLOAT_PTR(key, OPTIONAL | POINTER, struct type, member)
#define COUNT(key, type, member) CYAML_FIELD_UINT_PTR(key, OPTIONAL | POINTER, struct type, member)
#define MAPPING(key, type, member, fields)                                                         \
    CYAML_FIELD_MAPPING_PTR(key, OPTIONAL | POINTER, struct type, member, fields)
#define LIST(key, flags, type, member, entry, min, max)                                            \
    CYAML_FIELD_SEQUENCE(key, (flags) | POINTER, struct type, member, &(entry), min, max)
#define ENTRY(type, fields)                                                                        \
    {                                                                                              \
        CYAML_VALUE_MAPPING(REQUIRED, struct type, fields)                                         \
    }

static const cyaml_schema_value_t text_entry = {
    CYAML_VALUE_STRING(POINTER, char, 0, CYAML_UNLIMITED)};
static const cyaml_schema_value_t detector_entry = {
    CYAML_VALUE_ENUM(STRICT, unsigned, detectors, LENGTH(detectors))};

static const cyaml_schema_field_t threshold_fields[] = {FLOAT("warning", raw_thresholds, warning),
                                                        FLOAT("critical", raw_thresholds, critical),
                                                        CYAML_FIELD_END};

static const cyaml_schema_field_t feature_fields[] = {
    STRING("name", REQUIRED, raw_feature, name),
    WORD("type", OPTIONAL, raw_feature, type, feature_types),
    MAPPING("thresholds", raw_feature, thresholds, threshold_fields), CYAML_FIELD_END};
static const cyaml_schema_value_t feature_entry = ENTRY(raw_feature, feature_fields);

static const cyaml_schema_field_t weight_fields[] = {
    STRING("feature", REQUIRED, raw_weight, feature),
    CYAML_FIELD_FLOAT("weight", REQUIRED, struct raw_weight, weight), CYAML_FIELD_END};
static const cyaml_schema_value_t weight_entry = ENTRY(raw_weight, weight_fields);

/* Which of these a type of scorer takes: config/check_scorer.c */
static const cyaml_schema_field_t scorer_fields[] = {
    WORD("type", REQUIRED, raw_scorer, type, scorer_types),
    FLOAT("intercept", raw_scorer, intercept),
    LIST("weights", OPTIONAL, raw_scorer, weights, weight_entry, 1, CONFIG_MAX_FEATURES),
    STRING("file", OPTIONAL, raw_scorer, file),
    OPTIONAL_WORD("task", raw_scorer, task, tasks),
    OPTIONAL_WORD("score", raw_scorer, score, scores),
    LIST("classes", OPTIONAL, raw_scorer, classes, text_entry, 2, CONFIG_MAX_CLASSES),
    CYAML_FIELD_END};

static const cyaml_schema_field_t column_fields[] = {
    STRING("id", OPTIONAL, raw_columns, id),
    STRING("timestamp", OPTIONAL, raw_columns, timestamp),
    STRING("prediction", OPTIONAL, raw_columns, prediction),
    STRING("score", OPTIONAL, raw_columns, score),
    STRING("label", OPTIONAL, raw_columns, label),
    CYAML_FIELD_END};

static const cyaml_schema_field_t window_fields[] = {
    COUNT("observations", raw_window, observations),
    STRING("duration", OPTIONAL, raw_window, duration), CYAML_FIELD_END};

static const cyaml_schema_field_t label_fields[] = {
    COUNT("capacity", raw_labels, capacity), STRING("max_age", OPTIONAL, raw_labels, max_age),
    COUNT("window", raw_labels, window), CYAML_FIELD_END};

static const cyaml_schema_field_t false_pages_fields[] = {
    FLOAT("at_most", raw_false_pages, at_most), STRING("per", OPTIONAL, raw_false_pages, per),
    CYAML_FIELD_END};

static const cyaml_schema_field_t stream_fields[] = {
    STRING("feature", REQUIRED, raw_stream, feature),
    LIST("detectors", REQUIRED, raw_stream, detectors, detector_entry, 1, LENGTH(detectors)),
    CYAML_FIELD_END};
static const cyaml_schema_value_t stream_entry = ENTRY(raw_stream, stream_fields);

static const cyaml_schema_field_t model_fields[] = {
    STRING("name", REQUIRED, raw_model, name),
    STRING("version", OPTIONAL, raw_model, version),
    STRING("reference", REQUIRED, raw_model, reference),
    OPTIONAL_WORD("delimiter", raw_model, delimiter, delimiters),
    OPTIONAL_WORD("decimal", raw_model, decimal, decimals),
    LIST("features", REQUIRED, raw_model, features, feature_entry, 1, CONFIG_MAX_FEATURES),
    CYAML_FIELD_MAPPING("scorer", REQUIRED, struct raw_model, scorer, scorer_fields),
    MAPPING("columns", raw_model, columns, column_fields),
    MAPPING("window", raw_model, window, window_fields),
    COUNT("minimum_sample", raw_model, minimum_sample),
    MAPPING("thresholds", raw_model, thresholds, threshold_fields),
    FLOAT("significance", raw_model, significance),
    MAPPING("false_pages", raw_model, false_pages, false_pages_fields),
    FLOAT("materiality", raw_model, materiality),
    OPTIONAL_WORD("discount", raw_model, discount, discounts),
    COUNT("bins", raw_model, bins),
    COUNT("reference_resolution", raw_model, reference_resolution),
    CYAML_FIELD_BOOL("simulation", OPTIONAL, struct raw_model, simulation),
    MAPPING("labels", raw_model, labels, label_fields),
    LIST("detectors", OPTIONAL, raw_model, detectors, detector_entry, 1, LENGTH(detectors)),
    LIST("streams", OPTIONAL, raw_model, streams, stream_entry, 1, CONFIG_MAX_FEATURES + 1),
    CYAML_FIELD_END};
static const cyaml_schema_value_t model_entry = ENTRY(raw_model, model_fields);

static const cyaml_schema_field_t root_fields[] = {
    STRING("listen", OPTIONAL, raw_config, listen), STRING("state", OPTIONAL, raw_config, state),
    LIST("models", REQUIRED, raw_config, models, model_entry, 1, CONFIG_MAX_MODELS),
    CYAML_FIELD_END};

const cyaml_schema_value_t config_schema = {
    CYAML_VALUE_MAPPING(POINTER, struct raw_config, root_fields)};
