/* weights.h - the weights of a logistic model, from a JSON file.
 *
 *   {"intercept": -1.2,
 *    "classes": ["no", "yes"],                                         # optional
 *    "features": [
 *      {"name": "age", "weight": 0.8, "mean": 38.2, "scale": 13.1,     # mean 0, scale 1 by default
 *       "missing": 37},                                                # optional
 *      {"name": "sex", "categories": {"male": 0.1, "female": -0.4}, "other": 0,
 *       "missing_weight": 0.2}                                         # both optional
 *    ]} */
#ifndef JSON_WEIGHTS_H
#define JSON_WEIGHTS_H

#include "text/error.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>

/* Largest file: a thousand features of a thousand categories. */
#define WEIGHTS_MAX_BYTES (32u << 20)

struct weights_category {
    const char *name;
    double weight;
};

struct weights_feature {
    const char *name;
    bool categorical;
    double weight, mean, scale;          /* numeric; scale above 0 */
    double missing;                      /* numeric: the replacement, NaN for none */
    struct weights_category *categories; /* [category_count], distinct */
    size_t category_count;
    double other;          /* categorical: of every other text */
    double missing_weight; /* categorical: of a missing one; `other` if not given */
};

/* Strings belong to the document. */
struct weights_file {
    double intercept;
    const char *classes[2];           /* NULL: not given */
    struct weights_feature *features; /* [feature_count], names distinct */
    size_t feature_count;             /* 1 or more */
    void *document;                   /* the JSON library's */
};

/* path: for the error. 0; -EINVAL with error, "PATH: KEY: found ..., expected ..." or
 * "PATH:LINE:COLUMN: ..."; -ENOMEM. *ret_file is to be finished on 0 only. */
NODISCARD int weights_decode(const char *path, const char *text, size_t bytes,
                             struct weights_file *ret_file, struct error *error);
/* The same for a file; also -ENOENT, -EACCES, -EFBIG, ... with error. */
NODISCARD int weights_load(const char *path, struct weights_file *ret_file, struct error *error);
void weights_finish(struct weights_file *file);

#endif
