/* fuzz_slack.c - the webhook decoder and the renderers, on any bytes. The first byte says what the
 * rest is: `t` a text in Slack's markup, else JSON.
 * Run by scripts/fuzz.sh slack. */
#include "inbox/html_check.h"
#include "inbox/mrkdwn.h"
#include "inbox/payload.h"
#include "inbox/render.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_sound(const struct buffer *html)
{
    if (html->error == 0 && (html->length == 0 || html_fault(html->data, html->length) == NULL))
        return;
    fprintf(stderr, "unsound HTML: %.*s\n", (int)html->length, html->data);
    abort();
}

static void render_text(const uint8_t *data, size_t size)
{
    struct buffer html;
    char *text = calloc(1, size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    for (enum mrkdwn_style style = MRKDWN_PLAIN; style <= MRKDWN_FULL; style++) {
        buffer_init(&html, 0);
        mrkdwn_render(&html, text, style);
        require_sound(&html);
        buffer_finish(&html);
    }
    free(text);
}

static void render_payload(const struct slack_payload *payload)
{
    struct buffer html, json;
    buffer_init(&html, 0);
    buffer_init(&json, 0);
    slack_render_html(&html, payload, 1795516800, 1);
    slack_render_json(&json, payload, 1795516800);
    require_sound(&html);
    if (json.error < 0)
        abort();
    buffer_finish(&html);
    buffer_finish(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slack_payload payload;
    enum slack_refusal refusal;
    if (size == 0)
        return 0;
    if (data[0] == 't') {
        render_text(data + 1, size - 1);
        return 0;
    }
    if (slack_payload_decode((const char *)data + 1, size - 1, &payload, &refusal) == 0) {
        render_payload(&payload);
        slack_payload_finish(&payload);
    }
    return 0;
}
