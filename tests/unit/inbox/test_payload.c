/* test_payload.c - what the webhook takes, what it refuses and with which of Slack's words,
 * and the fuzzer's kept inputs through the decoder and both renderers. */
#include "inbox/payload.h"

#include "corpus.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"

/* The word of the refusal, or "ok". */
static const char *decode_word(const char *type, const char *body)
{
    struct slack_payload payload;
    enum slack_refusal refusal = SLACK_REFUSALS;
    int error = slack_payload_decode(type, body, strlen(body), &payload, &refusal);
    if (error == 0) {
        slack_payload_finish(&payload);
        return "ok";
    }
    assert_int_equal(error, -EINVAL);
    return slack_refusal_word(refusal);
}

static void check_words(const char *const (*cases)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *word = decode_word(JSON, cases[i][0]);
        if (strcmp(word, cases[i][1]) != 0)
            fail_msg("%s: %s, expected %s", cases[i][0], word, cases[i][1]);
    }
}
#define CHECK_WORDS(cases) check_words(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_messages(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"text\": \"hello\"}", "ok"},
        {"{\"text\": \"hello\", \"channel\": null, \"link_names\": 1, \"unknown\": {}}", "ok"},
        {"{\"attachments\": [{\"fallback\": \"x\"}]}", "ok"},
        {"{\"attachments\": [{\"fields\": [{\"title\": \"a\", \"value\": \"b\"}]}]}", "ok"},
        {"", "invalid_payload"},
        {"hello", "invalid_payload"},
        {"{\"text\": \"hello\"", "invalid_payload"},
        {"{\"text\": \"hello\"} x", "invalid_payload"},
        {"{\"text\": \"\\u0000\"}", "invalid_payload"},
        {"{\"text\": \"\xff\"}", "invalid_payload"},
        {"[]", "invalid_payload"},
        {"\"text\"", "invalid_payload"},
        {"{\"text\": 5}", "invalid_payload"},
        {"{\"text\": \"hello\", \"channel\": []}", "invalid_payload"},
        {"{}", "no_text"},
        {"{\"text\": \"\"}", "no_text"},
        {"{\"text\": \" \\n\\t\"}", "no_text"},
        {"{\"attachments\": []}", "no_text"},
        {"{\"attachments\": [{}]}", "no_text"},
        {"{\"attachments\": [{\"color\": \"good\", \"footer\": \"f\"}]}", "no_text"},
        {"{\"blocks\": []}", "no_text"},
    };
    CHECK_WORDS(cases);
}

static void test_attachments(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"attachments\": {}}", "invalid_attachments"},
        {"{\"attachments\": [\"x\"]}", "invalid_attachments"},
        {"{\"attachments\": [{\"text\": {}}]}", "invalid_attachments"},
        {"{\"attachments\": [{\"text\": \"x\", \"fields\": {}}]}", "invalid_attachments"},
        {"{\"attachments\": [{\"text\": \"x\", \"fields\": [{\"value\": 1}]}]}",
         "invalid_attachments"},
        {"{\"attachments\": [{\"text\": \"x\", \"actions\": [1]}]}", "invalid_attachments"},
        {"{\"attachments\": [{\"blocks\": [{\"type\": \"divider\"}]}]}", "ok"},
        {"{\"attachments\": [{\"blocks\": [{\"type\": \"nonsense\"}]}]}", "invalid_attachments"},
        {"{\"attachments\": [{\"footer\": \"f\", \"blocks\": [{\"type\": \"divider\"}]}]}",
         "invalid_attachments"},
        {"{\"text\": \"x\", \"attachments\": [{\"ts\": \"soon\", \"text\": \"y\"}]}", "ok"},
    };
    CHECK_WORDS(cases);
}

static void test_blocks(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"blocks\": {}}", "invalid_blocks_format"},
        {"{\"blocks\": [1]}", "invalid_blocks_format"},
        {"{\"blocks\": [{}]}", "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"unknown\"}]}", "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"divider\", \"block_id\": 1}]}", "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"divider\"}]}", "ok"},
        {"{\"blocks\": [{\"type\": \"rich_text\", \"elements\": []}]}", "ok"},
        {"{\"blocks\": [{\"type\": \"section\"}]}", "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"section\", \"text\": \"x\"}]}", "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"section\", \"text\": {\"type\": \"mrkdwn\", \"text\": "
         "\"x\"}}]}",
         "ok"},
        {"{\"blocks\": [{\"type\": \"section\", \"text\": {\"type\": \"mrkdwn\", \"text\": "
         "\"\"}}]}",
         "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"section\", \"text\": {\"type\": \"bold\", \"text\": \"x\"}}]}",
         "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"header\", \"text\": {\"type\": \"mrkdwn\", \"text\": "
         "\"x\"}}]}",
         "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"header\", \"text\": {\"type\": \"plain_text\", \"text\": "
         "\"x\"}}]}",
         "ok"},
        {"{\"blocks\": [{\"type\": \"context\", \"elements\": []}]}", "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"context\", \"elements\": [{\"type\": \"image\", "
         "\"alt_text\": \"x\"}]}]}",
         "ok"},
        {"{\"blocks\": [{\"type\": \"actions\", \"elements\": [{\"type\": \"button\"}]}]}",
         "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"actions\", \"elements\": [{\"type\": \"button\", \"style\": "
         "\"green\", \"text\": {\"type\": \"plain_text\", \"text\": \"x\"}}]}]}",
         "invalid_blocks"},
        {"{\"blocks\": [{\"type\": \"image\", \"alt_text\": \"x\"}]}", "invalid_blocks"},
    };
    CHECK_WORDS(cases);
}

