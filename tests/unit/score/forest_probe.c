/* forest_probe.c - what a forest makes of the rows of a CSV file, for tests in Python.
 *
 * usage: forest_probe MODEL ROWS.csv [TREES]
 *
 * ROWS.csv has a header, and a number in each cell or nothing for a missing value; columns stand in
 * the order of the model's features. Prints a line of JSON about the model, then for each row its
 * margins, predictions and leaves, separated by ';', numbers as hexadecimal floats. Rows are
 * evaluated one at a time and all at once, which must give the same bits. TREES: only the first so
 * many; "best": those up to the best iteration. */
#include "score/forest/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double *read_rows(const char *path, const struct forest *forest, size_t *ret_count)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0, count = 0;
    double *rows = NULL;

    if (!file || getline(&line, &room, file) < 0)
        return NULL;
    while (getline(&line, &room, file) > 0) {
        char *rest = line;

        line[strcspn(line, "\r\n")] = '\0';
        rows = realloc(rows, (count + 1) * forest->column_count * sizeof(*rows));
        for (size_t f = 0; f < forest->features; f++) {
            const char *cell = strsep(&rest, ",");

            rows[count * forest->column_count + f] = cell && *cell ? strtod(cell, NULL) : NAN;
        }
        forest_prepare(forest, rows + count++ * forest->column_count);
    }
    free(line);
    fclose(file);
    *ret_count = count;
    return rows;
}

static void print_numbers(const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%s%a", i ? "," : "", numbers[i]);
}

static void print_row(const struct forest *forest, const double *row, double *margins)
{
    uint32_t *leaves = calloc(forest->tree_count, sizeof(*leaves));

    print_numbers(margins, forest->outputs);
    putchar(';');
    forest_transform_row(forest, forest->transform, margins);
    print_numbers(margins, forest->transform == FOREST_SOFTMAX_CLASS ? 1 : forest->outputs);
    putchar(';');
    forest_leaves(forest, row, leaves);
    for (size_t t = 0; t < forest->tree_count; t++)
        printf("%s%u", t ? "," : "", leaves[t]);
    putchar('\n');
    free(leaves);
}

static size_t wanted_trees(const struct forest *forest, const char *text)
{
    if (!text)
        return forest->tree_count;
    return strcmp(text, "best") == 0 ? forest->best_trees : strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
    struct forest forest;
    struct error error = {.text = "not enough memory"};
    size_t count = 0;

    if (argc < 3 || forest_load(argv[1], &forest, &error) < 0) {
        fprintf(stderr, "%s\n", argc < 3 ? "usage: forest_probe MODEL ROWS.csv" : error.text);
        return 1;
    }
    double *rows = read_rows(argv[2], &forest, &count);
    double *margins = calloc((count + 1) * forest.outputs, sizeof(*margins));
    double *alone = calloc(forest.outputs, sizeof(*alone));
    const size_t trees = wanted_trees(&forest, argv[3]);
    if (!rows || !margins || !alone)
        return 1;
    printf("{\"program\": \"%s\", \"version\": \"%s\", \"objective\": \"%s\", \"trees\": %zu, "
           "\"outputs\": %zu, \"warning\": \"%s\"}\n",
           forest.program, forest.version, forest.objective, forest.tree_count, forest.outputs,
           forest.warning);
    forest_margins(&forest, rows, count, trees, margins);
    for (size_t r = 0; r < count; r++) {
        forest_margins(&forest, rows + r * forest.column_count, 1, trees, alone);
        if (memcmp(alone, margins + r * forest.outputs, forest.outputs * sizeof(*alone)) != 0) {
            fprintf(stderr, "row %zu: alone it has other margins than in a block\n", r);
            return 1;
        }
        print_row(&forest, rows + r * forest.column_count, alone);
    }
    free(rows);
    free(margins);
    free(alone);
    forest_finish(&forest);
    return 0;
}
