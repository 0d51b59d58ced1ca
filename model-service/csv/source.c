/* source.c - see the header.
 *
 * A compressed file is decompressed piece by piece as it is read, so that it takes no more memory
 * than another, however much it holds. It may be several members one after the other, as `cat`
 * and programs that compress in parallel leave them. */
#include "csv/source.h"
#include "csv/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define INPUT_BYTES (64u << 10)
/* zlib: the largest window, and the header and trailer of gzip. */
#define GZIP_WINDOW_BITS (15 + 16)
/* A pipe's room, which the system lets anyone have: its writer stops less often. */
#define PIPE_BYTES (1 << 20)

struct csv_source {
    const char *path;
    int fd;
    bool begun, compressed, at_end; /* at_end: of what is in the file */
    bool in_member;                 /* a member has begun and not ended */
    z_stream stream;
    size_t input, input_at; /* bytes in the buffer, and how many of them have been used */
    unsigned char buffer[INPUT_BYTES];
};

int csv_source_open(const char *path, struct csv_source **ret_source, struct error *error)
{
    struct csv_source *source = calloc(1, sizeof(*source));
    if (!source)
        return csv_fail(path, error, -ENOMEM, 0, "%s", strerror(ENOMEM));
    source->path = path;
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0) {
        const int rc = csv_fail(path, error, -errno, 0, "%s", strerror(errno));
        free(source);
        return rc;
    }
    (void)fcntl(source->fd, F_SETPIPE_SZ, PIPE_BYTES); /* of a pipe; otherwise nothing happens */
    *ret_source = source;
    return 0;
}

void csv_source_close(struct csv_source *source)
{
    if (!source)
        return;
    if (source->compressed)
        inflateEnd(&source->stream);
    close(source->fd);
    free(source);
}

static ssize_t read_file(struct csv_source *source, void *bytes, size_t room, struct error *error)
{
    ssize_t n;
    do
        n = read(source->fd, bytes, room);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return csv_fail(source->path, error, -errno, 0, "%s", strerror(errno));
    source->at_end = n == 0;
    return n;
}

/* --- gzip --- */

static int fail_damaged(const struct csv_source *source, const char *what, struct error *error)
{
    return csv_fail(source->path, error, -EBADMSG, 0,
                    "the file is compressed with gzip, and %s; zcat shows how far it can be read",
                    what);
}

/* 1 with input, 0 at the end of the file, or an error. */
static int more_input(struct csv_source *source, struct error *error)
{
    if (source->input_at < source->input)
        return 1;
    const ssize_t n = read_file(source, source->buffer, sizeof(source->buffer), error);
    source->input = n > 0 ? (size_t)n : 0;
    source->input_at = 0;
    return n < 0 ? (int)n : n > 0;
}

/* Decompresses some of the input; how many bytes came of it, or an error. */
static ssize_t decompress(struct csv_source *source, char *text, size_t room, struct error *error)
{
    z_stream *stream = &source->stream;
    const unsigned most = room < INT32_MAX ? (unsigned)room : INT32_MAX;
    stream->next_in = source->buffer + source->input_at;
    stream->avail_in = (uInt)(source->input - source->input_at);
    stream->next_out = (Bytef *)text;
    stream->avail_out = most;
    const int rc = inflate(stream, Z_NO_FLUSH);
    source->input_at = source->input - stream->avail_in;
    source->in_member = rc != Z_STREAM_END;
    if (rc == Z_STREAM_END && inflateReset(stream) == Z_OK)
        return most - stream->avail_out;
    if (rc == Z_OK || rc == Z_BUF_ERROR)
        return most - stream->avail_out;
    if (rc == Z_MEM_ERROR)
        return csv_fail(source->path, error, -ENOMEM, 0, "%s", strerror(ENOMEM));
    return fail_damaged(source, "damaged", error);
}

static ssize_t read_compressed(struct csv_source *source, char *text, size_t room,
                               struct error *error)
{
    for (;;) {
        const int more = more_input(source, error);
        if (more < 0)
            return more;
        if (more == 0)
            return source->in_member ? fail_damaged(source, "cut short", error) : 0;
        const ssize_t n = decompress(source, text, room, error);
        if (n != 0)
            return n;
    }
}

/* --- the beginning --- */

/* Reads the first bytes and looks whether they are those of gzip (RFC 1952, section 2.3.1). */
static int begin(struct csv_source *source, struct error *error)
{
    source->begun = true;
    while (source->input < 3 && !source->at_end) {
        const ssize_t n = read_file(source, source->buffer + source->input,
                                    sizeof(source->buffer) - source->input, error);
        if (n < 0)
            return (int)n;
        source->input += (size_t)n;
    }
    if (source->input < 3 || memcmp(source->buffer, "\x1f\x8b\x08", 3) != 0)
        return 0;
    if (inflateInit2(&source->stream, GZIP_WINDOW_BITS) != Z_OK)
        return csv_fail(source->path, error, -ENOMEM, 0, "%s", strerror(ENOMEM));
    source->compressed = source->in_member = true;
    return 0;
}

ssize_t csv_source_read(struct csv_source *source, char *text, size_t room, struct error *error)
{
    const int rc = source->begun ? 0 : begin(source, error);
    if (rc < 0)
        return rc;
    if (source->compressed)
        return read_compressed(source, text, room, error);
    const size_t left = source->input - source->input_at;
    if (left == 0)
        return read_file(source, text, room, error);
    const size_t bytes = left < room ? left : room;
    memcpy(text, source->buffer + source->input_at, bytes);
    source->input_at += bytes;
    return (ssize_t)bytes;
}
