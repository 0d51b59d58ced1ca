/* render.c - see inbox/render.h: the HTML. The JSON is in inbox/render_json.c. */
#include "inbox/render.h"

#include "inbox/mrkdwn.h"
#include "text/utf8.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Colours of the square beside a message: the classes c0 to c5 of web/inbox.css. */
#define AVATAR_COLOURS 6u

struct page {
    struct buffer *out;
    uint64_t serial;
    unsigned folds; /* foldable texts so far, for their ids */
};

static struct tm utc(int64_t seconds)
{
    struct tm parts = {0};
    time_t time = (time_t)seconds;
    gmtime_r(&time, &parts);
    return parts;
}

void slack_time_iso(int64_t seconds, char out[SLACK_TIME_BYTES])
{
    struct tm parts = utc(seconds);
    if (strftime(out, SLACK_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        out[0] = '\0';
}

void slack_time_text(int64_t seconds, char out[SLACK_TIME_BYTES])
{
    struct tm parts = utc(seconds);
    if (strftime(out, SLACK_TIME_BYTES, "%d %b %Y, %H:%M:%S UTC", &parts) == 0)
        out[0] = '\0';
}

static void put(struct page *page, const char *html)
{
    buffer_append_text(page->out, html);
}

static void put_time(struct page *page, int64_t seconds)
{
    char iso[SLACK_TIME_BYTES], text[SLACK_TIME_BYTES];
    slack_time_iso(seconds, iso);
    slack_time_text(seconds, text);
    put(page, "<time datetime=\"");
    put(page, iso);
    put(page, "\">");
    put(page, text);
    put(page, "</time>");
}

/* Escaped text, in an element of the class unless it is empty. */
static void put_plain(struct page *page, const char *css_class, const char *text)
{
    if (!*text)
        return;
    put(page, "<span class=\"");
    put(page, css_class);
    put(page, "\">");
    html_escape_text(page->out, text);
    put(page, "</span>");
}

/* Opens a link if a browser may follow the URL; returns whether it did. */
static bool open_link(struct page *page, const char *css_class, const char *url)
{
    if (!html_is_web_url(url, strlen(url)))
        return false;
    put(page, "<a class=\"");
    put(page, css_class);
    put(page, "\" href=\"");
    html_escape_text(page->out, url);
    put(page, "\" target=\"_blank\" rel=\"noopener noreferrer\">");
    return true;
}

static enum mrkdwn_style attachment_style(const struct slack_text *text)
{
    return text->mrkdwn ? MRKDWN_FULL : MRKDWN_LINKS;
}

/* Whether rendered text is long. Tags do not count, an entity counts as one character. */
static bool is_long(const char *html, size_t bytes)
{
    size_t characters = 0, lines = 1;
    bool in_tag = false, in_entity = false;
    for (size_t i = 0; i < bytes; i++) {
        bool in_markup = in_tag || in_entity || html[i] == '<';
        in_tag = in_tag ? html[i] != '>' : html[i] == '<';
        characters += !in_markup && !utf8_is_continuation(html[i]);
        in_entity = in_entity ? html[i] != ';' : html[i] == '&';
        lines += html[i] == '\n';
    }
    return characters > SLACK_FOLD_CHARACTERS || lines > SLACK_FOLD_LINES;
}

static void put_text_element(struct page *page, const char *css_class, const struct buffer *html)
{
    put(page, "<div class=\"");
    put(page, css_class);
    put(page, "\">");
    buffer_append(page->out, html->data, html->length);
    put(page, "</div>");
}

/* A long text is folded by a checkbox. It needs no script, and stays as the reader left it when
 * newer messages arrive. */
static void put_folded(struct page *page, const char *css_class, const struct buffer *html)
{
    char id[48];
    snprintf(id, sizeof(id), "f%" PRIu64 "-%u", page->serial, page->folds++);
    put(page, "<div class=\"folded\"><input type=\"checkbox\" class=\"fold\" id=\"");
    put(page, id);
    put(page, "\" aria-label=\"Show the whole text\">");
    put_text_element(page, css_class, html);
    put(page, "<label class=\"unfold\" for=\"");
    put(page, id);
    put(page, "\"></label></div>");
}

static void put_text(struct page *page, const char *css_class, const char *text,
                     enum mrkdwn_style style)
{
    struct buffer html;
    if (!text[strspn(text, " \t\r\n")])
        return;
    buffer_init(&html, strlen(text) + 256);
    mrkdwn_render(&html, text, style);
    if (html.error < 0)
        buffer_fail(page->out, html.error);
    else if (is_long(html.data, html.length))
        put_folded(page, css_class, &html);
    else
        put_text_element(page, css_class, &html);
    buffer_finish(&html);
}

/* An image is a link: the page loads nothing from elsewhere. */
static void put_image(struct page *page, const char *url)
{
    if (!*url)
        return;
    put(page, "<div class=\"image\">");
    bool link = open_link(page, "link", url);
    html_escape_text(page->out, url);
    put(page, link ? "</a></div>" : "</div>");
}

static void put_buttons(struct page *page, const struct slack_action *actions, size_t count)
{
    if (count == 0)
        return;
    put(page, "<div class=\"buttons\">");
    for (size_t i = 0; i < count; i++) {
        const char *css_class = strcmp(actions[i].style, "danger") == 0    ? "button danger"
                                : strcmp(actions[i].style, "primary") == 0 ? "button primary"
                                                                           : "button";
        bool link = open_link(page, css_class, actions[i].url);
        if (!link)
            put(page, "<span class=\"button dead\" title=\"No http or https address\">");
        mrkdwn_render(page->out, actions[i].text, MRKDWN_PLAIN);
        put(page, link ? "</a>" : "</span>");
    }
    put(page, "</div>");
}

static bool is_hex_colour(const char *colour)
{
    size_t digits = strspn(colour, "0123456789abcdefABCDEF");
    return colour[digits] == '\0' && (digits == 3 || digits == 6);
}

/* The bar's colour as #rrggbb or #rgb in out; Slack's grey for what is not a colour. */
static void bar_colour(const char *colour, char out[8])
{
    static const struct {
        const char *name, *colour;
    } named[] = {{"good", "#2eb67d"}, {"warning", "#ecb22e"}, {"danger", "#e01e5a"}};
    snprintf(out, 8, "#b7b7bb");
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (strcmp(colour, named[i].name) == 0)
            snprintf(out, 8, "%s", named[i].colour);
    }
    colour += *colour == '#';
    if (is_hex_colour(colour))
        snprintf(out, 8, "#%s", colour);
}

/* Drawn as SVG, because the page's policy forbids style attributes. */
static void put_bar(struct page *page, const char *colour)
{
    char value[8];
    bar_colour(colour, value);
    put(page, "<svg class=\"bar\" aria-hidden=\"true\"><rect width=\"100%\" height=\"100%\" "
              "fill=\"");
    put(page, value);
    put(page, "\"/></svg>");
}

static void put_fields(struct page *page, const struct slack_attachment *attachment)
{
    if (attachment->field_count == 0)
        return;
    put(page, "<div class=\"fields\">");
    for (size_t i = 0; i < attachment->field_count; i++) {
        const struct slack_field *field = &attachment->fields[i];
        put(page, field->narrow ? "<div class=\"field narrow\">" : "<div class=\"field\">");
        put(page, "<div class=\"name\">");
        mrkdwn_render(page->out, field->title, MRKDWN_LINKS);
        put(page, "</div>");
        put_text(page, "value", field->value.text, attachment_style(&field->value));
        put(page, "</div>");
    }
    put(page, "</div>");
}

static void put_title(struct page *page, const struct slack_attachment *attachment)
{
    if (!*attachment->title)
        return;
    put(page, "<div class=\"title\">");
    bool link = open_link(page, "link", attachment->title_link);
    /* HTML does not allow a link inside a link: a linked title shows its markup as characters. */
    mrkdwn_render(page->out, attachment->title, link ? MRKDWN_PLAIN : MRKDWN_LINKS);
    put(page, link ? "</a></div>" : "</div>");
}

static void put_footer(struct page *page, const struct slack_attachment *attachment)
{
    if (!*attachment->footer && attachment->ts == 0)
        return;
    put(page, "<div class=\"footer\">");
    if (*attachment->footer) {
        put(page, "<span>");
        mrkdwn_render(page->out, attachment->footer, MRKDWN_LINKS);
        put(page, "</span>");
    }
    if (attachment->ts != 0)
        put_time(page, attachment->ts);
    put(page, "</div>");
}

/* Whether the attachment has nothing to show but its fallback. */
static bool has_only_fallback(const struct slack_attachment *a)
{
    return !*a->title && !*a->text.text && !*a->pretext.text && !*a->image_url && !*a->thumb_url &&
           a->field_count + a->action_count == 0;
}

static void put_attachment(struct page *page, const struct slack_attachment *attachment)
{
    put_text(page, "text pretext", attachment->pretext.text,
             attachment_style(&attachment->pretext));
    put(page, "<div class=\"attachment\">");
    put_bar(page, attachment->color);
    put(page, "<div class=\"content\">");
    put_title(page, attachment);
    put_text(page, "text", attachment->text.text, attachment_style(&attachment->text));
    if (has_only_fallback(attachment))
        put_text(page, "text", attachment->fallback, MRKDWN_LINKS);
    put_fields(page, attachment);
    put_image(page, attachment->image_url);
    put_image(page, attachment->thumb_url);
    put_buttons(page, attachment->actions, attachment->action_count);
    put_footer(page, attachment);
    put(page, "</div></div>");
}

/* The sender's initial on a colour chosen by the name; '#' for a letter outside ASCII. */
static void put_avatar(struct page *page, const char *name)
{
    unsigned colour = 0;
    for (const char *c = name; *c; c++)
        colour = colour * 31 + (unsigned char)*c;
    char html[80];
    char initial = isalnum((unsigned char)*name) ? (char)toupper((unsigned char)*name) : '#';
    snprintf(html, sizeof(html), "<div class=\"avatar c%u\" aria-hidden=\"true\">%c</div>",
             colour % AVATAR_COLOURS, initial);
    put(page, html);
}

void slack_render_html(struct buffer *out, const struct slack_payload *payload,
                       int64_t received_seconds, uint64_t serial)
{
    struct page page = {.out = out, .serial = serial};
    const char *username = *payload->username ? payload->username : "Incoming webhook";
    put_avatar(&page, username);
    put(&page, "<div class=\"body\"><div class=\"head\">");
    put_plain(&page, "username", username);
    put(&page, "<span class=\"app\">APP</span>");
    put_plain(&page, "channel", payload->channel);
    put_time(&page, received_seconds);
    put(&page, "</div>");
    put_text(&page, "text", payload->text, MRKDWN_FULL);
    for (size_t i = 0; i < payload->attachment_count; i++)
        put_attachment(&page, &payload->attachments[i]);
    put(&page, "</div>");
}
