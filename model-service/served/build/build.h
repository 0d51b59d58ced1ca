/* build.h - how a served model is made from its configuration and its files. */
#ifndef SERVED_BUILD_BUILD_H
#define SERVED_BUILD_BUILD_H

#include "csv/csv.h"
#include "served/internal.h"

/* Creates the scorer, if the configuration has one, and takes its type. 0, or -EINVAL, -ENOMEM or
 * an error of the files, with error. */
int served_model_create_scorer(struct served_model *model, const struct config_model *config,
                               char error[SERVED_MODEL_ERROR_BYTES]);

/* --- the reference's columns, served/build/columns.c --- */

/* What else than the features is read of the reference. */
struct extra_columns {
    const struct csv_column *prediction, *score, *label;
};
#define EXTRA_COLUMNS 3
struct extra_columns reference_columns_extra(const struct config_model *config,
                                             const struct csv_column *columns);
/* Reads the features' columns, then those. type: what kind of column a prediction is. */
int reference_columns_read(const struct config_model *config, enum prediction_type type,
                           struct csv_table *table, char error[SERVED_MODEL_ERROR_BYTES]);
/* Names the model's classes: the configuration's, the scorer's, or those of the predictions read.
 */
int reference_columns_classes(struct served_model *model, const struct config_model *config,
                              const struct csv_table *table, char error[SERVED_MODEL_ERROR_BYTES]);
/* The predictions read, under the model's names of classes, and what the scorer adds to them. */
int reference_columns_predictions(const struct served_model *model,
                                  const struct config_model *config, const struct csv_table *table,
                                  struct reference_predictions *predictions,
                                  char error[SERVED_MODEL_ERROR_BYTES]);

/* Scores rows of the reference for what `predictions` has not got yet. numbers, texts: [features],
 * one of the two per feature. 0, -ENOMEM, -EIO. */
int reference_predictions_score(const struct served_model *model, const double *const *numbers,
                                const char *const *const *texts, size_t rows,
                                struct reference_predictions *predictions);
void reference_predictions_finish(struct reference_predictions *predictions);

/* Creates the detector: spec's features and then the predictions', with room for two more in
 * spec->features. 0 or the detector's error. */
int served_model_create_detector(struct served_model *model, struct detector_feature *features,
                                 struct detector_spec *spec,
                                 const struct reference_predictions *predictions);
/* The warning threshold from the environment, where there is one. 0, or -EINVAL with error. */
int served_model_override(const char *model, double *threshold, double warning_override,
                          char error[SERVED_MODEL_ERROR_BYTES]);

#endif
