/* quick.h - the body that nearly every request to /predict has, read without building a document.
 */
#ifndef JSON_QUICK_H
#define JSON_QUICK_H

#include "json/input.h"

/* Reads {"features": [values] | {name: value}, "id": string}, the id optional, members and names in
 * any order, strings without escapes, into *row, whose values have room for the schema's features.
 * True for exactly that, with every feature there; anything else, mistakes included, is false and
 * left to the JSON library, which reads the same bodies to the same values. Texts point into the
 * body. Never true for more than INPUT_INLINE_FEATURES features. */
bool json_quick_row(const char *body, size_t bytes, const struct schema *schema, struct row *row);

#endif
