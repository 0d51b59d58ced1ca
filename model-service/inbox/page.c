/* page.c - see inbox/page.h. The page's files are compiled in. */
#include "inbox/page.h"

#include "encode/json_writer.h"
#include "inbox/mrkdwn.h"
#include "text/number.h"

#include "web/inbox_css.h"
#include "web/inbox_html.h"
#include "web/inbox_js.h"
#include "web/inbox_svg.h"

#include <string.h>

/* What the places of the page, {{name}}, are filled from. */
struct fill {
    struct buffer *out;
    const struct slack_snapshot *snapshot;
    const char *host;
};

static void put_number(struct buffer *out, uint64_t value)
{
    char digits[NUMBER_MAX_BYTES];
    buffer_append(out, digits, number_format_u64(value, digits));
}

static void put_messages(struct buffer *out, const struct slack_snapshot *snapshot)
{
    for (size_t i = snapshot->count; i-- > 0;) {
        const struct slack_message *message = snapshot->messages[i];
        buffer_append_text(out, "<article class=\"message\" id=\"m");
        put_number(out, message->id);
        buffer_append_text(out, "\">");
        buffer_append(out, message->html, message->html_bytes);
        buffer_append_text(out, "</article>\n");
    }
}

static void fill_messages(const struct fill *fill)
{
    put_messages(fill->out, fill->snapshot);
}

static void fill_generation(const struct fill *fill)
{
    put_number(fill->out, fill->snapshot->generation);
}

static void fill_last(const struct fill *fill)
{
    put_number(fill->out, fill->snapshot->total);
}

static void fill_kept(const struct fill *fill)
{
    put_number(fill->out, fill->snapshot->kept);
}

/* The class of the page's body: the style shows either the messages or how to send one. */
static void fill_state(const struct fill *fill)
{
    buffer_append_text(fill->out, fill->snapshot->count > 0 ? "filled" : "empty");
}

/* The address that the reader's browser asked for, if it consists of an address's characters. */
static void fill_host(const struct fill *fill)
{
    const char *host = fill->host;
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.:-_[]";
    if (!host || !*host || host[strspn(host, allowed)] != '\0')
        host = "127.0.0.1:9095";
    buffer_append_text(fill->out, host);
}

static const struct place {
    const char *name;
    void (*fill)(const struct fill *fill);
} places[] = {
    {"messages", fill_messages}, {"generation", fill_generation}, {"last", fill_last},
    {"kept", fill_kept},         {"state", fill_state},           {"host", fill_host},
};

static void fill_place(const struct fill *fill, const char *name, size_t bytes)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strlen(places[i].name) == bytes && memcmp(places[i].name, name, bytes) == 0)
            places[i].fill(fill);
    }
}

void slack_page_render(struct buffer *out, const struct slack_snapshot *snapshot, const char *host)
{
    const struct fill fill = {out, snapshot, host};
    const char *at = (const char *)inbox_html, *end = at + sizeof(inbox_html);
    const char *open, *close;
    while ((open = memmem(at, (size_t)(end - at), "{{", 2)) != NULL &&
           (close = memmem(open, (size_t)(end - open), "}}", 2)) != NULL) {
        buffer_append(out, at, (size_t)(open - at));
        fill_place(&fill, open + 2, (size_t)(close - open) - 2);
        at = close + 2;
    }
    buffer_append(out, at, (size_t)(end - at));
}

void slack_page_render_news(struct buffer *out, const struct slack_snapshot *snapshot)
{
    struct buffer html;
    struct json_writer json;
    char digits[NUMBER_MAX_BYTES];
    buffer_init(&html, 0);
    put_messages(&html, snapshot);
    json_init(&json, out);
    json_begin_object(&json);
    json_key(&json, "generation");
    /* As text: JavaScript's integers are exact only up to 2^53. */
    json_string_bytes(&json, digits, number_format_u64(snapshot->generation, digits));
    json_member_integer(&json, "last", snapshot->total);
    json_member_integer(&json, "kept", snapshot->kept);
    json_key(&json, "html");
    json_string_bytes(&json, html.data, html.length);
    json_end_object(&json);
    if (html.error < 0)
        buffer_fail(out, html.error);
    buffer_finish(&html);
}

const char *slack_page_asset(struct buffer *out, const char *path)
{
    static const struct {
        const char *path, *content_type;
        const unsigned char *bytes;
        size_t size;
    } assets[] = {
        {"/inbox.css", "text/css; charset=utf-8", inbox_css, sizeof(inbox_css)},
        {"/inbox.js", "text/javascript; charset=utf-8", inbox_js, sizeof(inbox_js)},
        {"/inbox.svg", "image/svg+xml", inbox_svg, sizeof(inbox_svg)},
    };
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
        if (strcmp(path, assets[i].path) == 0) {
            buffer_append(out, assets[i].bytes, assets[i].size);
            return assets[i].content_type;
        }
    }
    return NULL;
}
