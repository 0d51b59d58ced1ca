/* refusals.c - what of a request's lines or instances was refused. */
#include "service/refusals.h"

#include <stdio.h>

void refusals_init(struct refusals *refusals, const char *place)
{
    *refusals = (struct refusals){.place = place};
    buffer_init(&refusals->errors, 256);
    json_init(&refusals->list, &refusals->errors);
    json_begin_array(&refusals->list);
}

void refusals_finish(struct refusals *refusals)
{
    buffer_finish(&refusals->errors);
}

void refusals_mention(struct refusals *refusals, uint64_t number, const char *detail)
{
    if (refusals->listed == REFUSALS_MAX_LISTED)
        return;
    refusals->listed++;
    json_begin_object(&refusals->list);
    json_member_integer(&refusals->list, refusals->place, number);
    json_member_string(&refusals->list, "detail", detail);
    json_end_object(&refusals->list);
}

void refusals_add(struct refusals *refusals, uint64_t number, const char *detail)
{
    if (refusals->count++ == 0) {
        refusals->first_number = number;
        snprintf(refusals->first, sizeof(refusals->first), "%s", detail);
    }
    refusals_mention(refusals, number, detail);
}

bool refusals_write(struct refusals *refusals, struct json_writer *json)
{
    json_end_array(&refusals->list);
    if (refusals->errors.error)
        return false;
    json_key(json, "errors");
    json_raw(json, refusals->errors.data, refusals->errors.length);
    return true;
}

void refusals_sentence(const struct refusals *refusals, const char *done, char *out, size_t bytes)
{
    if (refusals->count == 0)
        snprintf(out, bytes, "there is no %s in the body", refusals->place);
    else if (refusals->count == 1)
        snprintf(out, bytes, "%s", refusals->first);
    else
        snprintf(out, bytes, "none of %llu %ss was %s; %s %llu: %s",
                 (unsigned long long)refusals->count, refusals->place, done, refusals->place,
                 (unsigned long long)refusals->first_number, refusals->first);
}
