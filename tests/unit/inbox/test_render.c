/* test_render.c - Slack's markup as HTML, what a hostile message may not do, and the store.
 */
#include "inbox/message.h"
#include "inbox/mrkdwn.h"
#include "inbox/page.h"
#include "inbox/render.h"

#include "html_check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define A(url, label)                                                                              \
    "<a href=\"" url "\" target=\"_blank\" rel=\"noopener noreferrer\">" label "</a>"

static char *rendered(const char *text, enum mrkdwn_style style)
{
    struct buffer out;
    char *html;
    size_t bytes;
    buffer_init(&out, 0);
    mrkdwn_render(&out, text, style);
    assert_int_equal(buffer_take(&out, &html, &bytes), 0);
    const char *fault = html_fault(html, bytes);
    if (fault != NULL)
        fail_msg("%s: unsound at %s", html, fault);
    return html;
}

static void check_table(const char *const (*cases)[2], size_t count, enum mrkdwn_style style)
{
    for (size_t i = 0; i < count; i++) {
        char *html = rendered(cases[i][0], style);
        assert_string_equal(html, cases[i][1]);
        free(html);
    }
}
#define CHECK_TABLE(cases, style) check_table(cases, sizeof(cases) / sizeof((cases)[0]), style)

static void test_marks(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"*bold* _italic_ ~gone~", "<b>bold</b> <i>italic</i> <s>gone</s>"},
        {"*a _b_ c*", "<b>a <i>b</i> c</b>"},
        {"*_~x~_*", "<b><i><s>x</s></i></b>"},
        {"*a _b* c_", "<b>a _b</b> c_"},
        {"feature_0 and feature_1_x", "feature_0 and feature_1_x"},
        {"2 * 3 * 4", "2 * 3 * 4"},
        {"*open", "*open"},
        {"* no*", "* no*"},
        {"*two\nlines*", "*two\nlines*"},
        {"(*x*), *y*.", "(<b>x</b>), <b>y</b>."},
        {"**", "**"},
        {"**x**", "*<b>x</b>*"},
        {"a*b*c", "a*b*c"},
        {"`*code* <x> &lt;y&gt;`", "<code>*code* &lt;x&gt; &lt;y&gt;</code>"},
        {"*a `*` b*", "<b>a <code>*</code> b</b>"},
        {"`open", "`open"},
        {"``", "``"},
        {":rotating_light: x", ":rotating_light: x"},
    };
    CHECK_TABLE(cases, MRKDWN_FULL);
}

static void test_blocks(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a\n\nb\n", "a\n\nb"},
        {"```code```", "<pre>code</pre>"},
        {"a\n```\nx\n  y\n```\nb", "a<pre>x\n  y</pre>b"},
        {"a ```*x*``` b", "a <pre>*x*</pre> b"},
        {"```open", "```open"},
        {"``````", "``````"},
        {"&gt; a\n&gt; *b*\nc", "<blockquote>a\n<b>b</b></blockquote>c"},
        {"> a", "<blockquote>a</blockquote>"},
        {"x\n> a\ny", "x<blockquote>a</blockquote>y"},
        {"> ```a\nb```\n> c", "<blockquote><pre>a\nb</pre>c</blockquote>"},
    };
    CHECK_TABLE(cases, MRKDWN_FULL);
}

