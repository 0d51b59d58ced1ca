/* quick.h - the one body that nearly every request has, without building a document. */
#ifndef JSON_QUICK_H
#define JSON_QUICK_H

#include "json/input.h"

/* Reads {"features": [<as many numbers as the schema has>]}, white space anywhere, into values.
 * True only for exactly that, with numeric features throughout; anything else, mistakes included,
 * is false and left to the JSON library, which reads the same bodies to the same values. */
bool json_quick_row(const char *body, size_t bytes, const struct schema *schema,
                    struct value *values);

#endif
