/* payload.c - see inbox/payload.h: the message and its attachments. */
#include "inbox/payload.h"

#include "text/utf8.h"
#include "json/limit.h"

#include <jansson.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Last second of the year 9999: later ones have no four-digit year to show. */
#define MAX_TS 253402300799LL

static const struct {
    const char *word, *reason;
} refusals[SLACK_REFUSALS] = {
    [SLACK_INVALID_PAYLOAD] = {"invalid_payload", "the body is not the JSON of a message"},
    [SLACK_NO_TEXT] = {"no_text", "the message has nothing to show"},
    [SLACK_MSG_TOO_LONG] = {"msg_too_long", "the text has more than 40000 characters"},
    [SLACK_INVALID_ATTACHMENTS] = {"invalid_attachments",
                                   "an attachment has a member of the wrong type"},
    [SLACK_TOO_MANY_ATTACHMENTS] = {"too_many_attachments",
                                    "the message has more than 100 attachments"},
    [SLACK_INVALID_BLOCKS] = {"invalid_blocks", "the message has blocks, which this inbox does not "
                                                "show; send text or attachments"},
};

const char *slack_refusal_word(enum slack_refusal refusal)
{
    return refusals[refusal].word;
}

const char *slack_refusal_reason(enum slack_refusal refusal)
{
    return refusals[refusal].reason;
}

struct decoder {
    struct slack_payload *payload;
    enum slack_refusal refusal; /* set with -EINVAL */
    enum slack_refusal shape;   /* what a member of the wrong type is, here */
    bool format_fields;         /* of the attachment being read */
};

/* Memory that is freed with the payload. */
struct chunk {
    struct chunk *next;
    max_align_t data[];
};

/* Zeroed; NULL if allocation fails. */
static void *allocate(struct decoder *decoder, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct chunk), &bytes))
        return NULL;
    struct chunk *chunk = calloc(1, bytes);
    if (!chunk)
        return NULL;
    chunk->next = decoder->payload->arena;
    decoder->payload->arena = chunk;
    return chunk->data;
}

static int refuse(struct decoder *decoder, enum slack_refusal refusal)
{
    decoder->refusal = refusal;
    return -EINVAL;
}

struct string_member {
    const char *key;
    size_t offset;
};

/* A string of the object: "" when it is absent or null. */
static int decode_string(struct decoder *decoder, const json_t *object,
                         const struct string_member *member, void *out)
{
    const char **text = (const char **)((char *)out + member->offset);
    const json_t *value = json_object_get(object, member->key);
    *text = "";
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return refuse(decoder, decoder->shape);
    *text = json_string_value(value);
    return 0;
}

static int decode_strings(struct decoder *decoder, const json_t *object,
                          const struct string_member *members, size_t count, void *out)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = decode_string(decoder, object, &members[i], out);
    return rc;
}

#define DECODE_STRINGS(decoder, object, members, out)                                              \
    decode_strings(decoder, object, members, sizeof(members) / sizeof((members)[0]), out)

/* A list of objects: attachments, fields or actions. */
struct list {
    const char *key;
    size_t element_bytes, max;
    enum slack_refusal too_many;
    int (*decode)(struct decoder *decoder, const json_t *object, void *out);
};

