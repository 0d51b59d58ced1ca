/* build.h - how a served model is made from its configuration and its files, for the files of
 * served/build/ alone. */
#ifndef SERVED_BUILD_BUILD_H
#define SERVED_BUILD_BUILD_H

#include "config/config.h"
#include "csv/csv.h"
#include "served/parts.h"
#include "text/error.h"

/* --- scorer.c --- */

/* Creates the scorer, if the configuration has one, and takes its type. 0, or -EINVAL, -ENOMEM or
 * an error of the files, with error. */
NODISCARD int model_create_scorer(struct model_definition *definition,
                                  const struct config_model *config, struct error *error);

/* --- columns.c --- */

/* What else than the features is read of the reference. */
struct extra_columns {
    struct csv_column *prediction, *score, *label, *timestamp;
};
#define EXTRA_COLUMNS 4
struct extra_columns reference_columns_extra(const struct config_model *config,
                                             struct csv_column *columns);
/* Reads the features' columns, then those. type: what kind of column a prediction is. */
NODISCARD int reference_columns_read(const struct config_model *config, enum prediction_type type,
                                     struct csv_table *table, struct error *error);
/* Names the model's classes: the configuration's, the scorer's, or those of the predictions read.
 */
NODISCARD int reference_columns_classes(struct model_definition *definition,
                                        const struct config_model *config,
                                        const struct csv_table *table, struct error *error);

/* The model's output on its reference: what its predictions are compared with. */
struct reference_predictions {
    size_t rows;
    const char **class_text; /* [rows], NULL missing; or NULL: none */
    double *value;           /* [rows], NaN missing; or NULL: none */
    double *score;
    double *outputs; /* [rows * classes] of a multi-class scorer, NaN missing; or NULL; owned */
    bool owned_class, owned_value, owned_score; /* made here, and not of a table */
    bool translated_class;                      /* of a table, under the model's names; owned */
};

/* The predictions read, under the model's names of classes, and what the scorer adds to them.
 * Scores of the table are turned into probabilities in place. */
NODISCARD int reference_columns_predictions(const struct model_definition *definition,
                                            const struct config_model *config,
                                            const struct csv_table *table,
                                            struct reference_predictions *predictions,
                                            struct error *error);

/* --- warnings.c --- */

/* Tells settings->warn what is to be known about the model's file. scorer may be NULL. */
void scorer_warn(const struct config_model *config, const struct scorer *scorer,
                 const struct served_model_settings *settings);

/* Tells settings->warn what of the reference is probably not meant: whole numbers that a double
 * merges, codes read as numbers, categories that a number in a request can never name. O(rows). */
void reference_warn(const struct config_model *config, const struct csv_table *table,
                    const struct served_model_settings *settings);

/* --- reference.c --- */

/* Scores rows of the reference for what `predictions` has not got yet. numbers, texts: [features],
 * one of the two per feature. 0, -ENOMEM, -EIO. */
NODISCARD int reference_predictions_score(const struct model_definition *definition,
                                          const double *const *numbers,
                                          const char *const *const *texts, size_t rows,
                                          struct reference_predictions *predictions);
void reference_predictions_finish(struct reference_predictions *predictions);

/* Creates the detector: spec's features and then the predictions', with room for two more in
 * spec->features. 0 or the detector's error. */
NODISCARD int model_create_detector(struct model_parts *parts, struct detector_feature *features,
                                    struct detector_spec *spec,
                                    const struct reference_predictions *predictions);

/* --- changes.c --- */

/* In which order the rows of a reference came. */
struct reference_order {
    bool known;
    uint32_t *row; /* [rows] by time; NULL: as they are */
};
/* By the column of timestamps, if there is one that can be read; warns if it cannot. order: its
 * rows are to be freed. 0 or -ENOMEM. */
NODISCARD int reference_order_read(const struct config_model *config, struct csv_table *table,
                                   const struct served_model_settings *settings,
                                   struct reference_order *ret_order);
/* Creates the monitor of changes, after the detector: of the same features. 0 or the monitor's
 * error. */
NODISCARD int model_create_changes(struct model_parts *parts, const struct detector_spec *spec,
                                   const struct reference_order *order,
                                   enum config_discount discount, const struct change_rule *rule);

/* --- concept.c --- */

/* What labels are kept and judged by. */
struct label_settings {
    size_t capacity, window;
    int64_t max_age_ms;
    unsigned detectors;
    double significance;
    uint64_t minimum_sample;
};
/* The truth about the reference's rows: one of the two, or neither. */
struct reference_labels {
    const char *const *text; /* [rows], NULL missing */
    const double *number;    /* [rows], NaN missing */
};
/* Creates the concept monitor. 0; -E2BIG (too many classes for the capacity), -ENOMEM, -EINVAL. */
NODISCARD int model_create_concept(struct model_parts *parts, const struct label_settings *settings,
                                   const struct reference_predictions *predictions,
                                   const struct reference_labels *labels);

/* --- levels.c --- */

/* What a detector is created or retuned with. features: [feature_count + 2], to be freed; NULL if
 * allocation fails. */
struct detector_feature *configured_features(const struct config_model *config);
struct detector_spec configured_spec(const struct config_model *config);
struct change_rule configured_changes(const struct config_model *config);
/* Puts the warning threshold from the environment in place of the configured ones, if there is one:
 * also of a feature that has only a critical threshold of its own. 0, or -EINVAL with error. */
NODISCARD int configured_override(const struct config_model *config, struct detector_spec *spec,
                                  double warning_override, struct error *error);
/* The same for one pair of thresholds. model: its name. */
NODISCARD int override_warning(const char *model, double threshold[SEVERITY_COUNT],
                               double warning_override, struct error *error);

/* --- simulation.c --- */

/* Copies what simulated rows are drawn from. 0 or -ENOMEM. */
NODISCARD int simulation_prepare(struct model_definition *definition,
                                 const struct csv_table *table);

#endif
