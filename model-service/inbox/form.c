/* form.c - see inbox/form.h. Rules: WHATWG URL, application/x-www-form-urlencoded. */
#include "inbox/form.h"

#include <string.h>
#include <strings.h>

bool slack_media_type_is(const char *content_type, const char *media_type)
{
    if (content_type == NULL)
        return false;
    content_type += strspn(content_type, " \t");
    size_t length = strcspn(content_type, "; \t");
    return length == strlen(media_type) && strncasecmp(content_type, media_type, length) == 0;
}

bool slack_form_find(const char *body, size_t bytes, const char **ret_value, size_t *ret_bytes)
{
    static const char name[] = "payload=";
    const size_t name_bytes = sizeof(name) - 1;
    const char *end = body + bytes;
    while (body < end) {
        const char *stop = memchr(body, '&', (size_t)(end - body));
        if (stop == NULL)
            stop = end;
        size_t length = (size_t)(stop - body);
        if (length >= name_bytes && memcmp(body, name, name_bytes) == 0) {
            *ret_value = body + name_bytes;
            *ret_bytes = length - name_bytes;
            return true;
        }
        body = stop + (stop < end);
    }
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

size_t slack_form_decode(const char *value, size_t bytes, char *out)
{
    size_t length = 0;
    for (size_t i = 0; i < bytes; i++) {
        char c = value[i];
        if (c == '%' && bytes - i > 2) {
            int high = hex_digit(value[i + 1]), low = hex_digit(value[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high * 16 + low);
                i += 2;
            }
        } else if (c == '+') {
            c = ' ';
        }
        out[length++] = c;
    }
    return length;
}
