/* test_gzip.c - compressed texts of one and of several parts, read by zlib. */
#include "http/gzip.h"

#include "random_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <zlib.h>

#include <cmocka.h>

/* One member, whose length and checksum zlib has compared, and nothing behind it. */
static void check_member(const char *plain, size_t bytes, char *compressed, size_t compressed_bytes)
{
    char *back = malloc(bytes + 1);
    z_stream stream = {.next_in = (Bytef *)compressed,
                       .avail_in = (uInt)compressed_bytes,
                       .next_out = (Bytef *)back,
                       .avail_out = (uInt)bytes + 1};
    assert_non_null(back);
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, bytes);
    assert_memory_equal(back, plain, bytes);
    inflateEnd(&stream);
    free(back);
}

static void compress_and_check(const char *plain, size_t bytes, size_t at_most)
{
    char *compressed = NULL;
    size_t compressed_bytes = 0;
    assert_int_equal(gzip_compress(plain, bytes, &compressed, &compressed_bytes), 0);
    assert_true(compressed_bytes <= at_most);
    check_member(plain, bytes, compressed, compressed_bytes);
    free(compressed);
}

#define LONGEST ((9u << 20) + 5)

static void test_sizes(void **state)
{
    static const size_t sizes[] = {1,      2, (1u << 20) - 1, 1u << 20, 3u << 20, (3 << 20) + 1,
                                   LONGEST};
    char *text = malloc(LONGEST), *noise = malloc(LONGEST);
    uint64_t stream = 1;
    (void)state;
    assert_non_null(text);
    assert_non_null(noise);
    for (size_t i = 0; i < LONGEST; i++) {
        text[i] = "model_feature_mean{model=\"a\"} 0.125\n"[i % 36];
        noise[i] = (char)random_bits(&stream);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        compress_and_check(text, sizes[i], sizes[i] / 100 + 200);
        compress_and_check(noise, sizes[i], sizes[i] + sizes[i] / 1000 + 200);
    }
    free(text);
    free(noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
