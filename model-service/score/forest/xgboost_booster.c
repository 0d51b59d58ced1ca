/* xgboost_booster.c - the booster of an XGBoost file: its trees and what goes with them. */
#include "score/forest/xgboost_reader.h"

#include "text/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the names of categories, since 3.1 --- */

/* A feature's categories: texts one after the other as bytes, with offsets; or whole numbers. */
struct encoding {
    struct document_numbers offsets, values;
    bool is_text;
};

static int read_offsets(struct document *document, void *target)
{
    struct encoding *encoding = target;

    encoding->is_text = true;
    return document_numbers(document, &encoding->offsets);
}

static int read_values(struct document *document, void *target)
{
    return document_numbers(document, &((struct encoding *)target)->values);
}

static int add_category(struct forest_categories *categories, const char *text, size_t bytes)
{
    int rc = forest_copy_text(&categories->name[categories->count], text, bytes);

    categories->count += rc == 0;
    return rc;
}

static int add_numbers(struct forest_categories *categories, const struct encoding *encoding)
{
    char digits[NUMBER_MAX_BYTES];
    int rc = 0;

    for (size_t i = 0; i < encoding->values.count && rc == 0; i++)
        rc = add_category(categories, digits, number_format(encoding->values.item[i], digits));
    return rc;
}

static int add_texts(struct xgboost_reader *reader, struct forest_categories *categories,
                     const struct encoding *encoding)
{
    const double *offset = encoding->offsets.item;
    char *text = malloc(encoding->values.count + 1);
    int rc = text ? 0 : -ENOMEM;

    for (size_t i = 0; text && i < encoding->values.count; i++)
        text[i] = (char)(int)fmax(-128, fmin(encoding->values.item[i], 255));
    for (size_t i = 0; i + 1 < encoding->offsets.count && rc == 0; i++) {
        if (!(offset[i] >= 0 && offset[i] <= offset[i + 1] &&
              offset[i + 1] <= (double)encoding->values.count))
            rc = error_set(reader->error, -EINVAL, "a category's name goes beyond their end");
        else
            rc = add_category(categories, text + (size_t)offset[i],
                              (size_t)offset[i + 1] - (size_t)offset[i]);
    }
    free(text);
    return rc;
}

/* The next feature's; one that is not categorical has no values. */
static int read_encoding(struct document *document, void *target)
{
    static const struct document_member members[] = {{"offsets", read_offsets},
                                                     {"values", read_values}};
    struct xgboost_reader *reader = target;
    struct encoding encoding = {0};
    int rc = document_members(document, members, LENGTH(members), &encoding);
    const size_t count = encoding.is_text ? encoding.offsets.count : encoding.values.count;

    if (rc == 0 && reader->encodings == reader->forest->features)
        rc = document_fail(document, "it names the categories of more features than it has");
    if (rc == 0 && count > 0) {
        struct forest_categories *categories = &reader->forest->categories[reader->encodings];

        if (categories->name)
            rc = document_fail(document, "it names the categories of a feature twice");
        else if (!(categories->name = calloc(count, sizeof(*categories->name))))
            rc = -ENOMEM;
        if (rc == 0)
            rc = encoding.is_text ? add_texts(reader, categories, &encoding)
                                  : add_numbers(categories, &encoding);
    }
    reader->encodings++;
    document_numbers_finish(&encoding.offsets);
    document_numbers_finish(&encoding.values);
    return rc;
}

static int read_encodings(struct document *document, void *target)
{
    ((struct xgboost_reader *)target)->encodings = 0;
    return document_elements(document, read_encoding, target);
}

static int read_cats(struct document *document, void *target)
{
    static const struct document_member members[] = {{"enc", read_encodings}};

    return document_members(document, members, LENGTH(members), target);
}

/* --- the booster --- */

static int read_trees(struct document *document, void *target)
{
    ((struct xgboost_reader *)target)->has_trees = true;
    return document_elements(document, xgboost_read_tree, target);
}

static int read_tree_info(struct document *document, void *target)
{
    return document_numbers(document, &((struct xgboost_reader *)target)->tree_output);
}

static int read_round_end(struct document *document, void *target)
{
    return document_numbers(document, &((struct xgboost_reader *)target)->round_end);
}

static int read_drop_weight(struct document *document, void *target)
{
    return document_floats(document, &((struct xgboost_reader *)target)->drop_weight);
}

static int read_parallel_trees(struct document *document, void *target)
{
    return xgboost_read_count(document, &((struct xgboost_reader *)target)->parallel_trees);
}

static int read_model_param(struct document *document, void *target)
{
    static const struct document_member members[] = {{"num_parallel_tree", read_parallel_trees}};

    return document_members(document, members, LENGTH(members), target);
}

static int read_model(struct document *document, void *target)
{
    static const struct document_member members[] = {
        {"cats", read_cats},
        {"gbtree_model_param", read_model_param},
        {"iteration_indptr", read_round_end},
        {"tree_info", read_tree_info},
        {"trees", read_trees},
        {"weight_drop", read_drop_weight},
    };

    return document_members(document, members, LENGTH(members), target);
}

static int read_booster_name(struct document *document, void *target)
{
    struct xgboost_reader *reader = target;

    return xgboost_read_text(document, reader->booster_name, sizeof(reader->booster_name));
}

/* gbtree has its model at once; dart, before 3.4, has a gbtree in it and the weights beside. */
static int read_gbtree(struct document *document, void *target)
{
    static const struct document_member members[] = {{"model", read_model}};

    return document_members(document, members, LENGTH(members), target);
}

int xgboost_read_booster(struct document *document, void *target)
{
    static const struct document_member members[] = {
        {"gbtree", read_gbtree},
        {"model", read_model},
        {"name", read_booster_name},
        {"weight_drop", read_drop_weight},
    };

    return document_members(document, members, LENGTH(members), target);
}

/* What the booster is called, before its trees are read. */
int xgboost_peek_booster(struct document *document, void *target)
{
    static const struct document_member members[] = {{"name", read_booster_name}};
    struct xgboost_reader *reader = target;

    reader->booster = *document;
    reader->has_booster = true;
    return document_members(document, members, LENGTH(members), target);
}
