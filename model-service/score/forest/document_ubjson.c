/* document_ubjson.c - UBJSON, draft 12: a byte tells the type of a value, numbers are big-endian,
 * and a container may tell its length and the one type of its values. */
#include "score/forest/document_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The type of a value whose type is not known: the document has ended. */
#define NO_TYPE '\0'

static size_t bytes_left(const struct document *document)
{
    return (size_t)(document->end - document->at);
}

static struct document_frame *top(struct document *document)
{
    return document->depth ? &document->frame[document->depth - 1] : NULL;
}

/* The type of the next value; reads it if the value has one of its own and `take` is set. */
static char value_type(struct document *document, bool take)
{
    const struct document_frame *frame = top(document);

    if (frame && frame->type)
        return frame->type;
    while (bytes_left(document) && *document->at == 'N') /* "no operation" */
        document->at++;
    if (!bytes_left(document))
        return NO_TYPE;
    const char type = *document->at;
    document->at += take;
    return type;
}

/* Bytes of a number of this type; 0: it is none, or not of a fixed length. */
static size_t type_bytes(char type)
{
    switch (type) {
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
        return 0;
    }
}

static uint64_t take_big_endian(struct document *document, size_t bytes)
{
    uint64_t value = 0;

    if (bytes == 4) { /* what models mostly consist of */
        uint32_t word;

        memcpy(&word, document->at, sizeof(word));
        value = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(word) : word;
    } else {
        for (size_t i = 0; i < bytes; i++)
            value = value << 8 | (unsigned char)document->at[i];
    }
    document->at += bytes;
    return value;
}

static enum document_kind ubjson_peek(struct document *document)
{
    switch (value_type(document, false)) {
    case '{':
        return DOCUMENT_OBJECT;
    case '[':
        return DOCUMENT_ARRAY;
    case 'S':
    case 'C':
        return DOCUMENT_TEXT;
    case 'i':
    case 'U':
    case 'I':
    case 'l':
    case 'L':
    case 'd':
    case 'D':
        return DOCUMENT_NUMBER;
    default:
        return DOCUMENT_OTHER;
    }
}

static double number_of(struct document *document, char type, size_t bytes)
{
    const uint64_t bits = take_big_endian(document, bytes);
    const uint32_t low = (uint32_t)bits;
    double wide;
    float narrow;

    switch (type) {
    case 'd':
        memcpy(&narrow, &low, sizeof(narrow));
        return narrow;
    case 'D':
        memcpy(&wide, &bits, sizeof(wide));
        return wide;
    case 'i':
        return (int8_t)bits;
    case 'I':
        return (int16_t)bits;
    case 'l':
        return (int32_t)bits;
    case 'L':
        return (double)(int64_t)bits;
    default:
        return (double)bits;
    }
}

static int ubjson_number(struct document *document, double *ret_number, const char **ret_digits)
{
    const char type = value_type(document, true);
    const size_t bytes = type == 'C' ? 0 : type_bytes(type);

    *ret_digits = NULL;
    if (type == 'T' || type == 'F') {
        *ret_number = type == 'T';
        return 0;
    }
    if (bytes == 0)
        return document_fail(document, "expected a number");
    if (bytes > bytes_left(document))
        return document_fail(document, "the document was cut short");
    *ret_number = number_of(document, type, bytes);
    return 0;
}

/* An integer with its type before it, which counts bytes or values: at most as many as are left. */
static int read_count(struct document *document, uint64_t *ret_count)
{
    const char type = bytes_left(document) ? *document->at++ : NO_TYPE;
    const size_t bytes = strchr("iUIlL", type) ? type_bytes(type) : 0;

    if (bytes == 0)
        return document_fail(document, "expected a length");
    if (bytes > bytes_left(document))
        return document_fail(document, "the document was cut short");
    const double count = number_of(document, type, bytes);
    if (count < 0 || count > (double)bytes_left(document))
        return document_fail(document, "has a length of %.0f, but %zu bytes are left", count,
                             bytes_left(document));
    *ret_count = (uint64_t)count;
    return 0;
}

static int read_string(struct document *document, const char **ret_text, size_t *ret_bytes)
{
    uint64_t bytes = 0;
    int rc = read_count(document, &bytes);

    if (rc < 0)
        return rc;
    *ret_text = document->at;
    *ret_bytes = (size_t)bytes;
    document->at += bytes;
    return 0;
}

