/* yaml_text.h - text and comments in a YAML file that people read. A name is written as it is where
 * YAML reads it as text, and with double quotes otherwise.
 * Rules: YAML 1.1 and 1.2; a word that means something else in either is quoted. */
#ifndef ENCODE_YAML_TEXT_H
#define ENCODE_YAML_TEXT_H

#include "encode/buffer.h"

/* One scalar that every reader reads as exactly this text, in block and in flow context. text:
 * UTF-8 without NUL. */
void yaml_text(struct buffer *out, const char *text);

/* Text within a comment. A character that would end the line, or that YAML forbids, becomes '?'. */
void yaml_comment_text(struct buffer *out, const char *text);

#endif