static void test_links(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"<http://x/>", A("http://x/", "http://x/")},
        {"<https://x/?a=1&amp;b=2|label>", A("https://x/?a=1&amp;b=2", "label")},
        {"<https://x/?a=1&b=\"|a <b>",
         "&lt;" A("https://x/?a=1&amp;b=", "https://x/?a=1&amp;b=") "&quot;|a &lt;b&gt;"},
        {"<http://x/|>", A("http://x/", "http://x/")},
        {"<mailto:a@b.c|mail>", A("mailto:a@b.c", "mail")},
        {"see http://x/y_z_?q=1.", "see " A("http://x/y_z_?q=1", "http://x/y_z_?q=1") "."},
        {"*<http://x/|a_b_c>*", "*" A("http://x/", "a_b_c") "*"},
        {"(http://x/)", "(" A("http://x/", "http://x/") ")"},
        {"<!channel> <!here|here> <!everyone>",
         "<span class=\"mention ping\">@channel</span> <span class=\"mention ping\">@here</span> "
         "<span class=\"mention ping\">@everyone</span>"},
        {"&lt;!channel&gt;", "&lt;!channel&gt;"},
        {"<@U123> <@U123|joe>",
         "<span class=\"mention\">@U123</span> <span class=\"mention\">@joe</span>"},
        {"<#C1|ops>", "<span class=\"mention\">#ops</span>"},
        {"<!subteam^S1|@oncall>", "<span class=\"mention\">@oncall</span>"},
        {"<!date^1^{date}|Monday>", "Monday"},
        {"a < b > c & d", "a &lt; b &gt; c &amp; d"},
        {"<>", "&lt;&gt;"},
        {"<@>", "&lt;@&gt;"},
        {"&amp;lt; &quot;", "&amp;lt; &amp;quot;"},
    };
    CHECK_TABLE(cases, MRKDWN_LINKS);
    static const char *const formatted[][2] = {
        {"*<http://x/|a_b>*", "<b>" A("http://x/", "a_b") "</b>"},
        {"_http://x/a_b_", "<i>" A("http://x/a_b", "http://x/a_b") "</i>"},
    };
    CHECK_TABLE(formatted, MRKDWN_FULL);
    static const char *const plain[][2] = {
        {"*a* <http://x/> &lt;", "*a* &lt;http://x/&gt; &lt;"},
    };
    CHECK_TABLE(plain, MRKDWN_PLAIN);
}

static void test_hostile_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
        {"<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"},
        {"<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"},
        {"<data:text/html,x|x>", "&lt;data:text/html,x|x&gt;"},
        {"<HTTP://x/ onclick=1|x>", "&lt;HTTP://x/ onclick=1|x&gt;"},
        {"<http://x/\" onclick=\"alert(1)|x>",
         "&lt;" A("http://x/", "http://x/") "&quot; onclick=&quot;alert(1)|x&gt;"},
        {"<http://x/\"onclick=alert(1)|\"x'>",
         A("http://x/&quot;onclick=alert(1)", "&quot;x&#39;")},
        {"<@\"><b>|x>", "<span class=\"mention\">@&quot;</span>&lt;b&gt;|x&gt;"},
    };
    CHECK_TABLE(cases, MRKDWN_FULL);
}

/* CPU seconds to render `count` times the part. */
static double render_seconds(const char *part, size_t count)
{
    size_t bytes = strlen(part);
    char *text = malloc(bytes * count + 1);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * bytes, part, bytes);
    text[bytes * count] = '\0';
    clock_t start = clock();
    free(rendered(text, MRKDWN_FULL));
    free(text);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* What makes naive matching quadratic, at two sizes eight times apart: that would take 64 times as
 * long, linear work takes 8. The least of three, in processor time, so that load does not count. */
static void test_time_is_linear(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* a sanitizer's memmem() looks at the whole text each time */
#endif
    static const char *const parts[] = {"*a ",  "*_~a ",     "`",   "``` ", "```",
                                        "<",    "<http://x", "<!",  "_a_",  "http://",
                                        "&gt;", "\n>",       "a*`", "*a* _"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        double least_short = INFINITY, least_long = INFINITY;
        for (int round = 0; round < 3; round++) {
            least_short = fmin(least_short, render_seconds(parts[i], 40000 / strlen(parts[i])));
            least_long = fmin(least_long, render_seconds(parts[i], 320000 / strlen(parts[i])));
        }
        /* a millisecond: the clock's grain and what does not grow */
        if (least_long > 30 * (least_short + 0.001))
            fail_msg("%s repeated: %.4f s, eight times as often %.4f s", parts[i], least_short,
                     least_long);
    }
}

static char *rendered_message(const char *body)
{
    struct slack_payload payload;
    enum slack_refusal refusal;
    struct buffer out;
    char *html;
    size_t bytes;
    assert_int_equal(slack_payload_decode(body, strlen(body), &payload, &refusal), 0);
    buffer_init(&out, 0);
    slack_render_html(&out, &payload, 1795516800, 7);
    assert_int_equal(buffer_take(&out, &html, &bytes), 0);
    slack_payload_finish(&payload);
    const char *fault = html_fault(html, bytes);
    if (fault != NULL)
        fail_msg("%s: unsound at %s", html, fault);
    return html;
}

static void assert_contains(const char *html, const char *part)
{
    if (html == NULL || strstr(html, part) == NULL)
        fail_msg("%s: lacks %s", html != NULL ? html : "nothing", part);
}

