/* test_access.c - files of tokens, and what requests may do with one. */
#include "http/access.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define READ_TOKEN  "read-token-000001"
#define WRITE_TOKEN "write+token/0001="
#define ADMIN_TOKEN "admin.token~00001"

static char path[] = "/tmp/test_access.XXXXXX";

static int make_file(void **state)
{
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static int read_text(const char *text, struct http_tokens **tokens, struct error *error)
{
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    return http_tokens_read(path, tokens, error);
}

static struct http_tokens *three_tokens(void)
{
    struct http_tokens *tokens = NULL;
    struct error error;
    if (read_text("# who may what\n\n  read\t" READ_TOKEN "  \r\nwrite " WRITE_TOKEN
                  "\nadmin " ADMIN_TOKEN,
                  &tokens, &error) < 0)
        fail_msg("%s", error.text);
    return tokens;
}

static void expect(const struct http_tokens *tokens, const char *authorization,
                   const unsigned status[3])
{
    for (int role = HTTP_ROLE_ADMIN; role <= HTTP_ROLE_READ; role++) {
        const struct http_refusal refusal =
            http_check_access(tokens, (enum http_role)role, authorization);
        if (refusal.status != status[role])
            fail_msg("%s, role %d: %u, not %u", authorization, role, refusal.status, status[role]);
    }
    assert_int_equal(http_check_access(tokens, HTTP_ROLE_NONE, authorization).status, 0);
}

static void roles(void **state)
{
    static const unsigned none[] = {401, 401, 401}, read[] = {403, 403, 0}, write[] = {403, 0, 0},
                          admin[] = {0, 0, 0};
    struct http_tokens *tokens = three_tokens();
    (void)state;
    expect(tokens, NULL, none);
    expect(tokens, "Bearer " READ_TOKEN, read);
    expect(tokens, "bearer  " WRITE_TOKEN, write);
    expect(tokens, "Bearer " ADMIN_TOKEN, admin);
    expect(NULL, NULL, admin);
    http_tokens_destroy(tokens);
}

static void what_is_no_token_of_ours(void **state)
{
    static const unsigned none[] = {401, 401, 401};
    static const char *const values[] = {
        "",
        "Bearer",
        "Bearer ",
        "Bearer admin.token~0000",
        "Bearer admin.token~000012",
        "Bearer admin.token~00002",
        "Bearer ADMIN.TOKEN~00001",
        "Bearer admin.token~00001 ",
        "Bearer admin.token~00001,",
        "Bearer\tadmin.token~00001",
        "Token admin.token~00001",
        "admin.token~00001",
        "Basic",
        "Basic ",
        "Basic !",
        "Basic YWRtaW4=",
        "Basic admin.token~00001",
    };
    struct http_tokens *tokens = three_tokens();
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        expect(tokens, values[i], none);
    http_tokens_destroy(tokens);
}

/* Made with: printf NAME:TOKEN | base64 */
static void a_token_as_the_password_of_a_browser(void **state)
{
    static const unsigned read[] = {403, 403, 0}, write[] = {403, 0, 0}, none[] = {401, 401, 401};
    struct http_tokens *tokens = three_tokens();
    (void)state;
    expect(tokens, "Basic OnJlYWQtdG9rZW4tMDAwMDAx", read);
    expect(tokens, "basic bWU6d3JpdGUrdG9rZW4vMDAwMT0=", write);
    expect(tokens, "Basic bWU6d3JpdGUrdG9rZW4vMDAwMT", none);
    char longest[2000] = "Basic ";
    memset(longest + 6, 'Q', sizeof(longest) - 7);
    expect(tokens, longest, none);
    http_tokens_destroy(tokens);
}

static void wrong_files(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "has no token"},
        {"# none\n", "has no token"},
        {"read " READ_TOKEN "\nowner " ADMIN_TOKEN, "line 2: the role must be"},
        {READ_TOKEN, "line 1: the role must be"},
        {"read", "16 to 256"},
        {"read short", "16 to 256"},
        {"read with-a-\"quote\"-in-it", "16 to 256"},
        {"read " READ_TOKEN " more", "16 to 256"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_tokens *tokens = NULL;
        struct error error = {""};
        assert_int_equal(read_text(cases[i].text, &tokens, &error), -EINVAL);
        assert_null(tokens);
        if (!strstr(error.text, cases[i].words) || strstr(error.text, READ_TOKEN))
            fail_msg("%s", error.text);
    }
}

static void more_tokens_than_there_is_room_for(void **state)
{
    static char text[(HTTP_MAX_TOKENS + 1) * 40];
    struct http_tokens *tokens = NULL;
    struct error error;
    (void)state;
    for (int i = 0; i < HTTP_MAX_TOKENS; i++)
        sprintf(text + strlen(text), "read read-token-%06d\n", i);
    assert_int_equal(read_text(text, &tokens, &error), 0);
    assert_int_equal(http_check_access(tokens, HTTP_ROLE_READ, "Bearer read-token-000099").status,
                     0);
    http_tokens_destroy(tokens);
    strcat(text, "read read-token-000100\n");
    assert_int_equal(read_text(text, &tokens, &error), -EINVAL);
    assert_non_null(strstr(error.text, "line 101: the file has more than 100 tokens"));
}

static void files_that_others_may_read(void **state)
{
    struct http_tokens *tokens = NULL;
    struct error error;
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0601, 0620};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(read_text("read " READ_TOKEN, &tokens, &error), -EACCES);
        assert_non_null(strstr(error.text, "chmod 600"));
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(http_tokens_read(path, &tokens, &error), 0);
    http_tokens_destroy(tokens);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(http_tokens_read("/nonexistent/tokens", &tokens, &error), -ENOENT);
}

static void listening_beyond_loopback(void **state)
{
    struct error error;
    (void)state;
    assert_int_equal(http_check_exposure("127.0.0.1:8000", false, false, &error), 0);
    assert_int_equal(http_check_exposure("localhost:8000", false, false, &error), 0);
    assert_int_equal(http_check_exposure("[::1]:8000", false, false, &error), 0);
    assert_int_equal(http_check_exposure("0.0.0.0:8000", false, false, &error), -EPERM);
    assert_non_null(strstr(error.text, "--insecure-listen"));
    assert_int_equal(http_check_exposure("[::]:8000", false, false, &error), -EPERM);
    assert_int_equal(http_check_exposure("0.0.0.0:8000", true, false, &error), 0);
    assert_int_equal(http_check_exposure("0.0.0.0:8000", false, true, &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles),
        cmocka_unit_test(what_is_no_token_of_ours),
        cmocka_unit_test(a_token_as_the_password_of_a_browser),
        cmocka_unit_test(wrong_files),
        cmocka_unit_test(more_tokens_than_there_is_room_for),
        cmocka_unit_test(files_that_others_may_read),
        cmocka_unit_test(listening_beyond_loopback),
    };
    return cmocka_run_group_tests_name("access", tests, make_file, remove_file);
}
