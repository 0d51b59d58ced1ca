/* payload.c - see inbox/payload.h: the message and its attachments. The blocks are in
 * inbox/blocks.c. */
#include "inbox/payload.h"

#include "inbox/decoder.h"
#include "inbox/form.h"
#include "json/limit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Last second of the year 9999: later ones have no four-digit year to show. */
#define MAX_TS 253402300799LL

static const char *const refusal_words[SLACK_REFUSALS] = {
    [SLACK_INVALID_PAYLOAD] = "invalid_payload",
    [SLACK_NO_TEXT] = "no_text",
    [SLACK_MSG_TOO_LONG] = "msg_too_long",
    [SLACK_INVALID_ATTACHMENTS] = "invalid_attachments",
    [SLACK_TOO_MANY_ATTACHMENTS] = "too_many_attachments",
    [SLACK_INVALID_BLOCKS] = "invalid_blocks",
    [SLACK_INVALID_BLOCKS_FORMAT] = "invalid_blocks_format",
};

const char *slack_refusal_word(enum slack_refusal refusal)
{
    return refusal < SLACK_REFUSALS ? refusal_words[refusal] : "invalid_payload";
}

struct chunk {
    struct chunk *next;
    max_align_t data[];
};

void *slack_decoder_allocate(struct slack_decoder *decoder, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct chunk), &bytes))
        return NULL;
    struct chunk *chunk = calloc(1, bytes);
    if (chunk == NULL)
        return NULL;
    chunk->next = decoder->payload->arena;
    decoder->payload->arena = chunk;
    return chunk->data;
}

int slack_decoder_refuse(struct slack_decoder *decoder, enum slack_refusal refusal)
{
    decoder->refusal = refusal;
    return -EINVAL;
}

int slack_decoder_string(struct slack_decoder *decoder, const json_t *object, const char *key,
                         const char **ret_text)
{
    const json_t *value = json_object_get(object, key);
    *ret_text = "";
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return slack_decoder_refuse(decoder, decoder->shape);
    *ret_text = json_string_value(value);
    return 0;
}

int slack_decoder_list(struct slack_decoder *decoder, const json_t *object,
                       const struct slack_list *list, void **ret_elements, size_t *ret_count)
{
    const json_t *array = json_object_get(object, list->key);
    *ret_elements = NULL;
    *ret_count = 0;
    if (array == NULL || json_is_null(array))
        return 0;
    if (!json_is_array(array))
        return slack_decoder_refuse(decoder, list->wrong_shape);
    size_t count = json_array_size(array);
    if (count == 0)
        return 0;
    if (count > list->max)
        return slack_decoder_refuse(decoder, list->too_many);
    char *elements = slack_decoder_allocate(decoder, count, list->element_bytes);
    if (elements == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const json_t *element = json_array_get(array, i);
        if (!json_is_object(element))
            return slack_decoder_refuse(decoder, list->wrong_shape);
        int error = list->decode(decoder, element, elements + i * list->element_bytes);
        if (error < 0)
            return error;
    }
    *ret_elements = elements;
    *ret_count = count;
    return 0;
}

size_t slack_characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

struct string_member {
    const char *key;
    size_t offset;
};

static int decode_strings(struct slack_decoder *decoder, const json_t *object,
                          const struct string_member *members, size_t count, void *out)
{
    for (size_t i = 0; i < count; i++) {
        const char **text = (const char **)((char *)out + members[i].offset);
        int error = slack_decoder_string(decoder, object, members[i].key, text);
        if (error < 0)
            return error;
    }
    return 0;
}

/* Whether attachment.mrkdwn_in names the part; pretext, text and fields are formatted only then. */
static bool formats(const json_t *attachment, const char *part)
{
    const json_t *names = json_object_get(attachment, "mrkdwn_in"), *name;
    size_t i;
    json_array_foreach(names, i, name)
    {
        if (json_is_string(name) && strcmp(json_string_value(name), part) == 0)
            return true;
    }
    return false;
}

/* Clients send booleans, but also 1 and "true". */
static bool is_truthy(const json_t *value)
{
    if (json_is_string(value))
        return strcmp(json_string_value(value), "true") == 0;
    return json_is_true(value) || (json_is_number(value) && json_number_value(value) != 0);
}

