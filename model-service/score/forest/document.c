/* document.c - what JSON and UBJSON have in common. */
#include "score/forest/document_internal.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct document_encoding *encoding(const struct document *document)
{
    return document->ubjson ? &document_ubjson : &document_json;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void document_init(struct document *document, char *text, size_t bytes, struct error *error)
{
    char *const end = text + bytes;
    char *first = text;

    while (first < end && is_blank(*first))
        first++;
    *document = (struct document){.begin = text, .at = first, .end = end, .error = error};
    /* after the brace JSON has a quote, the other brace or blanks; UBJSON a type of integer */
    document->ubjson = end - first >= 2 && *first == '{' && strchr("iUIlLN$#", first[1]);
}

int document_fail(struct document *document, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    error_vset(document->error, -EINVAL, format, arguments);
    va_end(arguments);
    return error_at(document->error, -EINVAL, "byte %zu", (size_t)(document->at - document->begin));
}

int document_push(struct document *document, const struct document_frame *frame)
{
    if (document->depth == DOCUMENT_MAX_DEPTH)
        return document_fail(document, "nested more than %d deep", DOCUMENT_MAX_DEPTH);
    document->frame[document->depth++] = *frame;
    return 0;
}

enum document_kind document_peek(struct document *document)
{
    return encoding(document)->peek(document);
}

int document_enter(struct document *document, enum document_kind container)
{
    if (document_peek(document) != container)
        return document_fail(document, "expected an %s",
                             container == DOCUMENT_OBJECT ? "object" : "array");
    return encoding(document)->enter(document, container);
}

int document_more(struct document *document, bool *ret_more)
{
    return encoding(document)->more(document, ret_more);
}

int document_key(struct document *document, const char **ret_text, size_t *ret_bytes)
{
    return encoding(document)->key(document, ret_text, ret_bytes);
}

int document_text(struct document *document, const char **ret_text, size_t *ret_bytes)
{
    if (document_peek(document) != DOCUMENT_TEXT)
        return document_fail(document, "expected a text");
    return encoding(document)->text(document, ret_text, ret_bytes);
}

int document_number(struct document *document, double *ret_number)
{
    const char *digits;

    return encoding(document)->number(document, ret_number, &digits);
}

/* Whether a double lies in the middle between two floats: it may be a decimal beside that middle,
 * rounded to it, and rounding it again could go the wrong way. Subnormal floats are all suspected.
 */
static bool is_between_floats(double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    return (bits & 0x1fffffff) == 0x10000000 || fabs(number) < 0x1p-126;
}

int document_float(struct document *document, float *ret_number)
{
    const char *digits;
    double number;
    int rc = encoding(document)->number(document, &number, &digits);

    if (rc < 0)
        return rc;
    /* glibc's strtof() rounds correctly */
    *ret_number =
        digits && number != 0.0 && is_between_floats(number) ? strtof(digits, NULL) : (float)number;
    return 0;
}

int document_skip(struct document *document)
{
    return encoding(document)->skip(document);
}

int document_finish(struct document *document)
{
    while (!document->ubjson && document->at < document->end && is_blank(*document->at))
        document->at++;
    return document->at == document->end
               ? 0
               : document_fail(document, "something follows the end of the document");
}

/* --- values by their names --- */

static const struct document_member *member_find(const struct document_member *table, size_t count,
                                                 const char *name, size_t bytes)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(table[i].name) == bytes && memcmp(table[i].name, name, bytes) == 0)
            return &table[i];
    return NULL;
}

int document_members(struct document *document, const struct document_member *table, size_t count,
                     void *target)
{
    bool more = false;
    int rc = document_enter(document, DOCUMENT_OBJECT);

    while (rc == 0 && (rc = document_more(document, &more)) == 0 && more) {
        const char *name = NULL;
        size_t bytes = 0;

        rc = document_key(document, &name, &bytes);
        if (rc < 0)
            break;
        const struct document_member *member = member_find(table, count, name, bytes);
        rc = member ? member->read(document, target) : document_skip(document);
    }
    return rc;
}

int document_elements(struct document *document,
                      int (*read)(struct document *document, void *target), void *target)
{
    bool more = false;
    int rc = document_enter(document, DOCUMENT_ARRAY);

    while (rc == 0 && (rc = document_more(document, &more)) == 0 && more)
        rc = read(document, target);
    return rc;
}

int document_numbers_reserve(struct document_numbers *numbers)
{
    if (numbers->count < numbers->room)
        return 0;
    const size_t room = numbers->room ? numbers->room * 2 : 64;
    double *item = realloc(numbers->item, room * sizeof(*item));

    if (!item)
        return -ENOMEM;
    numbers->item = item;
    numbers->room = room;
    return 0;
}

static int add_number(struct document *document, void *target)
{
    struct document_numbers *numbers = target;
    int rc = document_numbers_reserve(numbers);

    return rc < 0 ? rc : document_number(document, &numbers->item[numbers->count++]);
}

static int add_float(struct document *document, void *target)
{
    struct document_numbers *numbers = target;
    float number = 0;
    int rc = document_numbers_reserve(numbers);

    if (rc == 0)
        rc = document_float(document, &number);
    if (rc == 0)
        numbers->item[numbers->count++] = number;
    return rc;
}

int document_numbers(struct document *document, struct document_numbers *numbers)
{
    numbers->count = 0;
    return document_elements(document, add_number, numbers);
}

int document_floats(struct document *document, struct document_numbers *numbers)
{
    numbers->count = 0;
    return document_elements(document, add_float, numbers);
}

void document_numbers_finish(struct document_numbers *numbers)
{
    free(numbers->item);
    *numbers = (struct document_numbers){0};
}
