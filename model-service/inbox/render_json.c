/* render_json.c - see inbox/render.h: a message as JSON. The members are always the same, whatever
 * the sender left out; beside them is the payload as it was sent. */
#include "inbox/render.h"

#include "encode/json_writer.h"

static void put_actions(struct json_writer *json, const struct slack_action *actions, size_t count)
{
    json_key(json, "actions");
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(json);
        json_member_string(json, "text", actions[i].text);
        json_member_string(json, "url", actions[i].url);
        json_member_string(json, "style", actions[i].style);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_fields(struct json_writer *json, const struct slack_attachment *attachment)
{
    json_key(json, "fields");
    json_begin_array(json);
    for (size_t i = 0; i < attachment->field_count; i++) {
        json_begin_object(json);
        json_member_string(json, "title", attachment->fields[i].title);
        json_member_string(json, "value", attachment->fields[i].value.text);
        json_member_boolean(json, "short", attachment->fields[i].narrow);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_attachment(struct json_writer *json, const struct slack_attachment *attachment)
{
    json_begin_object(json);
    json_member_string(json, "color", attachment->color);
    json_member_string(json, "pretext", attachment->pretext.text);
    json_member_string(json, "title", attachment->title);
    json_member_string(json, "title_link", attachment->title_link);
    json_member_string(json, "text", attachment->text.text);
    json_member_string(json, "fallback", attachment->fallback);
    put_fields(json, attachment);
    put_actions(json, attachment->actions, attachment->action_count);
    json_member_string(json, "image_url", attachment->image_url);
    json_member_string(json, "thumb_url", attachment->thumb_url);
    json_member_string(json, "footer", attachment->footer);
    if (attachment->ts != 0)
        json_member_integer(json, "ts", (uint64_t)attachment->ts);
    json_end_object(json);
}

void slack_render_json(struct buffer *out, const struct slack_payload *payload,
                       int64_t received_seconds)
{
    char received_at[SLACK_TIME_BYTES];
    struct json_writer json;
    slack_time_iso(received_seconds, received_at);
    json_init(&json, out);
    json_begin_object(&json);
    json_member_string(&json, "received_at", received_at);
    json_member_string(&json, "channel", payload->channel);
    json_member_string(&json, "username", payload->username);
    json_member_string(&json, "text", payload->text);
    json_key(&json, "attachments");
    json_begin_array(&json);
    for (size_t i = 0; i < payload->attachment_count; i++)
        put_attachment(&json, &payload->attachments[i]);
    json_end_array(&json);
    json_key(&json, "payload");
    json_raw(&json, payload->json, payload->json_bytes);
    json_end_object(&json);
}
