/* load.h - forests from the files of the programs that train them. */
#ifndef SCORE_FOREST_LOAD_H
#define SCORE_FOREST_LOAD_H

#include "score/forest/forest.h"

/* A file beyond this is refused: it would take a minute to read. */
#define FOREST_MAX_FILE_BYTES ((size_t)1 << 30)

/* Reads XGBoost's JSON or UBJSON (save_model(), 1.0 and later), LightGBM's text (save_model()), or
 * the JSON of examples/scikit-learn/export_trees.py; which of them is told by the content.
 * 0; -EINVAL: not such a model, or one that cannot be evaluated, with a sentence that says what it
 * is; a negative errno of the file; -ENOMEM. The sentence begins with the path. *ret_forest is to
 * be finished on 0 only. Memory: at most a few times the file's size. */
NODISCARD int forest_load(const char *path, struct forest *ret_forest, struct error *error);

/* The same of bytes in memory, which are changed. bytes[length] must be a NUL. */
NODISCARD int forest_parse(char *bytes, size_t length, struct forest *ret_forest,
                           struct error *error);

/* --- the formats; each leaves a forest that is to be finished, also on failure --- */

NODISCARD int forest_read_xgboost(char *bytes, size_t length, struct forest *forest,
                                  struct error *error);
NODISCARD int forest_read_lightgbm(char *bytes, size_t length, struct forest *forest,
                                   struct error *error);
NODISCARD int forest_read_scikit_learn(char *bytes, size_t length, struct forest *forest,
                                       struct error *error);

#endif
