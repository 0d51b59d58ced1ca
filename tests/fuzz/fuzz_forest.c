/* fuzz_forest.c - libFuzzer target of the readers of model files: XGBoost's JSON and UBJSON,
 * LightGBM's text and scikit-learn's JSON; corpus in corpus/forest/. What is accepted is evaluated,
 * alone and in blocks. Run by scripts/fuzz.sh forest. */
#include "score/forest/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More would only make the runs slower. */
#define ROWS      9
#define MAX_CELLS 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void evaluate(const struct forest *forest)
{
    static const double values[] = {NAN, 0, -1, 1, 3.5, 1e-36, -1e300, INFINITY, 40};
    double *rows = calloc(ROWS * forest->column_count, sizeof(*rows));
    double *margins = calloc(ROWS * forest->outputs, sizeof(*margins));
    double *alone = calloc(forest->outputs, sizeof(*alone));
    uint32_t *leaves = calloc(forest->tree_count, sizeof(*leaves));

    if (!rows || !margins || !alone || !leaves)
        abort();
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t f = 0; f < forest->features; f++)
            rows[r * forest->column_count + f] = values[(r + f) % ROWS];
        forest_prepare(forest, rows + r * forest->column_count);
    }
    forest_margins(forest, rows, ROWS, forest->tree_count, margins);
    for (size_t r = 0; r < ROWS; r++) {
        forest_margins(forest, rows + r * forest->column_count, 1, forest->tree_count, alone);
        /* sums of huge leaves may be infinite, and then NaN, whose bits are nobody's concern */
        for (size_t i = 0; i < forest->outputs; i++)
            if (alone[i] != margins[r * forest->outputs + i] && !isnan(alone[i]))
                abort();
        forest_leaves(forest, rows + r * forest->column_count, leaves);
        forest_transform_row(forest, forest->transform, alone);
    }
    free(rows);
    free(margins);
    free(alone);
    free(leaves);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size + 1);
    struct forest forest;
    struct error error = {.text = ""};

    if (!bytes)
        abort();
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    if (forest_parse(bytes, size, &forest, &error) == 0) {
        if (forest.column_count + forest.outputs < MAX_CELLS)
            evaluate(&forest);
        forest_finish(&forest);
    } else if (!error.text[0]) {
        abort();
    }
    free(bytes);
    return 0;
}
