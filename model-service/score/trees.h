/* trees.h - the scorer of tree ensembles: models of XGBoost, LightGBM and scikit-learn, evaluated
 * by score/forest. */
#ifndef SCORE_TREES_H
#define SCORE_TREES_H

#include "score/scorer.h"
#include "text/error.h"
#include "text/nodiscard.h"

/* program: whose model the file must be: "XGBoost", "LightGBM" or "scikit-learn".
 *
 * Outputs are the program's own predictions, of all trees of the file, also where training stopped
 * early. Classifiers give probabilities, also under binary:logitraw and multi:softmax, whose own
 * predictions are margins and classes. A model with several outputs that are not classes is
 * refused.
 *
 * The model's features are found by name: a numeric feature; "feature=category" of a categorical
 * one, 1 where the row has the category and else 0 (also for a missing value); or, where the model
 * splits by categories itself, a categorical feature whose categories the file names, or whose
 * texts are the codes. Of a numeric feature there the number is the code. A model without names
 * takes the features in order. A missing value is one of the program's. features: borrowed for the
 * call.
 *
 * 0; -EINVAL (not such a model, or features that do not fit), a negative errno of the file,
 * -ENOMEM; error: one sentence beginning with the path. */
NODISCARD int trees_scorer_load(const char *path, const char *program,
                                const struct scorer_feature *features, size_t count,
                                struct scorer **ret_scorer, struct error *error);

#endif
