/* test_buffer.c - growth, hand-over, and failed allocations of the byte sink.
 * Linked with --wrap=realloc: the tests see every allocation and can fail one. */
#include "encode/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <errno.h>

#include <cmocka.h>

static struct {
    unsigned calls;
    unsigned fail_at; /* the call to fail, from 1; 0: none */
    size_t last_size;
} allocations;

void *__real_realloc(void *data, size_t size);
void *__wrap_realloc(void *data, size_t size);

void *__wrap_realloc(void *data, size_t size)
{
    allocations.calls++;
    allocations.last_size = size;
    return allocations.calls == allocations.fail_at ? NULL : __real_realloc(data, size);
}

static int reset_allocations(void **state)
{
    (void)state;
    memset(&allocations, 0, sizeof(allocations));
    return 0;
}

static void assert_taken(struct buffer *buffer, const char *expected)
{
    char *data = NULL;
    size_t length = 0;

    assert_int_equal(buffer_take(buffer, &data, &length), 0);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(data, expected, length + 1);
    free(data);
}

static void test_collects_and_is_empty_after_take(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 0);
    buffer_append_text(&buffer, "one");
    buffer_append_char(&buffer, ' ');
    buffer_append(&buffer, "two\0", 3);
    buffer_append(&buffer, NULL, 0);
    assert_taken(&buffer, "one two");
    buffer_append_text(&buffer, "again");
    assert_taken(&buffer, "again");
    assert_taken(&buffer, "");
    buffer_finish(&buffer);
}

static void test_first_capacity(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 5000);
    assert_int_equal(allocations.calls, 0);
    buffer_append_char(&buffer, 'x');
    assert_int_equal(allocations.last_size, 5000);
    for (int i = 1; i < 4999; i++)
        buffer_append_char(&buffer, 'x');
    assert_int_equal(allocations.calls, 1); /* 4999 bytes and the NUL */
    buffer_append_char(&buffer, 'x');
    assert_int_equal(allocations.calls, 2);
    assert_int_equal(allocations.last_size, 10000);
    buffer_finish(&buffer);
}

static void test_growth_doubles(void **state)
{
    struct buffer buffer;
    char *data;
    size_t length;

    (void)state;
    buffer_init(&buffer, 0);
    for (int i = 0; i < 1 << 20; i++)
        buffer_append_char(&buffer, (char)('a' + i % 26));
    assert_int_equal(allocations.calls, 16); /* 64 bytes, doubled 15 times: 2 MiB */
    assert_int_equal(buffer_take(&buffer, &data, &length), 0);
    assert_int_equal(length, 1 << 20);
    for (int i = 0; i < 1 << 20; i++)
        assert_int_equal(data[i], 'a' + i % 26);
    free(data);
}

static void test_reserve_then_use_a_part(void **state)
{
    struct buffer buffer;
    char *end;

    (void)state;
    buffer_init(&buffer, 0);
    buffer_append_text(&buffer, "ab");
    end = buffer_reserve(&buffer, 1000);
    assert_non_null(end);
    memset(end, 'c', 1000);
    buffer.length += 2;
    assert_taken(&buffer, "abcc");
}

/* The n-th allocation fails, for every n: the error sticks and nothing leaks (LeakSanitizer). */
static void test_failed_allocation_sticks(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 6; n++) {
        struct buffer buffer;
        char *data = (char *)&buffer;
        size_t length = 77;

        allocations.calls = 0;
        allocations.fail_at = n;
        buffer_init(&buffer, 0);
        for (int i = 0; i < 4000; i++)
            buffer_append(&buffer, "0123456789", 10);
        assert_int_equal(buffer.error, -ENOMEM);
        assert_int_equal(allocations.calls, n); /* no further attempt after the failure */
        buffer_append_text(&buffer, "more");
        buffer_append_char(&buffer, '!');
        assert_null(buffer_reserve(&buffer, 0));
        assert_int_equal(buffer_take(&buffer, &data, &length), -ENOMEM);
        assert_ptr_equal(data, &buffer);
        assert_int_equal(length, 77);
        buffer_finish(&buffer);
        buffer_append_text(&buffer, "fresh");
        assert_taken(&buffer, "fresh");
    }
}

static void test_take_of_nothing_reports_failed_allocation(void **state)
{
    struct buffer buffer;
    char *data;
    size_t length;

    (void)state;
    allocations.fail_at = 1;
    buffer_init(&buffer, 10);
    assert_int_equal(buffer_take(&buffer, &data, &length), -ENOMEM);
}

/* At the limit the allocation is asked for (and failed here); above it, it is not even tried. */
static void test_limit(void **state)
{
    static const size_t above[] = {BUFFER_MAX_BYTES - 1, BUFFER_MAX_BYTES, SIZE_MAX - 1, SIZE_MAX};
    struct buffer buffer;

    (void)state;
    allocations.fail_at = 1;
    buffer_init(&buffer, 0);
    assert_null(buffer_reserve(&buffer, BUFFER_MAX_BYTES - 1));
    assert_int_equal(allocations.last_size, BUFFER_MAX_BYTES);
    buffer_finish(&buffer);
    for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
        reset_allocations(NULL);
        buffer_init(&buffer, 0);
        buffer_append_char(&buffer, 'x');
        assert_null(buffer_reserve(&buffer, above[i]));
        assert_int_equal(allocations.calls, 1);
        assert_int_equal(buffer.error, -ENOMEM);
        buffer_finish(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_collects_and_is_empty_after_take, reset_allocations),
        cmocka_unit_test_setup(test_first_capacity, reset_allocations),
        cmocka_unit_test_setup(test_growth_doubles, reset_allocations),
        cmocka_unit_test_setup(test_reserve_then_use_a_part, reset_allocations),
        cmocka_unit_test_setup(test_failed_allocation_sticks, reset_allocations),
        cmocka_unit_test_setup(test_take_of_nothing_reports_failed_allocation, reset_allocations),
        cmocka_unit_test_setup(test_limit, reset_allocations),
    };

    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
