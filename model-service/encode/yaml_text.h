/* yaml_text.h - text in a YAML file that people read: names as they are where YAML takes them for
 * text, double-quoted otherwise; and comments.
 * Rules: YAML 1.1 and 1.2, of which a word is quoted that means something in either. */
#ifndef ENCODE_YAML_TEXT_H
#define ENCODE_YAML_TEXT_H

#include "encode/buffer.h"

/* One scalar that any reader takes for exactly this text, in block and in flow context. text: UTF-8
 * without NUL. */
void yaml_text(struct buffer *out, const char *text);

/* Text within a comment: what would end the line, and what YAML does not allow, becomes '?'. */
void yaml_comment_text(struct buffer *out, const char *text);

#endif
