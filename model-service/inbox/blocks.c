/* blocks.c - Block Kit blocks of a message: what each kind must have, and its limits, as
 * Slack documents them. */
#include "inbox/decoder.h"

#include <errno.h>
#include <string.h>

/* Slack's limits, in characters or elements. */
#define MAX_SECTION_TEXT     3000u
#define MAX_SECTION_FIELDS   10u
#define MAX_FIELD_TEXT       2000u
#define MAX_HEADER_TEXT      150u
#define MAX_CONTEXT_ELEMENTS 10u
#define MAX_ACTION_ELEMENTS  25u
#define MAX_BUTTON_TEXT      75u
#define MAX_URL              3000u
#define MAX_ALT_TEXT         2000u
#define MAX_BLOCK_ID         255u
#define MAX_MARKDOWN         12000u

static int refuse(struct slack_decoder *decoder)
{
    return slack_decoder_refuse(decoder, SLACK_INVALID_BLOCKS);
}

/* A required string of 1 to max characters. */
static int decode_required(struct slack_decoder *decoder, const json_t *object, const char *key,
                           size_t max, const char **ret_text)
{
    int error = slack_decoder_string(decoder, object, key, ret_text);
    if (error < 0)
        return error;
    size_t length = slack_characters(*ret_text);
    return length >= 1 && length <= max ? 0 : refuse(decoder);
}

/* A text object: {"type": "mrkdwn" | "plain_text", "text": ...}. */
static int decode_text(struct slack_decoder *decoder, const json_t *object, size_t max,
                       bool plain_only, struct slack_text *ret_text)
{
    const char *type;
    int error = slack_decoder_string(decoder, object, "type", &type);
    if (error < 0)
        return error;
    ret_text->mrkdwn = strcmp(type, "mrkdwn") == 0;
    if (strcmp(type, "plain_text") != 0 && (plain_only || !ret_text->mrkdwn))
        return refuse(decoder);
    return decode_required(decoder, object, "text", max, &ret_text->text);
}

static int decode_field(struct slack_decoder *decoder, const json_t *object, void *out)
{
    return decode_text(decoder, object, MAX_FIELD_TEXT, false, out);
}

/* A text object, or a small image, of which the alternative text is kept. */
static int decode_context_element(struct slack_decoder *decoder, const json_t *object, void *out)
{
    const char *type;
    struct slack_text *text = out;
    int error = slack_decoder_string(decoder, object, "type", &type);
    if (error < 0)
        return error;
    if (strcmp(type, "image") == 0)
        return decode_required(decoder, object, "alt_text", MAX_ALT_TEXT, &text->text);
    return decode_text(decoder, object, MAX_SECTION_TEXT, false, text);
}

static int decode_button(struct slack_decoder *decoder, const json_t *object,
                         struct slack_action *action)
{
    struct slack_text text = {"", false};
    const json_t *label = json_object_get(object, "text");
    if (!json_is_object(label))
        return refuse(decoder);
    int error = decode_text(decoder, label, MAX_BUTTON_TEXT, true, &text);
    if (error == 0)
        error = slack_decoder_string(decoder, object, "url", &action->url);
    if (error == 0)
        error = slack_decoder_string(decoder, object, "style", &action->style);
    if (error < 0)
        return error;
    action->text = text.text;
    bool known = *action->style == '\0' || strcmp(action->style, "primary") == 0 ||
                 strcmp(action->style, "danger") == 0;
    return known && slack_characters(action->url) <= MAX_URL ? 0 : refuse(decoder);
}

/* A button, or another interactive element, of which the type is shown. */
static int decode_element(struct slack_decoder *decoder, const json_t *object, void *out)
{
    struct slack_action *action = out;
    const char *type;
    int error = slack_decoder_string(decoder, object, "type", &type);
    if (error < 0)
        return error;
    if (*type == '\0')
        return refuse(decoder);
    if (strcmp(type, "button") == 0)
        return decode_button(decoder, object, action);
    *action = (struct slack_action){.text = type, .url = "", .style = ""};
    return 0;
}

static const struct slack_list section_fields = {
    "fields",
    sizeof(struct slack_text),
    MAX_SECTION_FIELDS,
    SLACK_INVALID_BLOCKS,
    SLACK_INVALID_BLOCKS,
    decode_field,
};
static const struct slack_list context_elements = {
    "elements",           sizeof(struct slack_text), MAX_CONTEXT_ELEMENTS,
    SLACK_INVALID_BLOCKS, SLACK_INVALID_BLOCKS,      decode_context_element,
};
static const struct slack_list action_elements = {
    "elements",           sizeof(struct slack_action), MAX_ACTION_ELEMENTS,
    SLACK_INVALID_BLOCKS, SLACK_INVALID_BLOCKS,        decode_element,
};

static int decode_fields(struct slack_decoder *decoder, const json_t *object,
                         const struct slack_list *list, struct slack_block *block)
{
    void *elements;
    int error = slack_decoder_list(decoder, object, list, &elements, &block->field_count);
    if (error == 0)
        block->fields = elements;
    return error;
}

/* One button beside a section's text; other accessories are not shown. */
static int decode_accessory(struct slack_decoder *decoder, const json_t *accessory,
                            struct slack_block *block)
{
    if (accessory == NULL || json_is_null(accessory))
        return 0;
    if (!json_is_object(accessory))
        return refuse(decoder);
    const char *type;
    int error = slack_decoder_string(decoder, accessory, "type", &type);
    if (error < 0 || strcmp(type, "button") != 0)
        return error;
    block->actions = slack_decoder_allocate(decoder, 1, sizeof(*block->actions));
    if (block->actions == NULL)
        return -ENOMEM;
    block->action_count = 1;
    return decode_button(decoder, accessory, &block->actions[0]);
}