static int decode_field(struct slack_decoder *decoder, const json_t *object, void *out)
{
    struct slack_field *field = out;
    int error = slack_decoder_string(decoder, object, "title", &field->title.text);
    if (error == 0)
        error = slack_decoder_string(decoder, object, "value", &field->value.text);
    field->value.mrkdwn = decoder->format_fields;
    field->narrow = is_truthy(json_object_get(object, "short"));
    return error;
}

static int decode_action(struct slack_decoder *decoder, const json_t *object, void *out)
{
    static const struct string_member members[] = {
        {"text", offsetof(struct slack_action, text)},
        {"url", offsetof(struct slack_action, url)},
        {"style", offsetof(struct slack_action, style)},
    };
    return decode_strings(decoder, object, members, sizeof(members) / sizeof(members[0]), out);
}

/* A number, or digits in a string; anything else is left out, as Slack does. */
static int64_t decode_ts(const json_t *value)
{
    double seconds = 0;
    if (json_is_number(value))
        seconds = json_number_value(value);
    else if (json_is_string(value))
        seconds = strtod(json_string_value(value), NULL);
    return seconds >= 1 && seconds <= (double)MAX_TS ? (int64_t)seconds : 0;
}

static const struct slack_list field_list = {
    "fields",
    sizeof(struct slack_field),
    SIZE_MAX,
    SLACK_INVALID_ATTACHMENTS,
    SLACK_INVALID_ATTACHMENTS,
    decode_field,
};
static const struct slack_list action_list = {
    "actions",
    sizeof(struct slack_action),
    SIZE_MAX,
    SLACK_INVALID_ATTACHMENTS,
    SLACK_INVALID_ATTACHMENTS,
    decode_action,
};

static int decode_attachment_lists(struct slack_decoder *decoder, const json_t *object,
                                   struct slack_attachment *attachment)
{
    void *elements;
    decoder->format_fields = formats(object, "fields");
    int error =
        slack_decoder_list(decoder, object, &field_list, &elements, &attachment->field_count);
    if (error < 0)
        return error;
    attachment->fields = elements;
    error = slack_decoder_list(decoder, object, &action_list, &elements, &attachment->action_count);
    if (error < 0)
        return error;
    attachment->actions = elements;
    error = slack_blocks_decode(decoder, object, &attachment->blocks, &attachment->block_count);
    /* Whatever is wrong with the blocks of an attachment, Slack blames the attachment. */
    return error == -EINVAL ? slack_decoder_refuse(decoder, SLACK_INVALID_ATTACHMENTS) : error;
}