/* `head`, then `count` times `part` with commas between, then `tail`; malloc'd. */
static char *repeat(const char *head, const char *part, size_t count, const char *tail)
{
    char *text = malloc(strlen(head) + count * (strlen(part) + 1) + strlen(tail) + 1);
    assert_non_null(text);
    char *at = stpcpy(text, head);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && *part == '{')
            *at++ = ',';
        at = stpcpy(at, part);
    }
    strcpy(at, tail);
    return text;
}

/* Each limit: the last count that Slack takes, and the word for one more. */
static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *head, *part, *tail, *word;
        size_t most;
    } limits[] = {
        {"{\"text\": \"", "x", "\"}", "msg_too_long", 40000},
        {"{\"text\": \"", "\xc3\xa9", "\"}", "msg_too_long", 40000},
        {"{\"attachments\": [", "{\"text\": \"x\"}", "]}", "too_many_attachments", 100},
        {"{\"blocks\": [", "{\"type\": \"divider\"}", "]}", "invalid_blocks", 50},
        {"{\"blocks\": [{\"type\": \"section\", \"fields\": [",
         "{\"type\": \"mrkdwn\", \"text\": \"x\"}", "]}]}", "invalid_blocks", 10},
        {"{\"blocks\": [{\"type\": \"context\", \"elements\": [",
         "{\"type\": \"mrkdwn\", \"text\": \"x\"}", "]}]}", "invalid_blocks", 10},
        {"{\"blocks\": [{\"type\": \"actions\", \"elements\": [", "{\"type\": \"overflow\"}",
         "]}]}", "invalid_blocks", 25},
        {"{\"blocks\": [{\"type\": \"header\", \"text\": {\"type\": \"plain_text\", \"text\": \"",
         "x", "\"}}]}", "invalid_blocks", 150},
        {"{\"blocks\": [{\"type\": \"section\", \"text\": {\"type\": \"mrkdwn\", \"text\": \"", "x",
         "\"}}]}", "invalid_blocks", 3000},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        char *fits = repeat(limits[i].head, limits[i].part, limits[i].most, limits[i].tail);
        char *over = repeat(limits[i].head, limits[i].part, limits[i].most + 1, limits[i].tail);
        assert_string_equal(decode_word(JSON, fits), "ok");
        assert_string_equal(decode_word(JSON, over), limits[i].word);
        free(fits);
        free(over);
    }
}

static void test_content_types(void **state)
{
    (void)state;
    const char *json = "{\"text\": \"a b\"}";
    const char *form = "x=1&payload=%7B%22text%22%3A+%22a%20b%22%7D&payload=";
    assert_string_equal(decode_word(NULL, json), "ok");
    assert_string_equal(decode_word("text/plain", json), "ok");
    assert_string_equal(decode_word("Application/JSON; charset=utf-8", json), "ok");
    assert_string_equal(decode_word(FORM, form), "ok");
    assert_string_equal(decode_word(FORM "; charset=utf-8", form), "ok");
    assert_string_equal(decode_word(FORM, json), "invalid_payload");
    assert_string_equal(decode_word(FORM, "payload="), "invalid_payload");
    assert_string_equal(decode_word(FORM, "payload=%7"), "invalid_payload");
    assert_string_equal(decode_word(FORM, "text=hello"), "invalid_payload");
    assert_string_equal(decode_word(JSON, form), "invalid_payload");
}

/* The members arrive where they belong, those left out as "". */
static void test_members(void **state)
{
    (void)state;
    static const char body[] =
        "{\"channel\": \"#c\", \"username\": \"u\", \"text\": \"t\", \"mrkdwn\": false,"
        " \"attachments\": [{\"color\": \"danger\", \"title\": \"T\", \"title_link\": "
        "\"http://x/\","
        " \"pretext\": \"p\", \"text\": \"*x*\", \"mrkdwn_in\": [\"text\", 1], \"ts\": "
        "\"1795516800.5\","
        " \"fields\": [{\"title\": \"a\", \"value\": \"b\", \"short\": true}, {\"value\": \"c\"}],"
        " \"actions\": [{\"type\": \"button\", \"text\": \"Go\", \"url\": \"http://y/\"}]}]}";
    struct slack_payload payload;
    enum slack_refusal refusal;
    assert_int_equal(slack_payload_decode(JSON, body, strlen(body), &payload, &refusal), 0);
    assert_string_equal(payload.channel, "#c");
    assert_string_equal(payload.username, "u");
    assert_string_equal(payload.icon_url, "");
    assert_false(payload.text.mrkdwn);
    assert_ptr_equal(payload.json, body);
    assert_int_equal(payload.attachment_count, 1);
    const struct slack_attachment *attachment = &payload.attachments[0];
    assert_string_equal(attachment->color, "danger");
    assert_string_equal(attachment->title_link, "http://x/");
    assert_string_equal(attachment->footer, "");
    assert_false(attachment->pretext.mrkdwn);
    assert_true(attachment->text.mrkdwn);
    assert_int_equal(attachment->ts, 1795516800);
    assert_int_equal(attachment->field_count, 2);
    assert_true(attachment->fields[0].narrow);
    assert_string_equal(attachment->fields[1].title.text, "");
    assert_string_equal(attachment->actions[0].url, "http://y/");
    slack_payload_finish(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts on HTML that a browser could read otherwise than it was meant. */
static void replay(const char *path, const char *bytes, size_t length)
{
    print_message("%s\n", path);
    assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)bytes, length), 0);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("slack", replay) >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),      cmocka_unit_test(test_attachments),
        cmocka_unit_test(test_blocks),        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_content_types), cmocka_unit_test(test_members),
        cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
