/* refusals.h - what of a request's lines or instances was refused; for handlers of many. */
#ifndef SERVICE_REFUSALS_H
#define SERVICE_REFUSALS_H

#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "json/input.h"

#include <stdbool.h>
#include <stdint.h>

/* Refused lines or instances of a request that are listed; all are counted. */
#define REFUSALS_MAX_LISTED 100u

/* All are counted, the first REFUSALS_MAX_LISTED listed. Not to be moved: the list writes into
 * its own buffer. */
struct refusals {
    const char *place; /* "line" or "instance": what they are numbered by */
    uint64_t count, first_number;
    char first[INPUT_ERROR_BYTES];
    struct buffer errors;
    struct json_writer list;
    uint64_t listed;
};

void refusals_init(struct refusals *refusals, const char *place);
void refusals_finish(struct refusals *refusals);
void refusals_add(struct refusals *refusals, uint64_t number, const char *detail);
/* Into the list alone: something beside a line or instance that counts. */
void refusals_mention(struct refusals *refusals, uint64_t number, const char *detail);
/* The member "errors" of an open object, once. False without memory. */
bool refusals_write(struct refusals *refusals, struct json_writer *json);
/* One sentence when there was nothing but refusals: "none of 3 lines was <done>; ...". */
void refusals_sentence(const struct refusals *refusals, const char *done, char *out, size_t bytes);

#endif
