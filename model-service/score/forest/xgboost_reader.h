/* xgboost_reader.h - the parts of the reader of XGBoost's files, for the files xgboost*.c alone. */
#ifndef SCORE_FOREST_XGBOOST_READER_H
#define SCORE_FOREST_XGBOOST_READER_H

#include "score/forest/document.h"
#include "score/forest/forest.h"

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

/* How a margin begins from the file's base_score. */
enum xgboost_link { LINK_NONE, LINK_LOGIT, LINK_LOG };

struct xgboost_objective {
    const char *name;
    enum forest_task task;
    enum forest_transform transform;
    enum xgboost_link link;
};

/* The arrays of the tree that is being read, kept from one to the next. */
struct xgboost_tree {
    struct document_numbers left, right, column, threshold, default_left, split_type, vector;
    struct document_numbers categories, category_node, category_begin, category_size;
    struct document base_weights; /* a bookmark; only trees with vector leaves need them */
    bool has_base_weights;
    size_t leaf_vector;
};

struct xgboost_reader {
    struct forest *forest;
    struct error *error;
    const struct xgboost_objective *objective;
    struct document booster; /* a bookmark */
    bool has_learner, has_booster, has_trees;
    int major, minor;
    char base_score[64 + 16 * FOREST_MAX_OUTPUTS];
    size_t features, classes, targets, parallel_trees, best_iteration;
    bool has_best;
    char booster_name[32];
    struct document_numbers tree_output, round_end, drop_weight;
    struct document_numbers feature_is_code; /* of each feature type that the file lists */
    char **feature_name;
    size_t feature_names, encodings;
    struct xgboost_tree tree;
    struct forest_branch *branches;
    size_t branch_room;
};

/* A number of a file as an index; FOREST_LEAF for everything that is none. */
static inline uint32_t xgboost_index(double number)
{
    return number >= 0 && number < UINT32_MAX ? (uint32_t)number : FOREST_LEAF;
}

/* Each reads a value of the document into a reader, and returns 0, -EINVAL or -ENOMEM. */

/* --- xgboost_learner.c --- */

/* A text, or a number as its digits, copied with a NUL; -EINVAL if it does not fit. */
NODISCARD int xgboost_read_text(struct document *document, char *out, size_t room);
/* A count that the file writes as a text. */
NODISCARD int xgboost_read_count(struct document *document, size_t *ret_count);
/* Features, objective, base score; the booster's name, and where it is. */
NODISCARD int xgboost_read_learner(struct document *document, void *target);

/* --- xgboost_booster.c --- */

/* Notes where the booster is, and reads what it is called. */
NODISCARD int xgboost_peek_booster(struct document *document, void *target);
/* The trees, the outputs that they add to, dart's weights, the names of categories. */
NODISCARD int xgboost_read_booster(struct document *document, void *target);

/* --- xgboost_tree.c --- */

/* Reads a tree and adds it to the forest, whose features and outputs are set. */
NODISCARD int xgboost_read_tree(struct document *document, void *target);

#endif
