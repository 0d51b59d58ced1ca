/* fuzz_csv.c - libFuzzer target of the CSV reader; corpus in corpus/csv/.
 * Run by scripts/fuzz.sh csv. */
#include "csv/csv.h"
#include "row/text_value.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct tally {
    size_t bytes;
    uint64_t line;
};

/* Every field is terminated, every row later than the one before, every number strtod()'s. */
static bool check_row(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct tally *tally = context;

    if (line <= tally->line || count == 0)
        abort();
    tally->line = line;
    for (size_t i = 0; i < count; i++) {
        double value;

        if (strlen(fields[i].text) != fields[i].bytes)
            abort();
        tally->bytes += fields[i].bytes;
        if (text_value_number(fields[i].text, fields[i].bytes, &value) == 0 && isfinite(value) &&
            value != strtod(fields[i].text, NULL))
            abort();
        /* with a decimal comma nothing else than the comma may be read differently */
        if (csv_field_number(&fields[i], &value) == 0 && !strchr(fields[i].text, ',') &&
            isfinite(value) && value != strtod(fields[i].text, NULL))
            abort();
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[64];
    struct csv_column columns[] = {{.name = "a"}, {.name = "b", .categorical = true}};
    struct csv_table table = {.columns = columns, .column_count = 2};
    struct error error;
    struct csv_format format = {0};
    struct tally tally = {0};

    if (file < 0) {
        file = memfd_create("csv", 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    }
    if (ftruncate(file, 0) < 0 || pwrite(file, data, size, 0) != (ssize_t)size)
        abort();
    if (csv_read(path, &format, check_row, check_row, &tally, &error) < 0 &&
        strlen(error.text) < strlen(path))
        abort();
    if (tally.bytes > size)
        abort();
    if (csv_table_read(&table, path, &error) == 0)
        csv_table_finish(&table);
    return 0;
}