static int ubjson_key(struct document *document, const char **ret_text, size_t *ret_bytes)
{
    return read_string(document, ret_text, ret_bytes);
}

static int ubjson_text(struct document *document, const char **ret_text, size_t *ret_bytes)
{
    if (value_type(document, true) == 'S')
        return read_string(document, ret_text, ret_bytes);
    if (!bytes_left(document))
        return document_fail(document, "the document was cut short");
    *ret_text = document->at++;
    *ret_bytes = 1;
    return 0;
}

/* "$" and a type, then "#" and a count; either may be absent, but a type without a count. Values
 * that take no bytes are refused where they are counted: few bytes could stand for any number. */
static int read_header(struct document *document, struct document_frame *frame)
{
    if (bytes_left(document) >= 2 && *document->at == '$') {
        frame->type = document->at[1];
        document->at += 2;
        if (!frame->type || !strchr("iUIlLdDSC[{", frame->type))
            return document_fail(document, "has an array of an unknown type");
        if (!bytes_left(document) || *document->at != '#')
            return document_fail(document, "expected a count after the type");
    }
    if (!bytes_left(document) || *document->at != '#')
        return 0;
    document->at++;
    frame->counted = true;
    return read_count(document, &frame->left);
}

static int ubjson_enter(struct document *document, enum document_kind container)
{
    struct document_frame frame = {.object = container == DOCUMENT_OBJECT, .first = true};

    (void)value_type(document, true);
    int rc = read_header(document, &frame);
    return rc < 0 ? rc : document_push(document, &frame);
}

static int ubjson_more(struct document *document, bool *ret_more)
{
    struct document_frame *frame = top(document);

    if (frame->counted) {
        *ret_more = frame->left > 0;
        frame->left -= *ret_more;
    } else {
        while (bytes_left(document) && *document->at == 'N')
            document->at++;
        if (!bytes_left(document))
            return document_fail(document, "the document was cut short");
        *ret_more = *document->at != (frame->object ? '}' : ']');
        document->at += !*ret_more;
    }
    document->depth -= !*ret_more;
    return 0;
}

/* --- what is not needed --- */

static int skip_bytes(struct document *document, uint64_t count, size_t each)
{
    if (count > bytes_left(document) / each)
        return document_fail(document, "the document was cut short");
    document->at += count * each;
    return 0;
}

static int skip_scalar(struct document *document)
{
    const char type = value_type(document, true);
    const char *text;
    size_t length;

    if (type == 'S' || type == 'H')
        return read_string(document, &text, &length);
    if (type == 'Z' || type == 'T' || type == 'F')
        return 0;
    if (type_bytes(type) == 0)
        return document_fail(document, "expected a value");
    return skip_bytes(document, 1, type_bytes(type));
}

/* Passes the counted numbers of the container on top at once, if it consists of such. */
static int skip_numbers(struct document *document)
{
    struct document_frame *frame = top(document);
    int rc = 0;

    if (!frame->object && frame->counted && frame->type && type_bytes(frame->type)) {
        rc = skip_bytes(document, frame->left, type_bytes(frame->type));
        frame->left = 0;
    }
    return rc;
}

/* Without recursion: the frames are the stack. */
static int ubjson_skip(struct document *document)
{
    const size_t floor = document->depth;
    const char *text;
    size_t bytes;
    bool more;
    int rc = 0;

    do {
        const enum document_kind kind = ubjson_peek(document);

        if (kind == DOCUMENT_OBJECT || kind == DOCUMENT_ARRAY) {
            rc = ubjson_enter(document, kind);
            if (rc == 0)
                rc = skip_numbers(document);
        } else {
            rc = skip_scalar(document);
        }
        /* on to the next value, out of all containers that end here */
        for (more = false; rc == 0 && !more && document->depth > floor;)
            rc = ubjson_more(document, &more);
        if (rc == 0 && more && top(document)->object)
            rc = ubjson_key(document, &text, &bytes);
    } while (rc == 0 && document->depth > floor);
    return rc;
}

const struct document_encoding document_ubjson = {
    .peek = ubjson_peek,
    .enter = ubjson_enter,
    .more = ubjson_more,
    .key = ubjson_key,
    .text = ubjson_text,
    .number = ubjson_number,
    .skip = ubjson_skip,
};