static void assert_lacks(const char *html, const char *part)
{
    if (html == NULL || strstr(html, part) != NULL)
        fail_msg("%s: has %s", html != NULL ? html : "nothing", part);
}

static void test_message(void **state)
{
    (void)state;
    char *html = rendered_message(
        "{\"username\": \"Alertmanager\", \"channel\": \"#ml\", \"attachments\": [{"
        "\"color\": \"#D00000\", \"title\": \"T & <http://y/|z>\", \"title_link\": \"http://x/\","
        "\"text\": \"*b*\", \"mrkdwn_in\": [\"text\"], \"footer\": \"f\", \"ts\": 1795516800,"
        "\"fields\": [{\"title\": \"Score\", \"value\": \"*0.5*\", \"short\": true}],"
        "\"actions\": [{\"text\": \"Go\", \"url\": \"http://g/\", \"style\": \"danger\"},"
        "{\"text\": \"No\", \"url\": \"javascript:alert(1)\"}, {\"text\": \"Nil\"}]}]}");
    assert_contains(html, "<span class=\"username\">Alertmanager</span>");
    assert_contains(html, "<span class=\"channel\">#ml</span>");
    assert_contains(html,
                    "<time datetime=\"2026-11-24T10:40:00Z\">24 Nov 2026, 10:40:00 UTC</time>");
    assert_contains(html, "fill=\"#D00000\"");
    assert_contains(html, "T &amp; &lt;http://y/|z&gt;</a>");
    assert_contains(html, "<div class=\"text\"><b>b</b></div>");
    assert_contains(html, "<div class=\"value\">*0.5*</div>");
    assert_contains(html, "<a class=\"button danger\" href=\"http://g/\"");
    assert_lacks(html, "href=\"javascript");
    assert_lacks(html, "checkbox");
    free(html);
}

static void test_colours(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"good", "#2eb67d"},  {"warning", "#ecb22e"},  {"danger", "#e01e5a"},
        {"", "#b7b7bb"},      {"36a64f", "#36a64f"},   {"#fff", "#fff"},
        {"#ffff", "#b7b7bb"}, {"#1234567", "#b7b7bb"}, {"red\\\"/>", "#b7b7bb"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[200], fill[40];
        snprintf(body, sizeof(body), "{\"attachments\": [{\"text\": \"x\", \"color\": \"%s\"}]}",
                 cases[i][0]);
        snprintf(fill, sizeof(fill), "fill=\"%s\"", cases[i][1]);
        char *html = rendered_message(body);
        assert_contains(html, fill);
        free(html);
    }
}

static void test_folding(void **state)
{
    (void)state;
    char body[SLACK_FOLD_CHARACTERS + 100];
    for (size_t extra = 0; extra < 2; extra++) {
        char text[SLACK_FOLD_CHARACTERS + 2];
        memset(text, 'x', sizeof(text));
        text[SLACK_FOLD_CHARACTERS + extra] = '\0';
        snprintf(body, sizeof(body), "{\"text\": \"%s\"}", text);
        char *html = rendered_message(body);
        assert_int_equal(strstr(html, "id=\"f7-0\"") != NULL, extra == 1);
        free(html);
    }
    char *html = rendered_message("{\"text\": \"1\\n2\\n3\\n4\\n5\\n\"}");
    assert_lacks(html, "class=\"fold\"");
    free(html);
    html = rendered_message("{\"text\": \"1\\n2\\n3\\n4\\n5\\n6\"}");
    assert_contains(html, "class=\"fold\"");
    free(html);
}

/* As Grafana's Slack contact point sends it: a mention before the attachment, an image by its URL,
 * a footer with the time. */
