/* simulation.c - the reference's rows, kept for simulations to draw from. */
#include "served/build/build.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static double column_replacement(const double *column, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        if (isfinite(column[r]))
            return column[r];
    return 0;
}

/* Copies a reference column for simulation; missing and infinite values become its first finite
 * one, since a simulated row must be scorable. */
static int simulation_column(struct model_definition *definition, size_t f, const double *column,
                             size_t rows)
{
    double *copy = calloc(rows, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    const double replacement = column ? column_replacement(column, rows) : 0;
    double sum = 0, squares = 0;
    for (size_t r = 0; r < rows; r++) {
        copy[r] = column && isfinite(column[r]) ? column[r] : replacement;
        sum += copy[r];
    }
    const double mean = sum / (double)rows;
    for (size_t r = 0; r < rows; r++)
        squares += (copy[r] - mean) * (copy[r] - mean);
    definition->simulation.columns[f] = copy;
    definition->simulation.mean[f] = mean;
    definition->simulation.deviation[f] = sqrt(squares / (double)rows);
    return 0;
}

int simulation_prepare(struct model_definition *definition, const struct csv_table *table)
{
    const size_t features = definition->schema.features;
    definition->simulation.columns = calloc(features, sizeof(*definition->simulation.columns));
    definition->simulation.mean = calloc(features, sizeof(double));
    definition->simulation.deviation = calloc(features, sizeof(double));
    if (!definition->simulation.columns || !definition->simulation.mean ||
        !definition->simulation.deviation)
        return -ENOMEM;
    definition->simulation.rows = table->rows;
    for (size_t f = 0; f < features; f++) {
        int rc = simulation_column(definition, f, table->columns[f].number, table->rows);
        if (rc < 0)
            return rc;
    }
    return 0;
}
