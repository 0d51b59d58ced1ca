/* gzip.c - whether a client prefers gzip (RFC 9110, section 12.5.3), and compression. */
#include "http/gzip.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* A window of 32 KiB with a gzip header instead of a zlib one. */
#define GZIP_WINDOW_BITS (15 + 16)
/* zlib's own default. */
#define GZIP_MEMORY_LEVEL 8

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* qvalue of RFC 9110, section 12.4.2, in thousandths. */
static int parse_weight(const char *text, size_t bytes)
{
    if (bytes < 1 || bytes > 5 || (text[0] != '0' && text[0] != '1') ||
        (bytes > 1 && text[1] != '.'))
        return 0;
    int weight = (text[0] - '0') * 1000;
    for (size_t i = 2, unit = 100; i < bytes; i++, unit /= 10) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        weight += (text[i] - '0') * (int)unit;
    }
    return weight > 1000 ? 0 : weight;
}

/* Weight of the parameters from text to end: the first "q", 1000 without one. */
static int read_weight(const char *text, const char *end)
{
    while (text < end && *text == ';') {
        text = skip_blanks(text + 1);
        const size_t bytes = strcspn(text, "; \t,");
        if (bytes >= 2 && (text[0] == 'q' || text[0] == 'Q') && text[1] == '=')
            return parse_weight(text + 2, bytes - 2);
        text = skip_blanks(text + bytes);
    }
    return 1000;
}

static bool is_coding(const char *text, size_t bytes, const char *coding)
{
    return bytes == strlen(coding) && strncasecmp(text, coding, bytes) == 0;
}

void gzip_preference_read(struct gzip_preference *preference, const char *accept_encoding)
{
    for (const char *item = accept_encoding; *item;) {
        item = skip_blanks(item);
        const char *end = item + strcspn(item, ",");
        const size_t bytes = strcspn(item, ",; \t");
        const int weight = read_weight(skip_blanks(item + bytes), end);
        if (is_coding(item, bytes, "gzip") || is_coding(item, bytes, "x-gzip"))
            preference->gzip = weight;
        else if (is_coding(item, bytes, "*"))
            preference->any = weight;
        else if (is_coding(item, bytes, "identity"))
            preference->identity = weight;
        item = *end ? end + 1 : end;
    }
}

bool gzip_preferred(const struct gzip_preference *preference)
{
    const int gzip = preference->gzip >= 0 ? preference->gzip : preference->any;
    return gzip > 0 && gzip >= preference->identity;
}

int gzip_compress(const char *plain, size_t bytes, char **ret_compressed, size_t *ret_bytes)
{
    z_stream stream = {.next_in = (z_const Bytef *)plain, .avail_in = (uInt)bytes};
    /* Level 1: texts with many repeated names shrink to about a tenth already. */
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    const size_t room = deflateBound(&stream, bytes);
    char *compressed = malloc(room);
    if (compressed) {
        stream.next_out = (Bytef *)compressed;
        stream.avail_out = (uInt)room;
    }
    /* The room is the upper bound, so one call is enough. */
    const bool done = compressed && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    const size_t written = stream.total_out;
    deflateEnd(&stream);
    if (!done) {
        free(compressed);
        return -ENOMEM;
    }
    *ret_compressed = compressed;
    *ret_bytes = written;
    return 0;
}
