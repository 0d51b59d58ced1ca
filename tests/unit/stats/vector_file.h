/* vector_file.h - reads the CSV files of tests/vectors/ and compares with their values. */
#ifndef VECTOR_FILE_H
#define VECTOR_FILE_H

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define VECTOR_MAX_CELLS 16
#define VECTOR_MAX_LINE  8192

struct vector_file {
    FILE *stream;
    unsigned line;
    char text[VECTOR_MAX_LINE];
    char *cell[VECTOR_MAX_CELLS]; /* of the current line, in text */
    size_t cells;
};

/* The next line's cells, or 0 at the end. */
static inline int vector_file_next(struct vector_file *file)
{
    if (fgets(file->text, sizeof(file->text), file->stream) == NULL)
        return 0;
    file->line++;
    file->text[strcspn(file->text, "\n")] = '\0';
    file->cells = 0;
    for (char *rest = file->text; rest != NULL;) {
        assert_true(file->cells < VECTOR_MAX_CELLS);
        file->cell[file->cells++] = strsep(&rest, ",");
    }
    return 1;
}

/* Opens VECTORS_DIR/name and skips its head line. */
static inline void vector_file_open(struct vector_file *file, const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", VECTORS_DIR, name);
    file->stream = fopen(path, "r");
    file->line = 0;
    if (file->stream == NULL)
        fail_msg("cannot open %s", path);
    assert_true(vector_file_next(file));
}

static inline void vector_file_close(struct vector_file *file)
{
    fclose(file->stream);
}

static inline double vector_number(const struct vector_file *file, size_t cell)
{
    char *end;
    assert_true(cell < file->cells);
    double value = strtod(file->cell[cell], &end);
    if (end == file->cell[cell] || *end != '\0')
        fail_msg("line %u: not a number: '%s'", file->line, file->cell[cell]);
    return value;
}

static inline uint64_t vector_count(const struct vector_file *file, size_t cell)
{
    assert_true(cell < file->cells);
    return strtoull(file->cell[cell], NULL, 10);
}

/* |actual - expected| <= relative |expected| + absolute. `what` and `line` go into the message. */
static inline void assert_near(const char *what, unsigned line, double actual, double expected,
                               double relative, double absolute)
{
    double error = fabs(actual - expected);
    if (!(error <= relative * fabs(expected) + absolute))
        fail_msg("%s, case %u: got %.17g, expected %.17g, error %.3g relative", what, line, actual,
                 expected, error / fabs(expected));
}

#endif