static int decode_section(struct slack_decoder *decoder, const json_t *object,
                          struct slack_block *block)
{
    const json_t *text = json_object_get(object, "text");
    int error = decode_fields(decoder, object, &section_fields, block);
    if (error < 0)
        return error;
    if (json_is_object(text))
        error = decode_text(decoder, text, MAX_SECTION_TEXT, false, &block->text);
    else if (block->field_count == 0 || (text != NULL && !json_is_null(text)))
        return refuse(decoder);
    return error < 0 ? error
                     : decode_accessory(decoder, json_object_get(object, "accessory"), block);
}

static int decode_header(struct slack_decoder *decoder, const json_t *object,
                         struct slack_block *block)
{
    const json_t *text = json_object_get(object, "text");
    if (!json_is_object(text))
        return refuse(decoder);
    return decode_text(decoder, text, MAX_HEADER_TEXT, true, &block->text);
}

static int decode_context(struct slack_decoder *decoder, const json_t *object,
                          struct slack_block *block)
{
    int error = decode_fields(decoder, object, &context_elements, block);
    return error == 0 && block->field_count == 0 ? refuse(decoder) : error;
}

static int decode_actions(struct slack_decoder *decoder, const json_t *object,
                          struct slack_block *block)
{
    void *elements;
    int error =
        slack_decoder_list(decoder, object, &action_elements, &elements, &block->action_count);
    if (error < 0)
        return error;
    block->actions = elements;
    return block->action_count == 0 ? refuse(decoder) : 0;
}

/* image_url or slack_file; shown by its title or alternative text, as a link. */
static int decode_image(struct slack_decoder *decoder, const json_t *object,
                        struct slack_block *block)
{
    const json_t *title = json_object_get(object, "title");
    int error = decode_required(decoder, object, "alt_text", MAX_ALT_TEXT, &block->text.text);
    if (error == 0)
        error = slack_decoder_string(decoder, object, "image_url", &block->image_url);
    if (error == 0 && json_is_object(title))
        error = decode_text(decoder, title, MAX_ALT_TEXT, true, &block->text);
    if (error < 0)
        return error;
    bool has_file = json_is_object(json_object_get(object, "slack_file"));
    return has_file || *block->image_url != '\0' ? 0 : refuse(decoder);
}

static int decode_markdown(struct slack_decoder *decoder, const json_t *object,
                           struct slack_block *block)
{
    block->text.mrkdwn = true;
    return decode_required(decoder, object, "text", MAX_MARKDOWN, &block->text.text);
}

static int decode_nothing(struct slack_decoder *decoder, const json_t *object,
                          struct slack_block *block)
{
    (void)decoder, (void)object, (void)block;
    return 0;
}

struct block_type {
    const char *type;
    enum slack_block_kind kind;
    int (*decode)(struct slack_decoder *decoder, const json_t *object, struct slack_block *block);
};

static const struct block_type block_types[] = {
    {"section", SLACK_BLOCK_SECTION, decode_section},
    {"header", SLACK_BLOCK_HEADER, decode_header},
    {"divider", SLACK_BLOCK_DIVIDER, decode_nothing},
    {"context", SLACK_BLOCK_CONTEXT, decode_context},
    {"actions", SLACK_BLOCK_ACTIONS, decode_actions},
    {"image", SLACK_BLOCK_IMAGE, decode_image},
    {"markdown", SLACK_BLOCK_SECTION, decode_markdown},
    {"rich_text", SLACK_BLOCK_OTHER, decode_nothing},
    {"table", SLACK_BLOCK_OTHER, decode_nothing},
    {"video", SLACK_BLOCK_OTHER, decode_nothing},
    {"file", SLACK_BLOCK_OTHER, decode_nothing},
    {"context_actions", SLACK_BLOCK_OTHER, decode_nothing},
};

static int decode_block(struct slack_decoder *decoder, const json_t *object, void *out)
{
    struct slack_block *block = out;
    const char *id;
    block->text.text = block->image_url = "";
    decoder->shape = SLACK_INVALID_BLOCKS;
    int error = slack_decoder_string(decoder, object, "type", &block->type);
    if (error == 0)
        error = slack_decoder_string(decoder, object, "block_id", &id);
    if (error < 0)
        return error;
    if (slack_characters(id) > MAX_BLOCK_ID)
        return refuse(decoder);
    for (size_t i = 0; i < sizeof(block_types) / sizeof(block_types[0]); i++) {
        if (strcmp(block->type, block_types[i].type) == 0) {
            block->kind = block_types[i].kind;
            return block_types[i].decode(decoder, object, block);
        }
    }
    return refuse(decoder);
}

int slack_blocks_decode(struct slack_decoder *decoder, const json_t *object,
                        struct slack_block **ret_blocks, size_t *ret_count)
{
    static const struct slack_list list = {
        "blocks",
        sizeof(struct slack_block),
        SLACK_MAX_BLOCKS,
        SLACK_INVALID_BLOCKS_FORMAT,
        SLACK_INVALID_BLOCKS,
        decode_block,
    };
    void *elements;
    int error = slack_decoder_list(decoder, object, &list, &elements, ret_count);
    if (error == 0)
        *ret_blocks = elements;
    return error;
}
