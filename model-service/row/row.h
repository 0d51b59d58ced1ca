/* row.h - one row of a model's features, and what the rows of a model look like. Every format of
 * input decodes into it; scorers and the drift detector read it in place. */
#ifndef ROW_ROW_H
#define ROW_ROW_H

#include "row/value.h"

/* What the rows of a model must look like; borrowed by whoever is given it. */
struct schema {
    size_t features;
    const char *const *name; /* [features] */
    const bool *categorical; /* [features] text expected instead of a number */
    bool allow_missing;      /* null or an absent named feature is missing instead of an error */
    /* [features], or NULL for none: a null of these is a missing value, also where it is not
     * allowed everywhere; an absent feature is still an error */
    const bool *nullable;
};

struct row {
    struct value *value; /* [features], in the order of the schema */
    const char *id;      /* NULL when the client gave none; not terminated */
    size_t id_bytes;
};

/* Index of a feature by its name, or `features` if the schema does not have it. O(features). */
size_t schema_find(const struct schema *schema, const char *name);

/* Whether a null of this feature is a missing value and not an error. */
bool schema_may_be_null(const struct schema *schema, size_t feature);

/* `count` rows and their values in one block, to be freed together; ids are NULL, values are not
 * set. NULL if allocation fails. */
struct row *rows_create(size_t count, size_t features);

#endif
