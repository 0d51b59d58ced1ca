/* forest.h - an ensemble of decision trees in memory, from whichever program it came, and its
 * evaluation. Const after loading; used from any thread without a lock.
 *
 * Margins have the bits that the program itself computes: leaves are added in the order of the
 * file, in float32 for XGBoost and in double for LightGBM and scikit-learn. */
#ifndef SCORE_FOREST_FOREST_H
#define SCORE_FOREST_FOREST_H

#include "text/error.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most columns, so that a number of one fits 16 bits, and most outputs: a series each. */
#define FOREST_MAX_COLUMNS 65535u
#define FOREST_MAX_OUTPUTS 1000u

/* How a prediction is made of the margins of a row. */
enum forest_transform {
    FOREST_IDENTITY,
    FOREST_LOGISTIC, /* each: 1 / (1 + exp(-sigmoid * margin)) */
    FOREST_EXP,
    FOREST_SOFTMAX,
    FOREST_SOFTMAX_CLASS, /* one prediction: the index of the first largest margin */
    FOREST_STEP,          /* 1 above 0, else 0 */
    FOREST_SORT,          /* ascending */
    FOREST_LOG1P_EXP,
    FOREST_SQUARE, /* with the sign of the margin */
};

/* What the predictions mean. */
enum forest_task { FOREST_REGRESSION, FOREST_BINARY, FOREST_MULTICLASS };

/* What happens to a feature's value before the trees compare it. */
enum forest_cell {
    FOREST_CELL_VALUE,
    FOREST_CELL_ZERO_MISSING, /* 0 is a missing value */
    FOREST_CELL_CODE,         /* a category's code: the fraction is cut off */
};

struct forest_column {
    uint32_t feature;
    enum forest_cell cell;
};

#define FOREST_INNER       1u /* not a leaf */
#define FOREST_NAN_RIGHT   2u /* a missing value goes right */
#define FOREST_CATEGORICAL 4u
#define FOREST_SET_LEFT    8u /* codes in the set go left and others right; else the reverse */

/* A leaf leads to itself, so that several trees can be walked in step without branches. The right
 * child stands after the left one. */
struct forest_node {
    union {
        double threshold; /* values of this or more go right; NaN: none does */
        double value;     /* of a leaf; with vector leaves the index of its vector */
        struct {
            uint32_t first_word, words; /* the set of codes, in forest->bits */
        } set;
    };
    uint32_t left; /* index in forest->nodes; of a leaf: its own */
    uint16_t column, flags;
};

/* The same in half the room, of a forest whose thresholds are float32 and that has neither large
 * trees nor splits by categories. A leaf's threshold is NaN, above which nothing lies, so that only
 * its missing values need a bit. */
struct forest_small_node {
    float threshold;
    uint16_t left;   /* from the tree's root on */
    uint16_t column; /* shifted by one; the lowest bit: a missing value goes right */
};
#define FOREST_SMALL_NODES   65536u
#define FOREST_SMALL_COLUMNS 512u /* eight rows of them fit a block, see evaluate_small.c */
#define FOREST_SMALL_OUTPUTS 32u

struct forest_tree {
    uint32_t root, nodes, depth, output;
    bool categorical; /* has such a split */
};

/* Names of the categories of a feature, by their codes. count 0: not known. */
struct forest_categories {
    char **name;
    size_t count;
};

struct forest {
    char program[16], version[24], objective[48];
    char warning[200]; /* a sentence for the operator, or "" */
    enum forest_task task;

    size_t features;
    char **feature_name;                  /* NULL: features are known by their order */
    bool *categorical;                    /* [features] values are codes of categories */
    struct forest_categories *categories; /* [features] */
    char **class_name;                    /* [outputs], or 2 of a binary forest; NULL: not known */

    struct forest_column *columns; /* the first [features] are the features */
    size_t column_count;
    bool narrow_cells; /* cells are rounded to float32 */
    bool flush_zeros;  /* cells next to 0 become 0, as LightGBM does */
    bool needs_values; /* the program refuses rows with missing values */
    bool any_categorical;

    size_t outputs;
    double *base;     /* [outputs] where the sums begin */
    bool narrow_sums; /* in float32 */
    size_t divisor;   /* of the sums, before the transform */
    enum forest_transform transform;
    double sigmoid;

