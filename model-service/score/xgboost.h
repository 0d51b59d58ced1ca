/* xgboost.h - trees of XGBoost, from a model file saved as JSON or UBJSON. The XGBoost library
 * stays behind this header. */
#ifndef SCORE_XGBOOST_H
#define SCORE_XGBOOST_H

#include "score/scorer.h"

/* Objectives: binary:logistic and binary:logitraw (probability of class 1), multi:softprob and
 * multi:softmax (probabilities), reg:... and count:poisson (the value). Outputs are the library's
 * own float32 numbers.
 *
 * Columns of the model find their features by name: of a numeric feature, or "feature=category" of
 * a categorical one, 1 where the row has the category and else 0 (also for a missing value). A
 * model without feature names takes the features in order, all numeric. A missing number is a
 * missing value of XGBoost's. features: borrowed for the call.
 *
 * 0; -EINVAL (not such a model, or features that do not fit), a negative errno of the file,
 * -ENOMEM; error: one sentence beginning with the path, written on failure. */
int xgboost_scorer_load(const char *path, const struct scorer_feature *features, size_t count,
                        struct scorer **ret_scorer, char error[SCORER_ERROR_BYTES]);

#endif
