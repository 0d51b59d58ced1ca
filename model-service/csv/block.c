/* block.c - a file in blocks of whole rows.
 *
 * A block is filled, and ends after its last whole row; what follows that goes to the front of the
 * next one. Line ends inside quotes do not end a row, so that only from the first quote of a block
 * on its rows are looked at one by one. */
#include "csv/csv.h"
#include "csv/scan.h"
#include "csv/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* First size of a block: several read-ahead windows of the kernel. */
#define FIRST_BLOCK_BYTES (256u << 10)

struct csv_file {
    const char *path;
    struct csv_source *source;
    struct csv_format format; /* all of it is known once begun */
    bool begun, at_end;       /* something, everything has been read */
    uint64_t line;            /* of the first byte of rest */
    char *rest;               /* read, but not yet given out */
    size_t rest_bytes, rest_capacity;
};

static int fail_memory(const struct csv_file *file, struct error *error)
{
    return csv_fail(file->path, error, -ENOMEM, 0, "%s", strerror(ENOMEM));
}

int csv_open(const char *path, struct csv_format format, struct csv_file **ret_file,
             struct error *error)
{
    struct csv_file *file = calloc(1, sizeof(*file));

    if (!file)
        return csv_fail(path, error, -ENOMEM, 0, "%s", strerror(ENOMEM));
    *file = (struct csv_file){.path = path, .format = format, .line = 1};
    int rc = csv_source_open(path, &file->source, error);

    if (rc < 0) {
        free(file);
        return rc;
    }
    *ret_file = file;
    return 0;
}

void csv_close(struct csv_file *file)
{
    if (!file)
        return;
    csv_source_close(file->source);
    free(file->rest);
    free(file);
}

void csv_block_finish(struct csv_block *block)
{
    free(block->text);
    *block = (struct csv_block){0};
}

static int grow(const struct csv_file *file, struct csv_block *block, size_t capacity,
                struct error *error)
{
    char *text = realloc(block->text, capacity + CSV_PADDING);

    if (!text)
        return fail_memory(file, error);
    block->text = text;
    block->capacity = capacity;
    return 0;
}

/* Until the block is full: a long row is then scanned again only after its block doubled, also
 * when it comes in small pieces. */
static int fill(struct csv_file *file, struct csv_block *block, struct error *error)
{
    while (block->bytes < block->capacity && !file->at_end) {
        const ssize_t n = csv_source_read(file->source, block->text + block->bytes,
                                          block->capacity - block->bytes, error);

        if (n < 0)
            return (int)n;
        file->at_end = n == 0;
        block->bytes += (size_t)n;
    }
    return 0;
}

/* The rest of the last block, and what is read now. */
static int begin(struct csv_file *file, struct csv_block *block, struct error *error)
{
    size_t capacity = FIRST_BLOCK_BYTES;

    while (capacity <= file->rest_bytes)
        capacity = capacity * 2 > CSV_MAX_ROW_BYTES ? CSV_MAX_ROW_BYTES + 1 : capacity * 2;
    if (block->capacity < capacity) {
        int rc = grow(file, block, capacity, error);

        if (rc < 0)
            return rc;
    }
    if (file->rest_bytes > 0)
        memcpy(block->text, file->rest, file->rest_bytes);
    block->bytes = file->rest_bytes;
    file->rest_bytes = 0;
    return fill(file, block, error);
}

/* Keeps what follows the first `bytes` for the next block. */
static int split_off(struct csv_file *file, struct csv_block *block, size_t bytes,
                     struct error *error)
{
    const size_t rest = block->bytes - bytes;

    if (rest > file->rest_capacity) {
        char *larger = realloc(file->rest, rest);

        if (!larger)
            return fail_memory(file, error);
        file->rest = larger;
        file->rest_capacity = rest;
    }
    if (rest > 0)
        memcpy(file->rest, block->text + bytes, rest);
    file->rest_bytes = rest;
    block->bytes = bytes;
    return 0;
}

/* How many bytes of the block are whole rows; *ret_scan: why it is not more. *ret_open: a quote
 * that is not closed, or SIZE_MAX. */
