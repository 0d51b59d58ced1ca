/* json_writer.h - JSON text, written forwards into a buffer.
 *
 * The writer adds commas and quotes. The caller nests correctly: begin and end match, and a key
 * comes before each value of an object and nowhere else (asserts catch our own mistakes). Strings
 * are UTF-8; invalid bytes become U+FFFD. Non-finite numbers become null. Several
 * values at the top level are not separated. */
#ifndef ENCODE_JSON_WRITER_H
#define ENCODE_JSON_WRITER_H

#include "encode/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 32

struct json_writer {
    struct buffer *out;  /* borrowed */
    uint32_t has_member; /* bit per open container: a comma is due */
    uint32_t is_object;  /* bit per open container */
    unsigned depth;      /* open containers */
    bool after_key;
};

void json_init(struct json_writer *json, struct buffer *out);
void json_begin_object(struct json_writer *json);
void json_end_object(struct json_writer *json);
void json_begin_array(struct json_writer *json);
void json_end_array(struct json_writer *json);
void json_key(struct json_writer *json, const char *key);
void json_string(struct json_writer *json, const char *text);
void json_string_bytes(struct json_writer *json, const char *text, size_t bytes);
/* As number_format(), but negative zero is -0.0, since readers take -0 as an integer. */
void json_number(struct json_writer *json, double value);
void json_integer(struct json_writer *json, uint64_t value);
void json_boolean(struct json_writer *json, bool value);
void json_null(struct json_writer *json);
/* One value that is JSON text already; it is copied. */
void json_raw(struct json_writer *json, const char *text, size_t bytes);
/* A key prepared by the caller, quotes, escapes and colon included ("\"score\":"). */
void json_raw_key(struct json_writer *json, const char *text, size_t bytes);
/* A key that is a literal without a character to escape; costs a copy and nothing else. */
#define json_literal_key(json, key) json_raw_key(json, "\"" key "\":", sizeof("\"" key "\":") - 1)

/* key and value in one call */
void json_member_string(struct json_writer *json, const char *key, const char *text);
void json_member_number(struct json_writer *json, const char *key, double value);
void json_member_integer(struct json_writer *json, const char *key, uint64_t value);
void json_member_boolean(struct json_writer *json, const char *key, bool value);

#endif
