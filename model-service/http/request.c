/* request.c - the head of a request; see the header. */
#include "http/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VERSION_BYTES 8 /* "HTTP/1.1" */

static const struct http_refusal request_line = {
    400, "the request line must be METHOD, a space, TARGET, a space and HTTP/1.1"};

void http_head_init(struct http_head *head)
{
    head->method = head->target = NULL;
    head->field_count = head->bytes = head->line = head->scanned = 0;
    head->refusal.status = 0;
}

bool http_is_token_byte(char c)
{
    static const char token[] = "................................"
                                ".x.xxxxx..xx.xx.xxxxxxxxxx......"  /*  !"#$%&'()*+,-./ 0 to ? */
                                ".xxxxxxxxxxxxxxxxxxxxxxxxxx...xx"  /* @ to _ */
                                "xxxxxxxxxxxxxxxxxxxxxxxxxxx.x.x."; /* ` to ~ */
    return (unsigned char)c < 128 && token[(unsigned char)c] == 'x';
}

static enum http_reading wrong(struct http_head *head, unsigned status, const char *detail)
{
    head->refusal = (struct http_refusal){status, detail};
    return HTTP_READING_WRONG;
}

/* Whether one of eight bytes is below 0x20 or 0x7f. */
static bool has_control(const char *bytes)
{
    const uint64_t each = UINT64_MAX / 255, high = each * 0x80;
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    const uint64_t deletes = word ^ each * 0x7f;
    return (((word - each * 0x20) & ~word) | ((deletes - each) & ~deletes)) & high;
}

/* The first control character from `at` on but for tabs; `count` if there is none. */
static size_t find_control(const char *bytes, size_t at, size_t count)
{
    for (;; at++) {
        while (at + sizeof(uint64_t) <= count && !has_control(bytes + at))
            at += sizeof(uint64_t);
        if (at >= count)
            return count;
        const unsigned char c = (unsigned char)bytes[at];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return at;
    }
}

/* Reads on to the end of a line. DONE: bytes[scanned] is its CR, and LF follows. */
static enum http_reading find_line_end(struct http_head *head, const char *bytes, size_t count)
{
    head->scanned = find_control(bytes, head->scanned, count);
    if (head->scanned == count)
        return HTTP_READING_MORE;
    if (bytes[head->scanned] == '\n')
        return wrong(head, 400, "a line of the request ends with LF alone instead of CR LF");
    if (bytes[head->scanned] != '\r')
        return wrong(head, 400, "the request has a control character in its head");
    if (head->scanned + 1 == count)
        return HTTP_READING_MORE;
    if (bytes[head->scanned + 1] != '\n')
        return wrong(head, 400, "a line of the request has a CR that no LF follows");
    return HTTP_READING_DONE;
}

/* The length of the token at the start of a text. */
static size_t token_bytes(const char *text, size_t bytes)
{
    size_t length = 0;
    while (length < bytes && http_is_token_byte(text[length]))
        length++;
    return length;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum http_reading read_version(struct http_head *head, const char *version, size_t bytes)
{
    if (bytes != VERSION_BYTES || memcmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) ||
        version[6] != '.' || !is_digit(version[7]))
        return wrong(head, request_line.status, request_line.detail);
    if (version[5] != '1')
        return wrong(head, 505, "this server speaks HTTP/1.1 and HTTP/1.0");
    head->minor = version[7] != '0';
    return HTTP_READING_DONE;
}

static enum http_reading read_request_line(struct http_head *head, char *line, size_t bytes)
{
    const size_t method_bytes = token_bytes(line, bytes);
    if (method_bytes == 0 || method_bytes == bytes || line[method_bytes] != ' ')
        return wrong(head, request_line.status, request_line.detail);
    char *target = line + method_bytes + 1;
    const size_t rest = bytes - method_bytes - 1;
    char *end = memchr(target, ' ', rest);
    if (!end || end == target || memchr(target, '\t', rest))
        return wrong(head, request_line.status, request_line.detail);
    const enum http_reading reading = read_version(head, end + 1, (size_t)(line + bytes - end) - 1);
    if (reading != HTTP_READING_DONE)
        return reading;
    line[method_bytes] = *end = '\0';
    head->method = line;
    head->target = target;
    head->target_bytes = (size_t)(end - target);
    return HTTP_READING_DONE;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the blanks off both ends of a value and ends it with a NUL. */
static void set_value(struct http_field *field, char *text, char *end)
{
    while (text < end && is_blank(*text))
        text++;
    while (end > text && is_blank(end[-1]))
        end--;
    *end = '\0';
    field->value = text;
    field->value_bytes = (uint32_t)(end - text);
}

static enum http_reading read_field(struct http_head *head, char *line, size_t bytes)
{
    const size_t name_bytes = token_bytes(line, bytes);
    if (is_blank(line[0]))
        return wrong(head, 400, "a header goes on in a line that begins with a space or a tab");
    if (name_bytes < bytes && name_bytes > 0 && is_blank(line[name_bytes]))
        return wrong(head, 400, "a header's name ends with a space or a tab");
    if (name_bytes == 0 || name_bytes == bytes || line[name_bytes] != ':')
        return wrong(head, 400, "a header must be a name, a colon and a value");
    if (head->field_count == HTTP_MAX_FIELDS)
        return wrong(head, 431, "the request has too many headers");
    struct http_field *field = &head->fields[head->field_count++];
    line[name_bytes] = '\0';
    field->name = line;
    field->name_bytes = (uint32_t)name_bytes;
    set_value(field, line + name_bytes + 1, line + bytes);
    return HTTP_READING_DONE;
}

static enum http_reading too_long(struct http_head *head)
{
    return head->method ? wrong(head, 431, "the request line and headers are too long")
                        : wrong(head, 414, "the request line is too long");
}

/* Takes a complete line; MORE: others follow. */
static enum http_reading read_line(struct http_head *head, char *line, size_t bytes)
{
    if (bytes == 0 && head->method)
        return HTTP_READING_DONE;
    /* Empty lines before a request are to be ignored. */
    if (bytes == 0)
        return HTTP_READING_MORE;
    const enum http_reading reading =
        head->method ? read_field(head, line, bytes) : read_request_line(head, line, bytes);
    return reading == HTTP_READING_DONE ? HTTP_READING_MORE : reading;
}

enum http_reading http_head_read(struct http_head *head, char *bytes, size_t count, size_t limit)
{
    const size_t end = count < limit ? count : limit;
    enum http_reading reading = HTTP_READING_MORE;
    while (reading == HTTP_READING_MORE) {
        reading = find_line_end(head, bytes, end);
        if (reading != HTTP_READING_DONE)
            break;
        const size_t line = head->line;
        const size_t line_bytes = head->scanned - line;
        head->line = head->scanned += 2;
        reading = read_line(head, bytes + line, line_bytes);
    }
    if (reading == HTTP_READING_MORE && count >= limit)
        return too_long(head);
    head->bytes = head->line;
    return reading;
}

const char *http_head_field(const struct http_head *head, const char *name)
{
    const size_t bytes = strlen(name);
    for (size_t i = 0; i < head->field_count; i++)
        if (head->fields[i].name_bytes == bytes &&
            strncasecmp(head->fields[i].name, name, bytes) == 0)
            return head->fields[i].value;
    return NULL;
}
