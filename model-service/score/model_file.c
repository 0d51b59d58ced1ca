/* model_file.c - a model file as bytes, whole or not at all. */
#include "score/model_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A model of so many bytes takes a minute to read. */
#define MODEL_MAX_BYTES ((size_t)1 << 30)
/* XGBoost's models have 8 levels, and its readers recurse. */
#define MAX_DEPTH 32

/* --- JSON --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The end of a string whose opening quote is at `at`, or `end`. */
static const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\' && at + 1 < end)
            at++;
    return at;
}

bool model_file_whole_json(const char *text, size_t bytes)
{
    const char *end = text + bytes;
    char open[MAX_DEPTH];
    size_t depth = 0;

    if (bytes == 0 || *text != '{')
        return false;
    for (const char *at = text; at < end; at++) {
        if (*at == '"') {
            at = string_end(at, end);
        } else if (*at == '{' || *at == '[') {
            if (depth == MAX_DEPTH)
                return false;
            open[depth++] = *at;
        } else if (*at == '}' || *at == ']') {
            if (open[--depth] != (*at == '}' ? '{' : '['))
                return false;
            if (depth == 0) {
                while (++at < end && is_blank(*at))
                    continue;
                return at == end;
            }
        }
    }
    return false;
}

/* --- UBJSON --- */

struct cursor {
    const unsigned char *at, *end;
};

static size_t left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

static bool skip(struct cursor *cursor, uint64_t bytes)
{
    if (bytes > left(cursor))
        return false;
    cursor->at += bytes;
    return true;
}

/* The next byte, or -1. */
static int next(struct cursor *cursor)
{
    return left(cursor) ? *cursor->at++ : -1;
}

/* Bytes of a value of this type; -1 for one whose length is in the data, or no type at all. */
static int type_bytes(int type)
{
    switch (type) {
    case 'Z':
    case 'N':
    case 'T':
    case 'F':
        return 0;
    case 'i':
    case 'U':
    case 'C':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return -1;
    }
}

/* An integer with its type before it, not negative. */
static bool read_length(struct cursor *cursor, uint64_t *ret_length)
{
    const int type = next(cursor);
    const int bytes = type > 0 && strchr("iUIlL", type) ? type_bytes(type) : -1;
    uint64_t length = 0;

    if (bytes < 1 || (size_t)bytes > left(cursor))
        return false;
    if (type != 'U' && (*cursor->at & 0x80))
        return false;
    for (int i = 0; i < bytes; i++)
        length = length << 8 | *cursor->at++;
    *ret_length = length;
    return true;
}

static bool skip_string(struct cursor *cursor)
{
    uint64_t length;

    return read_length(cursor, &length) && skip(cursor, length);
}

static bool skip_container(struct cursor *cursor, int close, size_t depth);

static bool skip_value(struct cursor *cursor, int type, size_t depth)
{
    if (type == 'S' || type == 'H')
        return skip_string(cursor);
    if (type == '{' || type == '[')
        return skip_container(cursor, type + 2, depth + 1);
    return type_bytes(type) >= 0 && skip(cursor, (uint64_t)type_bytes(type));
}

/* "$" type and "#" count after the opening bracket; *ret_count: as it was without a count. */
static bool read_header(struct cursor *cursor, int *ret_type, uint64_t *ret_count)
{
    if (left(cursor) && *cursor->at == '$') {
        cursor->at++;
        *ret_type = next(cursor);
        if (*ret_type < 0 || !left(cursor) || *cursor->at != '#')
            return false;
    }
    if (left(cursor) && *cursor->at == '#') {
        cursor->at++;
        return read_length(cursor, ret_count) && *ret_count < UINT64_MAX;
    }
    return true;
}

#define NO_COUNT UINT64_MAX

/* close: ']' or '}'; the opening bracket has been read. */
static bool skip_container(struct cursor *cursor, int close, size_t depth)
{
    int type = -1;
    uint64_t count = NO_COUNT;

    if (depth > MAX_DEPTH || !read_header(cursor, &type, &count))
        return false;
    /* numbers of one size: all of them in one step, whatever the count says */
    if (close == ']' && type_bytes(type) > 0)
        return count <= left(cursor) / (uint64_t)type_bytes(type) &&
               skip(cursor, count * (uint64_t)type_bytes(type));
    if (count != NO_COUNT && count > left(cursor))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (count == NO_COUNT && left(cursor) && *cursor->at == close)
            return skip(cursor, 1);
        if (close == '}' && !skip_string(cursor))
            return false;
        if (!skip_value(cursor, type < 0 ? next(cursor) : type, depth))
            return false;
    }
    return true;
}

