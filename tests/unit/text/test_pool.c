/* test_pool.c - strings kept once, their counters, and two pools made one. */
#include "text/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define STRINGS 5000

static const char *intern(struct text_pool *pool, const char *text)
{
    const char *kept = text_pool_intern(pool, text, strlen(text));

    assert_non_null(kept);
    assert_string_equal(kept, text);
    return kept;
}

static const char *name_of(size_t i)
{
    static char name[300];

    /* of all lengths, so that some fill a word or a block to its end */
    snprintf(
        name, sizeof(name), "%zu%.*s", i, (int)(i % 200),
        "....................................................................................."
        "....................................................................................."
        "....................................................................................");
    return name;
}

static void test_kept_once(void **state)
{
    struct text_pool pool = {0};
    const char *kept[STRINGS];

    (void)state;
    for (size_t i = 0; i < STRINGS; i++) {
        kept[i] = intern(&pool, name_of(i));
        assert_int_equal(*text_pool_counter(kept[i]), 0);
        *text_pool_counter(kept[i]) = i;
    }
    assert_int_equal(pool.count, STRINGS);
    for (size_t i = 0; i < STRINGS; i++) {
        assert_ptr_equal(intern(&pool, name_of(i)), kept[i]);
        assert_int_equal(*text_pool_counter(kept[i]), i);
    }
    assert_int_equal(pool.count, STRINGS);
    text_pool_finish(&pool);
}

static uint64_t sum_of(const struct text_pool *pool)
{
    uint64_t sum = 0, strings = 0;

    for (size_t i = 0; i < pool->size; i++) {
        const char *text = text_pool_at(pool, i);
        if (!text)
            continue;
        strings++;
        sum += *text_pool_counter(text);
    }
    assert_int_equal(strings, pool->count);
    return sum;
}

static void test_absorb(void **state)
{
    struct text_pool pool = {0}, other = {0}, empty = {0};

    (void)state;
    for (size_t i = 0; i < 300; i++)
        *text_pool_counter(intern(&pool, name_of(i))) = 1;
    for (size_t i = 200; i < STRINGS; i++)
        *text_pool_counter(intern(&other, name_of(i))) = 2;
    const char *doubled = intern(&other, name_of(250)), *mine = intern(&pool, name_of(250));
    assert_int_equal(text_pool_absorb(&pool, &other), 0);
    assert_int_equal(pool.count, STRINGS);
    assert_int_equal(other.count, 0);
    assert_int_equal(sum_of(&pool), 300 + 2 * (STRINGS - 200));
    assert_ptr_equal(intern(&pool, name_of(250)), mine);
    assert_int_equal(*text_pool_counter(mine), 3);
    assert_string_equal(doubled, name_of(250)); /* still there */
    assert_int_equal(text_pool_absorb(&pool, &empty), 0);
    assert_int_equal(text_pool_absorb(&empty, &pool), 0);
    assert_int_equal(empty.count, STRINGS);
    text_pool_finish(&empty);
    text_pool_finish(&pool);
    text_pool_finish(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_once),
        cmocka_unit_test(test_absorb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