static void test_grafana(void **state)
{
    (void)state;
    char *html = rendered_message(
        "{\"channel\": \"#ml\", \"username\": \"Grafana\", \"icon_emoji\": \":fire:\","
        " \"attachments\": [{\"title\": \"[FIRING:1] a_b\", \"title_link\": \"http://g/list\","
        " \"text\": \"*Firing*\", \"fallback\": \"[FIRING:1] a_b\", \"footer\": \"Grafana v10.4\","
        " \"footer_icon\": \"https://g/fav32.png\", \"color\": \"#D63232\", \"ts\": 1795516800,"
        " \"image_url\": \"https://g/panel.png\", \"pretext\": \"<!here|here> <!subteam^S1> "
        "<@U1>\","
        " \"mrkdwn_in\": [\"pretext\"]}]}");
    assert_contains(html, "<span class=\"mention ping\">@here</span>");
    assert_contains(html, "<span class=\"mention\">@U1</span>");
    assert_contains(html, "href=\"http://g/list\"");
    assert_contains(html, ">[FIRING:1] a_b</a>");
    assert_contains(html, "<div class=\"text\">*Firing*</div>");
    assert_contains(html, "href=\"https://g/panel.png\"");
    assert_contains(html, "<span>Grafana v10.4</span><time datetime=\"2026-11-24T10:40:00Z\">");
    assert_contains(html, "fill=\"#D63232\"");
    assert_lacks(html, "<img");
    free(html);
}

static void add(struct slack_store *store, size_t bytes, uint64_t expected_id)
{
    uint64_t id = 0;
    assert_int_equal(slack_store_add(store, calloc(1, bytes), bytes, strdup("{}"), 2, &id), 0);
    assert_int_equal(id, expected_id);
}

static void assert_ids(struct slack_store *store, uint64_t since, size_t max, uint64_t first,
                       size_t count)
{
    struct slack_snapshot snapshot;
    assert_int_equal(slack_store_snapshot(store, since, max, &snapshot), 0);
    assert_int_equal(snapshot.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(snapshot.messages[i]->id, first + i);
    slack_snapshot_finish(&snapshot);
}

static void test_store_is_bounded(void **state)
{
    (void)state;
    struct slack_store *store = slack_store_create(3, 10000, 5);
    assert_non_null(store);
    assert_ids(store, 0, SIZE_MAX, 0, 0);
    for (uint64_t id = 1; id <= 5; id++)
        add(store, 10, id);
    assert_ids(store, 0, SIZE_MAX, 3, 3);
    assert_ids(store, 4, SIZE_MAX, 5, 1);
    assert_ids(store, 5, SIZE_MAX, 0, 0);
    assert_ids(store, UINT64_MAX, SIZE_MAX, 0, 0);
    assert_ids(store, 0, 2, 4, 2);
    add(store, 9900, 6);
    assert_ids(store, 0, SIZE_MAX, 6, 1);
    struct slack_snapshot snapshot;
    assert_int_equal(slack_store_snapshot(store, 0, 1, &snapshot), 0);
    assert_int_equal(snapshot.total, 6);
    assert_int_equal(snapshot.dropped, 5);
    assert_int_equal(snapshot.generation, 5);
    /* What a reader holds outlives the store's interest in it. */
    assert_int_equal(slack_store_clear(store), 1);
    assert_int_equal(snapshot.messages[0]->id, 6);
    slack_snapshot_finish(&snapshot);
    add(store, 1, 7);
    assert_ids(store, 0, SIZE_MAX, 7, 1);
    slack_store_destroy(store);
}

static void test_page(void **state)
{
    (void)state;
    static const char *const hosts[][2] = {
        {"inbox:9095", "http://inbox:9095/slack"},
        {"[::1]:9095", "http://[::1]:9095/slack"},
        {"\"><script>", "http://127.0.0.1:9095/slack"},
        {NULL, "http://127.0.0.1:9095/slack"},
    };
    struct slack_store *store = slack_store_create(3, 10000, 5);
    struct slack_snapshot snapshot;
    assert_non_null(store);
    assert_int_equal(slack_store_snapshot(store, 0, 1, &snapshot), 0);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct buffer out;
        char *html;
        size_t bytes;
        buffer_init(&out, 0);
        slack_page_render(&out, &snapshot, hosts[i][0]);
        assert_int_equal(buffer_take(&out, &html, &bytes), 0);
        assert_contains(html, hosts[i][1]);
        assert_contains(html, "class=\"empty\" data-generation=\"5\" data-last=\"0\"");
        assert_lacks(html, "{{");
        free(html);
    }
    slack_snapshot_finish(&snapshot);
    slack_store_destroy(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),          cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_links),          cmocka_unit_test(test_hostile_text),
        cmocka_unit_test(test_time_is_linear), cmocka_unit_test(test_message),
        cmocka_unit_test(test_colours),        cmocka_unit_test(test_folding),
        cmocka_unit_test(test_grafana),        cmocka_unit_test(test_store_is_bounded),
        cmocka_unit_test(test_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
