/* silence.h - a silence of Alertmanager (its API v2), made from what a page asks for. */
#ifndef JSON_SILENCE_H
#define JSON_SILENCE_H

#include "encode/buffer.h"
#include "json/input.h"

#include <stdbool.h>
#include <stdint.h>

#define SILENCE_MOST_SECONDS (30u * 86400)
/* Of the author and of the comment. */
#define SILENCE_TEXT_BYTES 500

/* Whether it is a JSON text, within the bounds of json/limit.h. */
bool json_text_is_valid(const char *text, size_t bytes);

/* body: {"alert": FINGERPRINT, "author": ..., "seconds": ..., "comment": ...}; alerts: what
 * Alertmanager says of /api/v2/alerts. Appends the silence that matches each label of that alert,
 * from now_ms on. 0; -EINVAL with the error (404: it is not among the alerts); -ENOMEM. */
NODISCARD int silence_of_body(const char *body, size_t bytes, const char *alerts,
                              size_t alerts_bytes, int64_t now_ms, struct buffer *out,
                              struct input_error *ret_error);

#endif
