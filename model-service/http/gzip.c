/* gzip.c - whether a client prefers gzip (RFC 9110, section 12.5.3), and compression. */
#include "http/gzip.h"

#include "system/process.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* A window of 32 KiB without a header: that is written here. */
#define RAW_WINDOW_BITS (-15)
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

/* --- compression: a large text in parts, each by a thread of its own --- */

/* A part is worth a thread for so many bytes, which take some milliseconds. */
#define PART_BYTES (1u << 20)
#define MOST_PARTS 4
/* A part may refer to the end of the one before, as if there were one. */
#define WINDOW_BYTES (32u << 10)
/* What ends a part that is not the last at a whole byte. */
#define FLUSH_BYTES 16

/* RFC 1952: magic, deflate, no flags, no time, fastest compression, Unix. */
static const unsigned char header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3};
#define TRAILER_BYTES 8

struct part {
    const char *plain, *begin; /* of the whole text; of the part */
    size_t bytes;
    bool last;
    unsigned char *compressed;
    size_t written;
    uLong crc;
    int result;
};

static int deflate_part(struct part *part, z_stream *stream)
{
    const size_t before = (size_t)(part->begin - part->plain);
    const size_t window = before < WINDOW_BYTES ? before : WINDOW_BYTES;
    const size_t room = deflateBound(stream, part->bytes) + FLUSH_BYTES;
    part->compressed = malloc(room);
    if (!part->compressed ||
        (window > 0 &&
         deflateSetDictionary(stream, (const Bytef *)part->begin - window, (uInt)window) != Z_OK))
        return -ENOMEM;
    stream->next_in = (z_const Bytef *)part->begin;
    stream->avail_in = (uInt)part->bytes;
    stream->next_out = part->compressed;
    stream->avail_out = (uInt)room;
    /* The room is the upper bound, so one call is enough. */
    const int rc = deflate(stream, part->last ? Z_FINISH : Z_SYNC_FLUSH);
    part->written = stream->total_out;
    return rc == (part->last ? Z_STREAM_END : Z_OK) && stream->avail_in == 0 ? 0 : -ENOMEM;
}

static void *compress_part(void *context)
{
    struct part *part = context;
    z_stream stream = {0};
    /* Level 1: texts with many repeated names shrink to about a tenth already. */
    part->result = deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, RAW_WINDOW_BITS,
                                GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK
                       ? deflate_part(part, &stream)
                       : -ENOMEM;
    part->crc = crc32(0, (const Bytef *)part->begin, (uInt)part->bytes);
    deflateEnd(&stream);
    return NULL;
}

/* The first part by this thread; all of them if no other can be started. */
static void compress_parts(struct part *parts, size_t count)
{
    pthread_t thread[MOST_PARTS];
    bool started[MOST_PARTS] = {false};
    for (size_t p = 1; p < count; p++)
        started[p] = pthread_create(&thread[p], NULL, compress_part, &parts[p]) == 0;
    for (size_t p = 0; p < count; p++)
        if (!started[p])
            (void)compress_part(&parts[p]);
    for (size_t p = 1; p < count; p++)
        if (started[p])
            pthread_join(thread[p], NULL);
}

static void write_little_endian(unsigned char *out, uint32_t number)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (unsigned char)(number >> 8 * i);
}

/* Header, parts and trailer as one member. */
static int join_parts(const struct part *parts, size_t count, char **ret_compressed,
                      size_t *ret_bytes)
{
    size_t bytes = sizeof(header) + TRAILER_BYTES, plain = 0;
    uLong crc = 0;
    for (size_t p = 0; p < count; p++)
        bytes += parts[p].written;
    unsigned char *compressed = malloc(bytes), *end = compressed;
    if (!compressed)
        return -ENOMEM;
    memcpy(end, header, sizeof(header));
    end += sizeof(header);
    for (size_t p = 0; p < count; p++) {
        memcpy(end, parts[p].compressed, parts[p].written);
        end += parts[p].written;
        crc = crc32_combine(crc, parts[p].crc, (z_off_t)parts[p].bytes);
        plain += parts[p].bytes;
    }
    write_little_endian(end, (uint32_t)crc);
    write_little_endian(end + 4, (uint32_t)plain);
    *ret_compressed = (char *)compressed;
    *ret_bytes = bytes;
    return 0;
}

static size_t part_count(size_t bytes)
{
    const size_t processors = process_processors();
    const size_t most = processors < MOST_PARTS ? processors : MOST_PARTS;
    return bytes / PART_BYTES < most ? bytes / PART_BYTES + (bytes < PART_BYTES) : most;
}

int gzip_compress(const char *plain, size_t bytes, char **ret_compressed, size_t *ret_bytes)
{
    struct part parts[MOST_PARTS];
    const size_t count = part_count(bytes);
    int rc = 0;
    for (size_t p = 0; p < count; p++) {
        const size_t begin = bytes * p / count;
        parts[p] = (struct part){.plain = plain,
                                 .begin = plain + begin,
                                 .bytes = bytes * (p + 1) / count - begin,
                                 .last = p + 1 == count};
    }
    compress_parts(parts, count);
    for (size_t p = 0; p < count; p++)
        rc = parts[p].result < 0 ? parts[p].result : rc;
    if (rc == 0)
        rc = join_parts(parts, count, ret_compressed, ret_bytes);
    for (size_t p = 0; p < count; p++)
        free(parts[p].compressed);
    return rc;
}