bool model_file_whole_ubjson(const char *data, size_t bytes)
{
    struct cursor cursor = {(const unsigned char *)data, (const unsigned char *)data + bytes};

    return next(&cursor) == '{' && skip_container(&cursor, '}', 1) && left(&cursor) == 0;
}

/* --- the file --- */

static int file_open(const char *path, FILE **ret_file, size_t *ret_bytes,
                     char error[SCORER_ERROR_BYTES])
{
    struct stat status;
    FILE *file = fopen(path, "rbe");
    int rc = file && fstat(fileno(file), &status) == 0 ? 0 : -errno;

    if (rc == 0 && !S_ISREG(status.st_mode))
        rc = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
    if (rc < 0) {
        snprintf(error, SCORER_ERROR_BYTES, "%s: %s", path,
                 rc == -EINVAL ? "not a regular file" : strerror(-rc));
    } else if ((uint64_t)status.st_size > MODEL_MAX_BYTES) {
        snprintf(error, SCORER_ERROR_BYTES, "%s: larger than %zu MiB", path, MODEL_MAX_BYTES >> 20);
        rc = -EFBIG;
    }
    if (rc < 0) {
        if (file)
            fclose(file);
        return rc;
    }
    *ret_file = file;
    *ret_bytes = (size_t)status.st_size;
    return 0;
}

static int file_read(const char *path, char **ret_content, size_t *ret_bytes,
                     char error[SCORER_ERROR_BYTES])
{
    FILE *file = NULL;
    size_t bytes = 0;
    int rc = file_open(path, &file, &bytes, error);

    if (rc < 0)
        return rc;
    char *content = malloc(bytes + 1);
    if (!content) {
        rc = -ENOMEM;
    } else if (fread(content, 1, bytes, file) != bytes) {
        snprintf(error, SCORER_ERROR_BYTES, "%s: cannot be read", path);
        free(content);
        rc = -EIO;
    }
    fclose(file);
    if (rc < 0)
        return rc;
    content[bytes] = '\0';
    *ret_content = content;
    *ret_bytes = bytes;
    return 0;
}

/* XGBoost tells JSON from UBJSON by the byte after the first brace, which must be a quote of JSON:
 * blanks around that brace are closed up. NULL: it is neither. */
static char *object_begin(char *content, size_t bytes)
{
    char *const end = content + bytes, *at = content;

    while (at < end && is_blank(*at))
        at++;
    if (at == end || *at != '{')
        return NULL;
    for (at++; at < end && is_blank(*at); at++)
        continue;
    if (at == end)
        return NULL;
    at[-1] = '{';
    return at - 1;
}

static int check(const char *path, const struct model_file *file, size_t bytes,
                 char error[SCORER_ERROR_BYTES])
{
    if (!file->bytes) {
        snprintf(error, SCORER_ERROR_BYTES,
                 "%s: %s, expected an XGBoost model saved as .json or .ubj", path,
                 bytes ? "neither JSON nor UBJSON" : "empty");
        return -EINVAL;
    }
    const bool json = file->bytes[1] == '"' || file->bytes[1] == '}';
    if (json ? !model_file_whole_json(file->bytes, file->length)
             : !model_file_whole_ubjson(file->bytes, file->length)) {
        snprintf(error, SCORER_ERROR_BYTES,
                 "%s: not a whole %s object, expected an XGBoost model saved as .json or .ubj",
                 path, json ? "JSON" : "UBJSON");
        return -EINVAL;
    }
    return 0;
}

int model_file_read(const char *path, struct model_file *ret_file, char error[SCORER_ERROR_BYTES])
{
    char *content = NULL;
    size_t bytes = 0;
    int rc = file_read(path, &content, &bytes, error);

    if (rc < 0)
        return rc;
    struct model_file file = {.bytes = object_begin(content, bytes), .memory = content};
    file.length = file.bytes ? (size_t)(content + bytes - file.bytes) : 0;
    rc = check(path, &file, bytes, error);
    if (rc < 0)
        model_file_finish(&file);
    else
        *ret_file = file;
    return rc;
}

void model_file_finish(struct model_file *file)
{
    free(file->memory);
    *file = (struct model_file){0};
}
