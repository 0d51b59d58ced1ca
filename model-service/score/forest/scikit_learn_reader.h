/* scikit_learn_reader.h - an exported model of scikit-learn while it is read: scikit_learn.c has
 * the whole, scikit_learn_tree.c the trees. */
#ifndef SCORE_FOREST_SCIKIT_LEARN_READER_H
#define SCORE_FOREST_SCIKIT_LEARN_READER_H

#include "score/forest/document.h"
#include "score/forest/forest.h"

struct scikit_names {
    char **name;
    size_t count;
};

/* The arrays of the tree that is being read. */
struct scikit_tree {
    struct document_numbers feature, threshold, left, right, missing_left, value;
    struct document_numbers category_node, category_begin, categories;
    double output;
};

struct scikit_reader {
    struct forest *forest;
    struct error *error;
    struct scikit_names features, classes;
    struct document_numbers base;
    struct document trees; /* a bookmark */
    bool has_trees, average, narrow_cells, accepts_missing;
    double version, leaf_size;
    char task[24], transform[24], estimator[sizeof(((struct forest *)0)->objective)];
    struct scikit_tree tree;
    struct forest_branch *branches;
    size_t branch_room;
};

/* Reads a tree and adds it to the forest; target: the reader. 0, -EINVAL, -ENOMEM. */
NODISCARD int scikit_read_tree(struct document *document, void *target);

#endif