static int decode_elements(struct decoder *decoder, const json_t *array, const struct list *list,
                           char *elements)
{
    const json_t *element;
    size_t i;
    json_array_foreach (array, i, element) {
        if (!json_is_object(element))
            return refuse(decoder, SLACK_INVALID_ATTACHMENTS);
        int rc = list->decode(decoder, element, elements + i * list->element_bytes);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int decode_list(struct decoder *decoder, const json_t *object, const struct list *list,
                       void **ret_elements, size_t *ret_count)
{
    const json_t *array = json_object_get(object, list->key);
    *ret_elements = NULL;
    *ret_count = 0;
    if (!array || json_is_null(array))
        return 0;
    if (!json_is_array(array))
        return refuse(decoder, SLACK_INVALID_ATTACHMENTS);
    size_t count = json_array_size(array);
    if (count == 0)
        return 0;
    if (count > list->max)
        return refuse(decoder, list->too_many);
    void *elements = allocate(decoder, count, list->element_bytes);
    if (!elements)
        return -ENOMEM;
    int rc = decode_elements(decoder, array, list, elements);
    if (rc < 0)
        return rc;
    *ret_elements = elements;
    *ret_count = count;
    return 0;
}

/* Blocks are not shown, and a message that misses half of its content would look complete. */
static int refuse_blocks(struct decoder *decoder, const json_t *object)
{
    const json_t *blocks = json_object_get(object, "blocks");
    if (!blocks || json_is_null(blocks) || (json_is_array(blocks) && json_array_size(blocks) == 0))
        return 0;
    return refuse(decoder, SLACK_INVALID_BLOCKS);
}

/* Whether the attachment's mrkdwn_in names the part: pretext, text and fields are formatted only
 * then. */
static bool formats(const json_t *attachment, const char *part)
{
    const json_t *names = json_object_get(attachment, "mrkdwn_in"), *name;
    size_t i;
    json_array_foreach (names, i, name) {
        if (json_is_string(name) && strcmp(json_string_value(name), part) == 0)
            return true;
    }
    return false;
}

static int decode_field(struct decoder *decoder, const json_t *object, void *out)
{
    static const struct string_member members[] = {
        {"title", offsetof(struct slack_field, title)},
        {"value", offsetof(struct slack_field, value.text)},
    };
    struct slack_field *field = out;
    field->value.mrkdwn = decoder->format_fields;
    field->narrow = json_is_true(json_object_get(object, "short"));
    return DECODE_STRINGS(decoder, object, members, field);
}

static int decode_action(struct decoder *decoder, const json_t *object, void *out)
{
    static const struct string_member members[] = {
        {"text", offsetof(struct slack_action, text)},
        {"url", offsetof(struct slack_action, url)},
        {"style", offsetof(struct slack_action, style)},
    };
    return DECODE_STRINGS(decoder, object, members, out);
}

/* Anything but a second of the years 1970 to 9999 is left out, as Slack does. */
static int64_t decode_ts(const json_t *value)
{
    json_int_t seconds = json_is_integer(value) ? json_integer_value(value) : 0;
    return seconds >= 1 && seconds <= MAX_TS ? seconds : 0;
}

static int decode_attachment_lists(struct decoder *decoder, const json_t *object,
                                   struct slack_attachment *attachment)
{
    static const struct list fields = {"fields", sizeof(struct slack_field), SIZE_MAX,
                                       SLACK_INVALID_ATTACHMENTS, decode_field};
    static const struct list actions = {"actions", sizeof(struct slack_action), SIZE_MAX,
                                        SLACK_INVALID_ATTACHMENTS, decode_action};
    void *elements;
    decoder->format_fields = formats(object, "fields");
    int rc = decode_list(decoder, object, &fields, &elements, &attachment->field_count);
    if (rc < 0)
        return rc;
    attachment->fields = elements;
    rc = decode_list(decoder, object, &actions, &elements, &attachment->action_count);
    if (rc < 0)
        return rc;
    attachment->actions = elements;
    return refuse_blocks(decoder, object);
}

static int decode_attachment(struct decoder *decoder, const json_t *object, void *out)
{
    static const struct string_member members[] = {
        {"fallback", offsetof(struct slack_attachment, fallback)},
        {"color", offsetof(struct slack_attachment, color)},
        {"title", offsetof(struct slack_attachment, title)},
        {"title_link", offsetof(struct slack_attachment, title_link)},
        {"footer", offsetof(struct slack_attachment, footer)},
        {"image_url", offsetof(struct slack_attachment, image_url)},
        {"thumb_url", offsetof(struct slack_attachment, thumb_url)},
        {"pretext", offsetof(struct slack_attachment, pretext.text)},
        {"text", offsetof(struct slack_attachment, text.text)},
    };
    struct slack_attachment *attachment = out;
    decoder->shape = SLACK_INVALID_ATTACHMENTS;
    int rc = DECODE_STRINGS(decoder, object, members, attachment);
    if (rc < 0)
        return rc;
    attachment->pretext.mrkdwn = formats(object, "pretext");
    attachment->text.mrkdwn = formats(object, "text");
    attachment->ts = decode_ts(json_object_get(object, "ts"));
    return decode_attachment_lists(decoder, object, attachment);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static bool shows_something(const struct slack_payload *payload)
{
    if (!is_blank(payload->text))
        return true;
    for (size_t i = 0; i < payload->attachment_count; i++) {
        const struct slack_attachment *a = &payload->attachments[i];
        if (a->field_count + a->action_count > 0 || !is_blank(a->text.text) ||
            !is_blank(a->title) || !is_blank(a->pretext.text) || !is_blank(a->fallback) ||
            *a->image_url || *a->thumb_url)
            return true;
    }
    return false;
}

static int decode_message(struct decoder *decoder, const json_t *object)
{
    static const struct string_member members[] = {
        {"text", offsetof(struct slack_payload, text)},
        {"channel", offsetof(struct slack_payload, channel)},
        {"username", offsetof(struct slack_payload, username)},
    };
    static const struct list attachments = {"attachments", sizeof(struct slack_attachment),
                                            SLACK_MAX_ATTACHMENTS, SLACK_TOO_MANY_ATTACHMENTS,
                                            decode_attachment};
    struct slack_payload *payload = decoder->payload;
    void *elements;
    if (!json_is_object(object))
        return refuse(decoder, SLACK_INVALID_PAYLOAD);
    decoder->shape = SLACK_INVALID_PAYLOAD;
    int rc = DECODE_STRINGS(decoder, object, members, payload);
    if (rc < 0)
        return rc;
    if (utf8_characters(payload->text) > SLACK_MAX_TEXT_CHARACTERS)
        return refuse(decoder, SLACK_MSG_TOO_LONG);
    rc = decode_list(decoder, object, &attachments, &elements, &payload->attachment_count);
    if (rc < 0)
        return rc;
    payload->attachments = elements;
    rc = refuse_blocks(decoder, object);
    if (rc < 0)
        return rc;
    return shows_something(payload) ? 0 : refuse(decoder, SLACK_NO_TEXT);
}

static int parse_json(struct decoder *decoder)
{
    json_error_t error;
    bool too_large;
    struct slack_payload *payload = decoder->payload;
    payload->document = json_limit_load(payload->json, payload->json_bytes, 0, &error, &too_large);
    if (payload->document)
        return 0;
    if (!too_large && json_error_code(&error) == json_error_out_of_memory)
        return -ENOMEM;
    return refuse(decoder, SLACK_INVALID_PAYLOAD);
}

int slack_payload_decode(const char *body, size_t bytes, struct slack_payload *ret_payload,
                         enum slack_refusal *ret_refusal)
{
    struct slack_payload payload = {.json = body, .json_bytes = bytes};
    struct decoder decoder = {.payload = &payload};
    int rc = parse_json(&decoder);
    if (rc == 0)
        rc = decode_message(&decoder, payload.document);
    if (rc == 0) {
        *ret_payload = payload;
        return 0;
    }
    slack_payload_finish(&payload);
    if (rc == -EINVAL)
        *ret_refusal = decoder.refusal;
    return rc;
}

void slack_payload_finish(struct slack_payload *payload)
{
    json_limit_release(payload->document);
    for (struct chunk *chunk = payload->arena, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    *payload = (struct slack_payload){0};
}
