/* mrkdwn.c - see inbox/mrkdwn.h.
 *
 * A text is read line by line, except for ``` blocks. In a line, code spans, <...> and URLs are
 * whole; between them the marks * _ ~ are paired by one pass with a stack of at most three. */
#include "inbox/mrkdwn.h"

#include <ctype.h>
#include <string.h>

/* Marks considered in one line; any further ones stay characters. Bounds a line's memory. */
#define MAX_MARKS 256

#define FENCE       "```"
#define FENCE_BYTES 3

void html_escape(struct buffer *out, const char *text, size_t bytes)
{
    const char *end = text + bytes, *run = text;
    for (; text < end; text++) {
        const char *escape = *text == '&'    ? "&amp;"
                             : *text == '<'  ? "&lt;"
                             : *text == '>'  ? "&gt;"
                             : *text == '"'  ? "&quot;"
                             : *text == '\'' ? "&#39;"
                                             : NULL;
        if (!escape)
            continue;
        buffer_append(out, run, (size_t)(text - run));
        buffer_append_text(out, escape);
        run = text + 1;
    }
    buffer_append(out, run, (size_t)(end - run));
}

void html_escape_text(struct buffer *out, const char *text)
{
    html_escape(out, text, strlen(text));
}

static bool starts_with(const char *at, const char *end, const char *prefix)
{
    size_t length = strlen(prefix);
    return (size_t)(end - at) >= length && memcmp(at, prefix, length) == 0;
}

bool html_is_web_url(const char *url, size_t bytes)
{
    const char *end = url + bytes;
    size_t scheme = starts_with(url, end, "https://")  ? 8
                    : starts_with(url, end, "http://") ? 7
                                                       : 0;
    if (scheme == 0 || scheme == bytes)
        return false;
    for (; url < end; url++) {
        if ((unsigned char)*url <= ' ' || *url == 0x7f)
            return false;
    }
    return true;
}

/* Length of one of the three entities that Slack decodes, or 0. */
static size_t entity_bytes(const char *at, const char *end)
{
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;"};
    for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
        if (starts_with(at, end, entities[i]))
            return strlen(entities[i]);
    }
    return 0;
}

