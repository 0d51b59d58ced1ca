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

/* The word of the refusal, or "ok". */
static const char *decode_word(const char *body)
{
    struct slack_payload payload;
    enum slack_refusal refusal = SLACK_REFUSALS;
    int error = slack_payload_decode(body, strlen(body), &payload, &refusal);
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
        const char *word = decode_word(cases[i][0]);
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
        {"{\"text\": \"x\", \"attachments\": [{\"ts\": \"soon\", \"text\": \"y\"}]}", "ok"},
    };
    CHECK_WORDS(cases);
}

/* Blocks are refused as soon as there is one, wherever it stands. */
static void test_blocks(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"text\": \"x\", \"blocks\": []}", "ok"},
        {"{\"text\": \"x\", \"blocks\": null}", "ok"},
        {"{\"text\": \"x\", \"blocks\": [{\"type\": \"divider\"}]}", "invalid_blocks"},
        {"{\"text\": \"x\", \"blocks\": {}}", "invalid_blocks"},
        {"{\"blocks\": [1]}", "invalid_blocks"},
        {"{\"attachments\": [{\"text\": \"x\", \"blocks\": []}]}", "ok"},
        {"{\"attachments\": [{\"text\": \"x\", \"blocks\": [{\"type\": \"divider\"}]}]}",
         "invalid_blocks"},
    };
    CHECK_WORDS(cases);
    for (enum slack_refusal refusal = 0; refusal < SLACK_REFUSALS; refusal++)
        assert_true(strlen(slack_refusal_reason(refusal)) > strlen("the message"));
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
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        char *fits = repeat(limits[i].head, limits[i].part, limits[i].most, limits[i].tail);
        char *over = repeat(limits[i].head, limits[i].part, limits[i].most + 1, limits[i].tail);
        assert_string_equal(decode_word(fits), "ok");
        assert_string_equal(decode_word(over), limits[i].word);
        free(fits);
        free(over);
    }
}

/* The members arrive where they belong, those left out as "". */
static void test_members(void **state)
{
    (void)state;
    static const char body[] =
        "{\"channel\": \"#c\", \"username\": \"u\", \"text\": \"t\", \"icon_emoji\": \":x:\","
        " \"attachments\": [{\"color\": \"danger\", \"title\": \"T\", \"title_link\": "
        "\"http://x/\","
        " \"pretext\": \"p\", \"text\": \"*x*\", \"mrkdwn_in\": [\"text\", 1], \"ts\": "
        "1795516800,"
        " \"fields\": [{\"title\": \"a\", \"value\": \"b\", \"short\": true}, {\"value\": \"c\"}],"
        " \"actions\": [{\"type\": \"button\", \"text\": \"Go\", \"url\": \"http://y/\"}]}]}";
    struct slack_payload payload;
    enum slack_refusal refusal;
    assert_int_equal(slack_payload_decode(body, strlen(body), &payload, &refusal), 0);
    assert_string_equal(payload.channel, "#c");
    assert_string_equal(payload.username, "u");
    assert_string_equal(payload.text, "t");
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
    assert_string_equal(attachment->fields[1].title, "");
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
        cmocka_unit_test(test_messages), cmocka_unit_test(test_attachments),
        cmocka_unit_test(test_blocks),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_members),  cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
