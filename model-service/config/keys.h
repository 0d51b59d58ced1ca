/* keys.h - the keys of a configuration: the schema, and the structures libcyaml fills from
 * it; for config*.c alone. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config/file.h"

#include <stdint.h>

/* Pointers are NULL, counts 0, where a key is absent. */
struct raw_thresholds {
    double *warning, *critical;
};
struct raw_feature {
    char *name;
    unsigned type; /* 1: categorical */
    struct raw_thresholds *thresholds;
};
struct raw_weight {
    char *feature;
    double weight;
};
struct raw_scorer {
    unsigned type; /* enum config_scorer_type */
    double *intercept;
    struct raw_weight *weights;
    unsigned weights_count;
    char *file;
    unsigned *task;  /* enum config_task */
    unsigned *score; /* enum config_score */
    char **classes;
    unsigned classes_count;
};
struct raw_columns {
    char *id, *timestamp, *prediction, *score, *label;
};
struct raw_window {
    uint64_t *observations;
    char *duration;
};
struct raw_labels {
    uint64_t *capacity;
    char *max_age;
    uint64_t *window;
};
struct raw_false_pages {
    double *at_most;
    char *per;
};
struct raw_stream {
    char *feature;
    unsigned *detectors; /* enum config_detector */
    unsigned detectors_count;
};
struct raw_model {
    char *name, *version, *reference;
    unsigned *delimiter, *decimal; /* the characters */
    struct raw_feature *features;
    unsigned features_count;
    struct raw_scorer scorer;
    struct raw_columns *columns;
    struct raw_window *window;
    uint64_t *minimum_sample;
    struct raw_thresholds *thresholds;
    double *significance;
    struct raw_false_pages *false_pages;
    double *materiality;
    unsigned *discount; /* enum config_discount */
    uint64_t *reference_resolution, *bins;
    bool simulation;
    struct raw_labels *labels;
    unsigned *detectors; /* enum config_detector */
    unsigned detectors_count;
    struct raw_stream *streams;
    unsigned streams_count;
};
struct raw_config {
    char *listen;
    char *state;
    struct raw_model *models;
    unsigned models_count;
};

/* Of the whole file: a pointer to a struct raw_config. */
extern const cyaml_schema_value_t config_schema;

#endif