/* Text as Slack escapes it: its entities stay as they are, everything else is escaped. */
static void append_slack_text(struct buffer *out, const char *text, const char *end)
{
    const char *run = text;
    while (text < end) {
        size_t entity = *text == '&' ? entity_bytes(text, end) : 0;
        if (entity > 0) {
            html_escape(out, run, (size_t)(text - run));
            buffer_append(out, text, entity);
            run = text + entity;
        }
        text += entity > 0 ? entity : 1;
    }
    html_escape(out, run, (size_t)(end - run));
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || ((unsigned char)c & 0x80) != 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_mark(char c)
{
    return c == '*' || c == '_' || c == '~';
}

/* A part of a line in which no marks are looked for. */
enum special { SPECIAL_NONE, SPECIAL_CODE, SPECIAL_ANGLE, SPECIAL_URL };

static const char *code_end(const char *at, const char *end)
{
    const char *close = memchr(at + 1, '`', (size_t)(end - at) - 1);
    return close && close > at + 1 ? close + 1 : NULL;
}

/* The place after the `>` of <...> if Slack parses what is inside, or NULL. */
static const char *angle_end(const char *at, const char *end)
{
    const char *inside = at + 1, *close = inside;
    while (close < end && *close != '>' && *close != '<')
        close++;
    if (close == end || *close != '>' || close == inside)
        return NULL;
    const char *bar = memchr(inside, '|', (size_t)(close - inside));
    size_t target = (size_t)((bar ? bar : close) - inside);
    bool known = (strchr("!@#", *inside) != NULL && target > 1) ||
                 html_is_web_url(inside, target) ||
                 (target > 7 && starts_with(inside, close, "mailto:"));
    return known ? close + 1 : NULL;
}

static const char *url_end(const char *at, const char *end)
{
    if (!starts_with(at, end, "http://") && !starts_with(at, end, "https://"))
        return NULL;
    const char *stop = at;
    while (stop < end && (unsigned char)*stop > ' ' && *stop != 0x7f &&
           strchr("<>\"`|", *stop) == NULL && !starts_with(stop, end, "&lt;") &&
           !starts_with(stop, end, "&gt;"))
        stop++;
    while (stop > at && strchr(".,;:!?)'*_~", stop[-1]) != NULL)
        stop--;
    return html_is_web_url(at, (size_t)(stop - at)) ? stop : NULL;
}

/* Which special part begins at `at`, and where it ends. line: the beginning of the line. */
static enum special special_at(const char *line, const char *at, const char *end,
                               enum mrkdwn_style style, const char **ret_end)
{
    const char *stop = NULL;
    enum special special = SPECIAL_NONE;
    if (style == MRKDWN_PLAIN)
        return SPECIAL_NONE;
    if (*at == '`' && style == MRKDWN_FULL) {
        special = SPECIAL_CODE;
        stop = code_end(at, end);
    } else if (*at == '<') {
        special = SPECIAL_ANGLE;
        stop = angle_end(at, end);
    } else if (*at == 'h' && (at == line || !is_word(at[-1]))) {
        special = SPECIAL_URL;
        stop = url_end(at, end);
    }
    if (!stop)
        return SPECIAL_NONE;
    *ret_end = stop;
    return special;
}

static void append_link(struct buffer *out, const char *url, const char *url_stop,
                        const char *label, const char *label_stop)
{
    buffer_append_text(out, "<a href=\"");
    append_slack_text(out, url, url_stop);
    buffer_append_text(out, "\" target=\"_blank\" rel=\"noopener noreferrer\">");
    append_slack_text(out, label, label_stop);
    buffer_append_text(out, "</a>");
}

static void append_mention(struct buffer *out, const char *css_class, char sign, const char *name,
                           const char *stop)
{
    buffer_append_text(out, "<span class=\"");
    buffer_append_text(out, css_class);
    buffer_append_text(out, "\">");
    if (name == stop || *name != sign)
        buffer_append_char(out, sign);
    append_slack_text(out, name, stop);
    buffer_append_text(out, "</span>");
}

/* <!...>: a ping of a whole channel, a group, or a date with its fallback text. */
static void append_command(struct buffer *out, const char *inside, const char *stop,
                           const char *label)
{
    static const char *const pings[] = {"!channel", "!here", "!everyone"};
    for (size_t i = 0; i < sizeof(pings) / sizeof(pings[0]); i++) {
        size_t length = strlen(pings[i]);
        if (starts_with(inside, stop, pings[i]) &&
            (inside + length == stop || inside[length] == '|')) {
            append_mention(out, "mention ping", '@', inside + 1, inside + length);
            return;
        }
    }
    if (starts_with(inside, stop, "!date^"))
        append_slack_text(out, label ? label : inside + 1, stop);
    else
        append_mention(out, "mention", '@', label ? label : inside + 1, stop);
}

static void append_angle(struct buffer *out, const char *at, const char *end)
{
    const char *inside = at + 1, *stop = end - 1;
    const char *bar = memchr(inside, '|', (size_t)(stop - inside));
    const char *label = bar && bar + 1 < stop ? bar + 1 : NULL;
    const char *target_stop = bar ? bar : stop;
    if (*inside == '!')
        append_command(out, inside, label ? stop : target_stop, label);
    else if (*inside == '@' || *inside == '#')
        append_mention(out, "mention", *inside, label ? label : inside + 1,
                       label ? stop : target_stop);
    else
        append_link(out, inside, target_stop, label ? label : inside, label ? stop : target_stop);
}

static void append_special(struct buffer *out, enum special special, const char *at,
                           const char *end)
{
    if (special == SPECIAL_CODE) {
        buffer_append_text(out, "<code>");
        append_slack_text(out, at + 1, end - 1);
        buffer_append_text(out, "</code>");
    } else if (special == SPECIAL_ANGLE) {
        append_angle(out, at, end);
    } else {
        append_link(out, at, end, at, end);
    }
}

struct mark {
    const char *at;
    bool can_open, can_close;
    enum { MARK_TEXT, MARK_OPEN, MARK_CLOSE } role;
};

/* The marks of a line, outside of special parts. */
static size_t collect_marks(const char *line, const char *end, struct mark marks[MAX_MARKS])
{
    size_t count = 0;
    for (const char *at = line, *next; at < end && count < MAX_MARKS; at = next) {
        next = at + 1;
        if (special_at(line, at, end, MRKDWN_FULL, &next) != SPECIAL_NONE || !is_mark(*at))
            continue;
        bool word_before = at > line && is_word(at[-1]);
        bool space_before = at == line || is_space(at[-1]);
        bool word_after = next < end && is_word(*next);
        bool space_after = next == end || is_space(*next);
        struct mark mark = {
            .at = at,
            .can_open = !word_before && !space_after && *next != *at,
            .can_close = !space_before && !word_after,
        };
        if (mark.can_open || mark.can_close)
            marks[count++] = mark;
    }
    return count;
}

/* Pairs each closing mark with the nearest open one of its kind; a mark opened between them
 * stays text. At most one of a kind is open, so the stack holds three. */
static void pair_marks(struct mark *marks, size_t count)
{
    size_t stack[3], depth = 0;
    for (size_t i = 0; i < count; i++) {
        size_t level = 0;
        while (level < depth && *marks[stack[level]].at != *marks[i].at)
            level++;
        if (level < depth && marks[i].can_close && marks[i].at > marks[stack[level]].at + 1) {
            marks[stack[level]].role = MARK_OPEN;
            marks[i].role = MARK_CLOSE;
            depth = level;
        } else if (level == depth && marks[i].can_open) {
            stack[depth++] = i;
        }
    }
}

static void append_mark(struct buffer *out, const struct mark *mark)
{
    const char name = *mark->at == '*' ? 'b' : *mark->at == '_' ? 'i' : 's';
    const char tag[] = {'<', '/', name, '>'};
    if (mark->role == MARK_CLOSE) {
        buffer_append(out, tag, sizeof(tag));
    } else {
        buffer_append_char(out, '<');
        buffer_append(out, tag + 2, 2);
    }
}

/* A part of a line without ``` blocks. */
static void render_inline(struct buffer *out, const char *line, const char *end,
                          enum mrkdwn_style style)
{
    struct mark marks[MAX_MARKS];
    size_t count = style == MRKDWN_FULL ? collect_marks(line, end, marks) : 0, m = 0;
    pair_marks(marks, count);
    const char *run = line;
    for (const char *at = line, *next; at < end; at = next) {
        next = at + 1;
        enum special special = special_at(line, at, end, style, &next);
        while (m < count && (marks[m].at < at || marks[m].role == MARK_TEXT))
            m++;
        bool tag = special == SPECIAL_NONE && m < count && marks[m].at == at;
        if (special == SPECIAL_NONE && !tag)
            continue;
        append_slack_text(out, run, at);
        if (tag)
            append_mark(out, &marks[m]);
        else
            append_special(out, special, at, next);
        run = next;
    }
    append_slack_text(out, run, end);
}

struct renderer {
    struct buffer *out;
    const char *end;
    enum mrkdwn_style style;
    bool no_fence;      /* no ``` block begins any more */
    bool quoting;       /* inside a blockquote */
    bool break_pending; /* a newline to write before further inline text */
    bool after_block;   /* the coming newline ends a block, which breaks the line itself */
};

/* The closing ``` of a block that begins at `at`, or NULL. Once there is none, it is not searched
 * for again, which keeps the time linear. */
static const char *fence_close(struct renderer *renderer, const char *at)
{
    if (renderer->style != MRKDWN_FULL || renderer->no_fence ||
        !starts_with(at, renderer->end, FENCE))
        return NULL;
    const char *inside = at + FENCE_BYTES;
    const char *close = memmem(inside, (size_t)(renderer->end - inside), FENCE, FENCE_BYTES);
    if (!close)
        renderer->no_fence = true;
    return close != inside ? close : NULL;
}

static const char *render_block(struct renderer *renderer, const char *at, const char *close)
{
    const char *inside = at + FENCE_BYTES, *stop = close;
    inside += *inside == '\n' && inside + 1 < stop;
    stop -= stop - inside > 1 && stop[-1] == '\n';
    buffer_append_text(renderer->out, "<pre>");
    append_slack_text(renderer->out, inside, stop);
    buffer_append_text(renderer->out, "</pre>");
    renderer->break_pending = false;
    renderer->after_block = true;
    return close + FENCE_BYTES;
}

static void flush_break(struct renderer *renderer)
{
    if (renderer->break_pending)
        buffer_append_char(renderer->out, '\n');
    renderer->break_pending = renderer->after_block = false;
}

/* Renders up to the newline that ends the line, blocks included; returns that newline. */
static const char *render_line(struct renderer *renderer, const char *at)
{
    while (at < renderer->end && *at != '\n') {
        const char *close = fence_close(renderer, at), *stop = at + 1;
        if (close) {
            at = render_block(renderer, at, close);
            continue;
        }
        while (stop < renderer->end && *stop != '\n' && fence_close(renderer, stop) == NULL)
            stop++;
        flush_break(renderer);
        render_inline(renderer->out, at, stop, renderer->style);
        at = stop;
    }
    return at;
}

static size_t quote_bytes(const struct renderer *renderer, const char *at)
{
    if (renderer->style != MRKDWN_FULL)
        return 0;
    size_t mark = starts_with(at, renderer->end, ">")      ? 1
                  : starts_with(at, renderer->end, "&gt;") ? 4
                                                           : 0;
    return mark + (mark > 0 && starts_with(at + mark, renderer->end, " "));
}

/* Opens or closes the blockquote if the line that begins here needs it; returns its text. */
static const char *render_quote_mark(struct renderer *renderer, const char *at)
{
    size_t mark = quote_bytes(renderer, at);
    if ((mark > 0) != renderer->quoting) {
        renderer->quoting = mark > 0;
        renderer->break_pending = false;
        buffer_append_text(renderer->out, renderer->quoting ? "<blockquote>" : "</blockquote>");
    }
    return at + mark;
}

void mrkdwn_render(struct buffer *out, const char *text, enum mrkdwn_style style)
{
    struct renderer renderer = {.out = out, .end = text + strlen(text), .style = style};
    while (text < renderer.end) {
        text = render_line(&renderer, render_quote_mark(&renderer, text));
        if (text == renderer.end)
            break;
        if (renderer.break_pending)
            buffer_append_char(out, '\n');
        renderer.break_pending = !renderer.after_block;
        renderer.after_block = false;
        text++;
    }
    if (renderer.quoting)
        buffer_append_text(out, "</blockquote>");
}
