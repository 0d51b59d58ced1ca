/* config_check.h - what a configuration must mean, beyond its shape; for config.c alone. */
#ifndef ADAPT_CONFIG_CHECK_H
#define ADAPT_CONFIG_CHECK_H

#include "adapt/config_file.h"

#include <stdint.h>

/* The file's content as libcyaml fills it. Pointers are NULL where a key is absent. */
struct raw_feature {
    char *name;
    unsigned type; /* 1: categorical */
};
struct raw_weight {
    char *feature;
    double weight;
};
struct raw_scorer {
    unsigned type;
    double intercept;
    struct raw_weight *weights;
    unsigned weights_count;
};
struct raw_window {
    uint64_t *observations;
    char *duration;
};
struct raw_thresholds {
    double *warning, *critical;
};
struct raw_model {
    char *name, *version, *reference;
    struct raw_feature *features;
    unsigned features_count;
    struct raw_scorer scorer;
    struct raw_window *window;
    uint64_t *minimum_sample;
    struct raw_thresholds *thresholds;
    double *significance;
    uint64_t *reference_resolution, *bins;
    bool simulation;
};
struct raw_config {
    char *listen;
    struct raw_model *models;
    unsigned models_count;
};

/* 0, -EINVAL with the first mistake, or -ENOMEM. */
int config_check(struct config_file *file, const struct raw_config *raw);

/* Index of a feature by name among the first `count`, or SIZE_MAX. */
size_t config_find_feature(const struct raw_model *model, const char *name);

#endif