    struct forest_tree *trees;
    size_t tree_count, tree_room;
    size_t best_trees; /* of the best iteration of early stopping; 0: the file does not tell */
    struct forest_node *nodes;       /* [node_count]; NULL if there are small ones */
    struct forest_small_node *small; /* [node_count], or NULL */
    float *small_value;              /* [node_count] of the leaves, beside them */
    struct forest_ranks *ranks;      /* for many rows at once, or NULL (ranks.h) */
    uint32_t *source;                /* [node_count] number of the node, or leaf, in the file */
    size_t node_count, node_room;
    uint32_t *bits;
    size_t bit_words, bit_room;
    size_t vector_size; /* of each leaf; 0: leaves are numbers and add to the tree's output */
    double *vectors;
    size_t vector_numbers, vector_room;
};

/* --- making one --- */

/* A node as a file has it. */
struct forest_branch {
    uint32_t left, right; /* in the same array; both FOREST_LEAF: a leaf */
    uint32_t column, id;
    uint16_t flags; /* those above; FOREST_INNER is set by forest_add_tree() */
    union {
        double threshold, value;
        struct {
            uint32_t first_word, words;
        } set;
    };
};
#define FOREST_LEAF UINT32_MAX

/* An empty forest of `features` numeric features: identity, double. 0, -EINVAL (too many), -ENOMEM;
 * to be finished in either case. */
NODISCARD int forest_init(struct forest *forest, size_t features, struct error *error);
void forest_finish(struct forest *forest);

/* The outputs, with base margins of 0. 0, -EINVAL (none or too many), -ENOMEM. */
NODISCARD int forest_set_outputs(struct forest *forest, size_t outputs, struct error *error);

/* The column that holds a feature in that form; it is added if need be. 0, -EINVAL, -ENOMEM. */
NODISCARD int forest_column_of(struct forest *forest, size_t feature, enum forest_cell cell,
                               uint32_t *ret_column, struct error *error);

/* The threshold below which exactly the values lie that are at most `limit`: the next double, or
 * NaN for infinity. */
double forest_threshold_at_most(double limit);

/* Makes room for a tree's branches, whose old content may be lost. 0, or -ENOMEM (unchanged then).
 */
NODISCARD int forest_reserve_branches(struct forest_branch **branches, size_t *room, size_t count);
/* Adds the tree whose root is branch 0. Children, columns and sets are checked; a node reached
 * twice is an error, as it could be reached for ever. 0, -EINVAL, -ENOMEM. */
NODISCARD int forest_add_tree(struct forest *forest, const struct forest_branch *branches,
                              size_t count, struct error *error);
/* Room for `count` more words of sets or numbers of vectors; the caller fills them. */
NODISCARD int forest_add_bits(struct forest *forest, size_t count, uint32_t **ret_bits);
NODISCARD int forest_add_vector(struct forest *forest, const double *numbers, size_t count);
/* Replaces a text of the forest. 0 or -ENOMEM. */
NODISCARD int forest_copy_text(char **text, const char *from, size_t bytes);

/* Checks what the trees of a whole forest refer to, gives back what memory is left over, and lays
 * the nodes out in half the room where they fit. 0, -EINVAL, -ENOMEM. */
NODISCARD int forest_complete(struct forest *forest, struct error *error);

/* --- evaluation --- */

/* row: [column_count], of which the first [features] are set, NaN for a missing value. Changes the
 * row into what the trees compare. */
void forest_prepare(const struct forest *forest, double *row);

/* rows: [count][column_count], prepared. margins: [count][outputs]. trees: how many, from the
 * first; forest->tree_count for all. No allocation. */
void forest_margins(const struct forest *forest, const double *rows, size_t count, size_t trees,
                    double *margins);

/* Turns the margins of a row into its predictions, in place. */
void forest_transform_row(const struct forest *forest, enum forest_transform transform,
                          double *margins);

/* The leaf that a prepared row reaches in each tree, by its number in the file.
 * leaves: [tree_count]. */
void forest_leaves(const struct forest *forest, const double *row, uint32_t *leaves);

#endif
