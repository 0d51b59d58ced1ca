/* place.h - where in a JSON text an offset lies, as a path of keys and indices. */
#ifndef JSON_PLACE_H
#define JSON_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* {"instances": [{"features": {"name": value}}]} is the deepest body there is. */
#define JSON_PLACE_LEVELS 4

struct json_level {
    bool array;
    size_t index;    /* of an array's element */
    const char *key; /* of an object's member, as written, in the text; NULL before the first */
    size_t key_bytes;
    /* of an object's member "name", if that is a string and has come already: as written, without
     * its quotes; else NULL */
    const char *name;
    size_t name_bytes;
};

struct json_place {
    struct json_level level[JSON_PLACE_LEVELS];
    size_t depth;      /* open arrays and objects; those beyond the levels are only counted */
    const char *token; /* the last number, word or string that ends at the offset */
    size_t token_bytes;
};

/* text: `bytes` bytes that a JSON parser has accepted as the beginning of a document, ending after
 * a token. O(bytes); no allocation. */
void json_place_find(const char *text, size_t bytes, struct json_place *ret_place);

/* Whether the member open at a level has this key (written without escapes). */
bool json_place_has_key(const struct json_place *place, size_t level, const char *key);

#endif