static size_t whole_rows(const struct csv_block *block, bool at_end, enum csv_scan *ret_scan,
                         size_t *ret_open)
{
    const char *text = block->text;
    const char *quote = memchr(text, '"', block->bytes);
    const char *newline = memrchr(text, '\n', quote ? (size_t)(quote - text) : block->bytes);
    size_t whole = newline ? (size_t)(newline - text) + 1 : 0;

    *ret_open = SIZE_MAX;
    *ret_scan = at_end ? SCAN_ROW : SCAN_MORE;
    if (!quote)
        return at_end ? block->bytes : whole;
    while (whole < block->bytes) {
        struct csv_scanned row;

        *ret_scan = csv_scan_row(text + whole, block->bytes - whole, at_end,
                                 block->format.delimiter, &row, ret_open);
        if (*ret_open != SIZE_MAX)
            *ret_open += whole;
        if (*ret_scan != SCAN_ROW)
            return whole;
        whole += row.consumed;
    }
    return whole;
}

static int fail_unclosed(const struct csv_file *file, const struct csv_block *block, size_t open,
                         struct error *error)
{
    return csv_fail(file->path, error, -EBADMSG, file->line + csv_count_lines(block->text, open),
                    "a quote is opened in this line and never closed");
}

/* Room for more of a row that does not fit. open: as in whole_rows(). */
static int enlarge(const struct csv_file *file, struct csv_block *block, size_t open,
                   struct error *error)
{
    const size_t capacity = block->capacity * 2;

    if (block->capacity <= CSV_MAX_ROW_BYTES)
        return grow(file, block, capacity > CSV_MAX_ROW_BYTES ? CSV_MAX_ROW_BYTES + 1 : capacity,
                    error);
    if (open != SIZE_MAX)
        return fail_unclosed(file, block, open, error);
    return csv_fail(file->path, error, -EBADMSG, file->line, "the row is longer than %u bytes",
                    CSV_MAX_ROW_BYTES);
}

static void remove_byte_order_mark(struct csv_block *block)
{
    if (block->bytes < 3 || memcmp(block->text, "\xef\xbb\xbf", 3) != 0)
        return;
    block->bytes -= 3;
    memmove(block->text, block->text + 3, block->bytes);
}

/* Lines that end with a carriage return alone, as old programs write them, are one long row here.
 */
static int refuse_carriage_returns(const struct csv_file *file, const struct csv_block *block,
                                   struct error *error)
{
    bool quoted = false;

    for (size_t i = 0; i < block->bytes && block->text[i] != '\n'; i++) {
        quoted ^= block->text[i] == '"';
        if (!quoted && block->text[i] == '\r' && i + 1 < block->bytes && block->text[i + 1] != '\n')
            return csv_fail(file->path, error, -EBADMSG, 0,
                            "the lines end with carriage returns, not with line feeds: convert "
                            "them, for example with tr '\\r' '\\n' <FILE >NEW");
    }
    return 0;
}

/* Looks at the beginning of the file, which says how the rest is to be read. */
static int recognise(struct csv_file *file, struct csv_block *block, struct error *error)
{
    int rc = csv_refuse_foreign(file->path, block->text, block->bytes, error);

    if (rc < 0)
        return rc;
    remove_byte_order_mark(block);
    rc = refuse_carriage_returns(file, block, error);
    if (rc < 0)
        return rc;
    rc = csv_format_recognise(&file->format, file->path, block->text, block->bytes, file->at_end,
                              error);
    file->begun = rc == 0;
    return rc;
}

int csv_next_block(struct csv_file *file, struct csv_block *block, struct error *error)
{
    int rc = begin(file, block, error);

    if (rc == 0 && !file->begun)
        rc = recognise(file, block, error);
    block->format = file->format;
    while (rc == 0) {
        enum csv_scan scan;
        size_t open;
        const size_t whole = whole_rows(block, file->at_end, &scan, &open);

        if (whole > 0 || block->bytes == 0) {
            rc = split_off(file, block, whole, error);
            block->line = file->line;
            block->lines = csv_count_lines(block->text, whole);
            file->line += block->lines;
            return rc < 0 ? rc : whole > 0;
        }
        if (scan == SCAN_UNCLOSED)
            return fail_unclosed(file, block, open, error);
        rc = enlarge(file, block, open, error);
        if (rc == 0)
            rc = fill(file, block, error);
    }
    return rc;
}
