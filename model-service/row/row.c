/* row.c - see the header. */
#include "row/row.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t schema_find(const struct schema *schema, const char *name)
{
    size_t i = 0;

    while (i < schema->features && strcmp(schema->name[i], name) != 0)
        i++;
    return i;
}

bool schema_may_be_null(const struct schema *schema, size_t feature)
{
    return schema->allow_missing || (schema->nullable && schema->nullable[feature]);
}

struct row *rows_create(size_t count, size_t features)
{
    if (features > (SIZE_MAX - sizeof(struct row)) / sizeof(struct value))
        return NULL;
    const size_t row_bytes = sizeof(struct row) + features * sizeof(struct value);
    struct row *rows = count <= SIZE_MAX / row_bytes ? malloc(count * row_bytes) : NULL;

    if (!rows)
        return NULL;
    struct value *values = (struct value *)(rows + count);
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct row){.value = values + i * features};
    return rows;
}