static int decode_attachment(struct slack_decoder *decoder, const json_t *object, void *out)
{
    static const struct string_member members[] = {
        {"fallback", offsetof(struct slack_attachment, fallback)},
        {"color", offsetof(struct slack_attachment, color)},
        {"author_name", offsetof(struct slack_attachment, author_name)},
        {"author_link", offsetof(struct slack_attachment, author_link)},
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
    int error =
        decode_strings(decoder, object, members, sizeof(members) / sizeof(members[0]), attachment);
    if (error < 0)
        return error;
    attachment->pretext.mrkdwn = formats(object, "pretext");
    attachment->text.mrkdwn = formats(object, "text");
    attachment->ts = decode_ts(json_object_get(object, "ts"));
    error = decode_attachment_lists(decoder, object, attachment);
    if (error < 0)
        return error;
    /* Slack takes blocks or the older members, not both. */
    if (attachment->block_count > 0 &&
        (*attachment->text.text != '\0' || *attachment->footer != '\0' || attachment->ts != 0))
        return slack_decoder_refuse(decoder, SLACK_INVALID_ATTACHMENTS);
    return 0;
}

static const struct slack_list attachment_list = {
    "attachments",
    sizeof(struct slack_attachment),
    SLACK_MAX_ATTACHMENTS,
    SLACK_INVALID_ATTACHMENTS,
    SLACK_TOO_MANY_ATTACHMENTS,
    decode_attachment,
};

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static bool shows_something(const struct slack_payload *payload)
{
    if (!is_blank(payload->text.text) || payload->block_count > 0)
        return true;
    for (size_t i = 0; i < payload->attachment_count; i++) {
        const struct slack_attachment *a = &payload->attachments[i];
        if (a->field_count + a->action_count + a->block_count > 0 || !is_blank(a->text.text) ||
            !is_blank(a->title) || !is_blank(a->pretext.text) || !is_blank(a->fallback) ||
            !is_blank(a->author_name) || *a->image_url != '\0' || *a->thumb_url != '\0')
            return true;
    }
    return false;
}

static int decode_message(struct slack_decoder *decoder, const json_t *object)
{
    static const struct string_member members[] = {
        {"text", offsetof(struct slack_payload, text.text)},
        {"channel", offsetof(struct slack_payload, channel)},
        {"username", offsetof(struct slack_payload, username)},
        {"icon_emoji", offsetof(struct slack_payload, icon_emoji)},
        {"icon_url", offsetof(struct slack_payload, icon_url)},
    };
    struct slack_payload *payload = decoder->payload;
    if (!json_is_object(object))
        return slack_decoder_refuse(decoder, SLACK_INVALID_PAYLOAD);
    decoder->shape = SLACK_INVALID_PAYLOAD;
    int error =
        decode_strings(decoder, object, members, sizeof(members) / sizeof(members[0]), payload);
    if (error < 0)
        return error;
    payload->text.mrkdwn = !json_is_false(json_object_get(object, "mrkdwn"));
    if (slack_characters(payload->text.text) > SLACK_MAX_TEXT_CHARACTERS)
        return slack_decoder_refuse(decoder, SLACK_MSG_TOO_LONG);
    void *elements;
    error = slack_decoder_list(decoder, object, &attachment_list, &elements,
                               &payload->attachment_count);
    if (error < 0)
        return error;
    payload->attachments = elements;
    error = slack_blocks_decode(decoder, object, &payload->blocks, &payload->block_count);
    if (error == 0 && !shows_something(payload))
        return slack_decoder_refuse(decoder, SLACK_NO_TEXT);
    return error;
}

/* Sets payload->json to the message's JSON text. */
static int find_json(struct slack_decoder *decoder, const char *content_type, const char *body,
                     size_t bytes)
{
    struct slack_payload *payload = decoder->payload;
    payload->json = body;
    payload->json_bytes = bytes;
    if (!slack_media_type_is(content_type, "application/x-www-form-urlencoded"))
        return 0;
    const char *value;
    if (!slack_form_find(body, bytes, &value, &bytes))
        return slack_decoder_refuse(decoder, SLACK_INVALID_PAYLOAD);
    char *decoded = slack_decoder_allocate(decoder, bytes + 1, 1);
    if (decoded == NULL)
        return -ENOMEM;
    payload->json = decoded;
    payload->json_bytes = slack_form_decode(value, bytes, decoded);
    return 0;
}

static int parse_json(struct slack_decoder *decoder)
{
    json_error_t error;
    bool too_large;
    struct slack_payload *payload = decoder->payload;
    payload->document = json_limit_load(payload->json, payload->json_bytes, 0, &error, &too_large);
    if (payload->document != NULL)
        return 0;
    if (!too_large && json_error_code(&error) == json_error_out_of_memory)
        return -ENOMEM;
    return slack_decoder_refuse(decoder, SLACK_INVALID_PAYLOAD);
}

int slack_payload_decode(const char *content_type, const char *body, size_t bytes,
                         struct slack_payload *ret_payload, enum slack_refusal *ret_refusal)
{
    struct slack_payload payload = {0};
    struct slack_decoder decoder = {.payload = &payload};
    int error = find_json(&decoder, content_type, body, bytes);
    if (error == 0)
        error = parse_json(&decoder);
    if (error == 0)
        error = decode_message(&decoder, payload.document);
    if (error == 0) {
        *ret_payload = payload;
        return 0;
    }
    slack_payload_finish(&payload);
    if (error == -EINVAL)
        *ret_refusal = decoder.refusal;
    return error;
}

void slack_payload_finish(struct slack_payload *payload)
{
    json_limit_release(payload->document);
    for (struct chunk *chunk = payload->arena, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    *payload = (struct slack_payload){0};
}
