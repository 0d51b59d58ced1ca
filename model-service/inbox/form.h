/* form.h - the parameter `payload` of a URL-encoded form. */
#ifndef INBOX_FORM_H
#define INBOX_FORM_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the header's value names the media type, whatever its parameters and case.
 * content_type: may be NULL. */
bool slack_media_type_is(const char *content_type, const char *media_type);

/* Where the value of the first `payload` parameter lies, still encoded; false when there is none.
 */
bool slack_form_find(const char *body, size_t bytes, const char **ret_value, size_t *ret_bytes);

/* Decodes `+` and %XX into out, which has room for bytes; returns the length. A `%` without two
 * hexadecimal digits stands for itself. */
size_t slack_form_decode(const char *value, size_t bytes, char *out);

#endif
