/* Unit tests of csv/csv*.c: rows, numbers, tables, and every refusal with its sentence. */
#include "csv/csv.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#include "corpus.h"
#include "row/text_value.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static char path[64];

static void write_file(const char *text, size_t bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* Rows as text: LINE<field>[quoted field]; the header begins with '#'. */
struct dump {
    char text[4096];
    size_t used;
    size_t rows_left; /* then stop */
};

static bool dump_row(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct dump *dump = context;

    dump->used += (size_t)sprintf(dump->text + dump->used, "%llu", (unsigned long long)line);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strlen(fields[i].text), fields[i].bytes);
        dump->used += (size_t)sprintf(dump->text + dump->used, fields[i].quoted ? "[%s]" : "<%s>",
                                      fields[i].text);
    }
    return dump->rows_left-- > 1;
}

static bool dump_header(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct dump *dump = context;

    dump->text[dump->used++] = '#';
    return dump_row(context, line, fields, count);
}

static void test_rows(void **state)
{
    static const struct {
        const char *text, *rows;
    } cases[] = {
        {"a,b\n1,2\n", "#1<a><b>2<1><2>"},
        {"a,b\n1,2", "#1<a><b>2<1><2>"},
        {"a,b\r\n1,2\r\n", "#1<a><b>2<1><2>"},
        {"a,b\r\n1,2\r", "#1<a><b>2<1><2>"},
        {"\xef\xbb\xbf"
         "a\n1\n",
         "#1<a>2<1>"},
        {"\xef\xbb\xbf\"a\"\n", "#1[a]"},
        {"\n\r\na\n\n1\n\n", "#3<a>5<1>"},
        {"a,b,c\n,,\n,x,\n", "#1<a><b><c>2<><><>3<><x><>"},
        {"\"a\",\"b\"\n\"1,5\",\"x\"\"y\"\n", "#1[a][b]2[1,5][x\"y]"},
        {"a,b\n\"one\ntwo\r\n\nthree\",2\n3,4\n", "#1<a><b>2[one\ntwo\r\n\nthree]<2>6<3><4>"},
        {"a\n\"\"\n\"\"\"\"\n\"\"\"\"\"\"\n", "#1<a>2[]3[\"]4[\"\"]"},
        {"a,b\n5\" pipe,x\"y\"z\n", "#1<a><b>2<5\" pipe><x\"y\"z>"},
        {"a,b\n \"x\",y\n", "#1<a><b>2< \"x\"><y>"},
        {"a\n\"x\"", "#1<a>2[x]"},
        {"a\n\"x\"\r\n", "#1<a>2[x]"},
        {"a\n\"x\"\r", "#1<a>2[x]"},
        {"a\nx\ry\n", "#1<a>2<x\ry>"},
        {"a\n1\n2,3\n", "#1<a>2<1>3<2><3>"},
        {"a", "#1<a>"},
    };
    struct error error;

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct dump dump = {.rows_left = 100};
        int r;

        write_file(cases[i].text, strlen(cases[i].text));
        r = csv_read(path, &(struct csv_format){0}, dump_header, dump_row, &dump, &error);
        if (r != 0)
            fail_msg("%s: %d %s", cases[i].text, r, error.text);
        assert_string_equal(dump.text, cases[i].rows);
    }
}

static void test_stop(void **state)
{
    struct dump dump = {.rows_left = 2};
    struct error error = {"untouched"};

    (void)state;
    write_file("a\n1\n2\n", 6);
    assert_int_equal(csv_read(path, &(struct csv_format){0}, dump_header, dump_row, &dump, &error),
                     -ECANCELED);
    assert_string_equal(dump.text, "#1<a>2<1>");
    dump = (struct dump){.rows_left = 1};
    assert_int_equal(csv_read(path, &(struct csv_format){0}, dump_header, dump_row, &dump, &error),
                     -ECANCELED);
    assert_string_equal(dump.text, "#1<a>");
    assert_string_equal(error.text, "untouched");
}

static bool ignore_row(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    (void)context;
    (void)line;
    (void)fields;
    (void)count;
    return true;
}

static void refuse(const char *text, size_t bytes, int result, const char *detail)
{
    struct error error = {""};
    char want[ERROR_BYTES];

    write_file(text, bytes);
    assert_int_equal(csv_read(path, &(struct csv_format){0}, ignore_row, ignore_row, NULL, &error),
                     result);
    snprintf(want, sizeof(want), "%s%s", path, detail);
    assert_string_equal(error.text, want);
}

static void test_refused_rows(void **state)
{
    static const struct {
        const char *text, *detail;
    } cases[] = {
        {"", ": the file is empty; a header row is expected"},
        {"\xef\xbb\xbf", ": the file is empty; a header row is expected"},
        {"\n\r\n\n", ": the file is empty; a header row is expected"},
        {"a\n\"x\n\n", ":2: a quote is opened in this line and never closed"},
        {"a\n\"x\ny\",\"z\n", ":3: a quote is opened in this line and never closed"},
        {"a\n\"x\"\"", ":2: a quote is opened in this line and never closed"},
        {"a\n1\n\"x\"y,2\n", ":3: column 1: a quoted field goes on after its closing quote"},
        {"a,b\n1,\"x\" \n", ":2: column 2: a quoted field goes on after its closing quote"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        refuse(cases[i].text, strlen(cases[i].text), -EBADMSG, cases[i].detail);
    refuse("a\n1\0\n", 5, -EBADMSG, ":2: the row holds a NUL byte; is it UTF-16?");
}

static void test_refused_files(void **state)
{
    static const struct {
        const char *path;
        int result;
        const char *error;
    } cases[] = {
        {"/nonexistent/x.csv", -ENOENT, "/nonexistent/x.csv: No such file or directory"},
        {"/tmp", -EISDIR, "/tmp: Is a directory"},
    };
    struct error error;

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_int_equal(
            csv_read(cases[i].path, &(struct csv_format){0}, ignore_row, ignore_row, NULL, &error),
            cases[i].result);
        assert_string_equal(error.text, cases[i].error);
    }
}

/* A header, then `bytes` bytes of a row, then a line end. */
static char *long_row(char first, size_t bytes)
{
    char *text = malloc(bytes + 3);

    assert_non_null(text);
    memset(text, 'x', bytes + 3);
    memcpy(text, "a\n", 2);
    text[2] = first;
    text[bytes + 2] = '\n';
    return text;
}

static void test_limits(void **state)
{
    char *longest = long_row('x', CSV_MAX_ROW_BYTES);
    char *too_long = long_row('x', CSV_MAX_ROW_BYTES + 1);
    char *quote = long_row('"', CSV_MAX_ROW_BYTES + 1);
    struct error error;

    (void)state;
    write_file(longest, CSV_MAX_ROW_BYTES + 3);
    assert_int_equal(csv_read(path, &(struct csv_format){0}, ignore_row, ignore_row, NULL, &error),
                     0);
    refuse(too_long, CSV_MAX_ROW_BYTES + 4, -EBADMSG, ":2: the row is longer than 16777216 bytes");
    refuse(quote, CSV_MAX_ROW_BYTES + 4, -EBADMSG,
           ":2: a quote is opened in this line and never closed");
    memset(longest, ',', CSV_MAX_COLUMNS);
    write_file(longest, CSV_MAX_COLUMNS - 1);
    assert_int_equal(csv_read(path, &(struct csv_format){0}, ignore_row, ignore_row, NULL, &error),
                     0);
    refuse(longest, CSV_MAX_COLUMNS, -EBADMSG, ":1: the row has more than 10000 columns");
    free(longest);
    free(too_long);
    free(quote);
}

/* Rows of 1 to 3000 bytes, some with quoted line ends, over many buffers: none is torn. */
struct expected {
    size_t row;
    uint64_t line;
};

static size_t row_length(size_t row)
{
    return 1 + row * 7919 % 3000;
}

static bool check_row(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct expected *expected = context;
    size_t bytes = row_length(expected->row);

    assert_int_equal(line, expected->line);
    assert_int_equal(count, 2);
    assert_int_equal(atoi(fields[0].text), (int)expected->row);
    assert_int_equal(fields[1].bytes, bytes);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(fields[1].text[i], expected->row % 3 == 0 && i % 50 == 7 ? '\n' : 'y');
    expected->line += 1 + (expected->row % 3 == 0 ? (bytes + 42) / 50 : 0);
    expected->row++;
    return true;
}

static void test_rows_across_buffers(void **state)
{
    enum { ROWS = 2000 };
    struct expected expected = {.line = 2};
    struct error error;
    FILE *file = fopen(path, "wb");

    (void)state;
    assert_non_null(file);
    fputs("n,text\n", file);
    for (size_t row = 0; row < ROWS; row++) {
        fprintf(file, "%zu,%s", row, row % 3 == 0 ? "\"" : "");
        for (size_t i = 0; i < row_length(row); i++)
            fputc(row % 3 == 0 && i % 50 == 7 ? '\n' : 'y', file);
        fputs(row % 3 == 0 ? "\"\n" : "\n", file);
    }
    fclose(file);
    assert_int_equal(
        csv_read(path, &(struct csv_format){0}, ignore_row, check_row, &expected, &error), 0);
    assert_int_equal(expected.row, ROWS);
}

static void assert_number(const char *text, double want)
{
    double got = -7.0;
    int r = text_value_number(text, strlen(text), &got);

    if (r != 0 || memcmp(&got, &want, sizeof(got)) != 0)
        fail_msg("%s: %d, got %.17g, want %.17g", text, r, got, want);
}

static void test_numbers(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "1",
        "+1",
        "-1.5",
        ".5",
        "5.",
        "1e5",
        "1E-5",
        "1e+05",
        "000123",
        "0.000001",
        "12345678901234567890",
        "1234567890123456789",
        "0.1",
        "0.30000000000000004",
        "9007199254740993",
        "9007199254740992.5",
        "4503599627370497.5",
        "1e22",
        "1e23",
        "-1e-22",
        "1.7976931348623157e308",
        "2.2250738585072014e-308",
        "5e-324",
        "2e-324",
        "1e-400",
        "123456789012345678901234567890e-30",
        "0e999",
        "0.00000000000000000000000001",
        "9223372036854775808",
        "18446744073709551615",
        "0.9999999999999999999",
        "1.0000000000000001",
        "1152921504606846977",
        "295147905179352830000",
        "1e0000000000000001",
        "8.5",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        assert_number(texts[i], strtod(texts[i], NULL));
    assert_number(" 1.5\t", 1.5);
    assert_number("inf", INFINITY);
    assert_number("-Inf", -INFINITY);
    assert_number("+INFINITY", INFINITY);
    assert_number(" -infinity ", -INFINITY);
}

/* Random decimals of 1 to 21 digits, and exact midpoints between two doubles, against strtod(). */
static void test_numbers_round_like_strtod(void **state)
{
    uint64_t seed = 88172645463325252u;
    char text[64];

    (void)state;
    for (size_t i = 0; i < 300000; i++) {
        size_t used = 0, digits, point;

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        digits = 1 + (seed >> 33) % 21;
        point = (seed >> 40) % (digits + 1);
        for (size_t d = 0; d < digits; d++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            if (d == point)
                text[used++] = '.';
            text[used++] = (char)('0' + (seed >> 59) % 10);
        }
        text[used] = '\0';
        if (i % 4 == 0)
            snprintf(text + used, sizeof(text) - used, "e%d", (int)(seed >> 35) % 50 - 25);
        assert_number(text, strtod(text, NULL));
    }
    for (size_t i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        snprintf(text, sizeof(text), "%llu.5", (unsigned long long)(seed >> 11 | 1ULL << 52));
        assert_number(text, strtod(text, NULL));
        snprintf(text, sizeof(text), "%llu.25",
                 (unsigned long long)((seed >> 12 | 1ULL << 51) & ~(1ULL << 52)));
        assert_number(text, strtod(text, NULL));
    }
}

static void test_missing(void **state)
{
    static const char *const words[] = {"", "NA", "NaN", "nan", "null"};
    static const char *const others[] = {" ", "na", "N/A", "NULL", "None", "nul", "nanx", "0"};
    double value;

    (void)state;
    for (size_t i = 0; i < LENGTH(words); i++) {
        assert_true(text_value_is_missing(words[i], strlen(words[i])));
        assert_int_equal(text_value_number(words[i], strlen(words[i]), &value), 0);
        assert_true(isnan(value));
    }
    for (size_t i = 0; i < LENGTH(others); i++)
        assert_false(text_value_is_missing(others[i], strlen(others[i])));
    assert_int_equal(text_value_number("  ", 2, &value), 0);
    assert_true(isnan(value));
}

static void test_not_numbers(void **state)
{
    static const char *const texts[] = {
        "x",     "1x",    "0x10",      "1,5",   "1 2",       "--1",  "+",       "-",
        ".",     "e5",    "1e",        "1e+",   "1.2.3",     "-nan", "infinit", "in",
        "0x1p3", "1_000", "\302\2401", "1e5.0", "12345678x", "- 1",
    };
    double value = 7.0;

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        assert_int_equal(text_value_number(texts[i], strlen(texts[i]), &value), -EINVAL);
    assert_int_equal(text_value_number("1e999", 5, &value), -ERANGE);
    assert_int_equal(text_value_number("-1.8e308", 8, &value), -ERANGE);
    assert_int_equal(text_value_number("1e99999999999999999999", 22, &value), -ERANGE);
    assert_true(value == 7.0);
}

static int read_table(const char *text, struct csv_table *table, struct error *error)
{
    write_file(text, strlen(text));
    return csv_table_read(table, path, error);
}

static void test_table(void **state)
{
    struct csv_column columns[] = {{.name = "sex", .categorical = true}, {.name = "age"}};
    struct csv_table table = {.columns = columns, .column_count = 2};
    struct error error = {""};

    (void)state;
    assert_int_equal(read_table("name,age,sex\n\"Braund, Mr. Owen\",22.5,male\nx,,female\n"
                                "\xff,NA,\ny, -inf,male\nz,1,\"male\"\n",
                                &table, &error),
                     0);
    assert_int_equal(table.rows, 5);
    assert_true(columns[1].number[0] == 22.5);
    assert_true(isnan(columns[1].number[1]));
    assert_true(isnan(columns[1].number[2]));
    assert_true(columns[1].number[3] == -INFINITY);
    assert_string_equal(columns[0].text[0], "male");
    assert_string_equal(columns[0].text[1], "female");
    assert_null(columns[0].text[2]);
    assert_ptr_equal(columns[0].text[0], columns[0].text[3]);
    assert_ptr_equal(columns[0].text[0], columns[0].text[4]);
    assert_null(columns[0].number);
    assert_null(columns[1].text);
    csv_table_finish(&table);
    assert_null(columns[1].number);
}

static void test_table_without_rows(void **state)
{
    struct csv_column columns[] = {{.name = "a"}};
    struct csv_table table = {.columns = columns, .column_count = 1};
    struct error error;

    (void)state;
    assert_int_equal(read_table("a\n", &table, &error), 0);
    assert_int_equal(table.rows, 0);
    csv_table_finish(&table);
}

/* Many rows, many categories, and one longer than a block of strings. */
static void test_large_table(void **state)
{
    enum { ROWS = 5000, LONG = 100000 };
    struct csv_column columns[] = {{.name = "n"}, {.name = "c", .categorical = true}};
    struct csv_table table = {.columns = columns, .column_count = 2};
    struct error error;
    char want[32];
    FILE *file = fopen(path, "wb");

    (void)state;
    assert_non_null(file);
    fputs("n,c\n", file);
    for (size_t i = 0; i < ROWS; i++)
        fprintf(file, "%zu,category %zu\n", i, i % 1000);
    fputs("0,", file);
    for (size_t i = 0; i < LONG; i++)
        fputc('z', file);
    fclose(file);
    assert_int_equal(csv_table_read(&table, path, &error), 0);
    assert_int_equal(table.rows, ROWS + 1);
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(columns[0].number[i] == (double)i);
        snprintf(want, sizeof(want), "category %zu", i % 1000);
        assert_string_equal(columns[1].text[i], want);
        assert_ptr_equal(columns[1].text[i], columns[1].text[i % 1000]);
    }
    assert_int_equal(strlen(columns[1].text[ROWS]), LONG);
    csv_table_finish(&table);
}

static void test_refused_tables(void **state)
{
    static const struct {
        const char *text, *detail;
    } cases[] = {
        {"age\n1\n", ":1: column \"sex\" is missing; the file has age"},
        {"sex,b,c,d,e,f,g,h,i,j,k\n", ":1: column \"age\" is missing; the file has sex, b, c, d, "
                                      "e, f, g, h, i, j, ..."},
        {"age,sex,age\n", ":1: column \"age\" appears twice: columns 1 and 3"},
        {"age,sex\n1,m\n2\n", ":3: the row has 1 field, the header has 2"},
        {"age,sex\n1,m,\n", ":2: the row has 3 fields, the header has 2"},
        {"age,sex\n1,\"m\n\"\nold,f\n", ":4: column \"age\": \"old\" is not a number"},
        {"age,sex\n1e999,m\n", ":2: column \"age\": \"1e999\" is outside the range of a 64-bit "
                               "float"},
        {"age,sex\n1,m\xff\n", ":2: column \"sex\": \"m?\" is not UTF-8"},
        {"age,sex\n1,\"m\n", ":2: a quote is opened in this line and never closed"},
        {"", ": the file is empty; a header row is expected"},
    };
    struct csv_column columns[] = {{.name = "sex", .categorical = true}, {.name = "age"}};
    struct csv_table table = {.columns = columns, .column_count = 2};
    struct error error;
    char want[ERROR_BYTES];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_int_equal(read_table(cases[i].text, &table, &error), -EBADMSG);
        snprintf(want, sizeof(want), "%s%s", path, cases[i].detail);
        assert_string_equal(error.text, want);
        assert_null(columns[0].text);
        assert_null(columns[1].number);
        assert_int_equal(table.rows, 0);
    }
    assert_int_equal(csv_table_read(&table, "/nonexistent", &error), -ENOENT);
    assert_string_equal(error.text, "/nonexistent: No such file or directory");
}

static bool count_bytes(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    size_t *bytes = context;

    assert_true(line > 0);
    for (size_t i = 0; i < count; i++)
        *bytes += strlen(fields[i].text);
    return true;
}

static void replay(const char *name, const char *bytes, size_t length)
{
    struct csv_column columns[] = {{.name = "a"}, {.name = "b", .categorical = true}};
    struct csv_table table = {.columns = columns, .column_count = 2};
    struct error error = {""};
    size_t read = 0;
    int r;

    write_file(bytes, length);
    r = csv_read(path, &(struct csv_format){0}, count_bytes, count_bytes, &read, &error);
    if (!(r == 0 || (r == -EBADMSG && error.text[0])) || read > length)
        fail_msg("%s: %d, %zu bytes, %s", name, r, read, error.text);
    if (csv_table_read(&table, path, &error) == 0)
        csv_table_finish(&table);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("csv", replay) >= 10);
}

/* Every text of up to five of the characters that short numbers are made of, and of eight with
 * them at the ends: a number where strtod() takes it whole, and then the same one. */
static void test_short_numbers(void **state)
{
    static const char alphabet[] = "-.059 e+";
    char text[16];

    (void)state;
    for (size_t code = 0; code < 8 * 8 * 8 * 8 * 8; code++)
        for (size_t bytes = 1; bytes <= 8; bytes += bytes == 5 ? 3 : 1) {
            double got = -1, expected;
            char *end;
            int r;

            memcpy(text, "07654321", 8);
            for (size_t i = 0; i < 5; i++)
                text[i < 2 || bytes <= 5 ? i : i + 3] = alphabet[code >> 3 * i & 7];
            text[bytes] = '\0';
            r = text_value_number(text, bytes, &got);
            expected = strtod(text, &end);
            end += end == text ? 0 : strspn(end, " ");
            if (end == text || *end != '\0') {
                if (r == 0 && !isnan(got))
                    fail_msg("\"%s\" is taken for %.17g", text, got);
            } else if (isinf(expected)) {
                assert_int_equal(r, -ERANGE);
            } else if (r != 0 || memcmp(&got, &expected, sizeof(got)) != 0) {
                fail_msg("\"%s\": %.17g, not %.17g", text, got, expected);
            }
        }
}

/* Numbers of 9 to 26 characters in the shapes that have a short cut, and near misses of them. */
static void test_long_numbers(void **state)
{
    uint64_t random = 88172645463325252u;
    char text[64];

    (void)state;
    for (size_t round = 0; round < 400000; round++) {
        size_t bytes = 9 + round % 18, point;
        double got = -1, expected;
        char *end;
        int r;

        for (size_t i = 0; i < bytes; i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            text[i] = (char)('0' + (round % 7 == 0 && i < bytes - 3 ? 0 : random % 10));
        }
        point = random % (round % 3 == 0 ? bytes : 9);
        text[point] = '.';
        if (random >> 20 & 1)
            text[0] = '-';
        if (round % 50 == 0)
            text[random % bytes] = "k.-+e ,"[random / 64 % 7];
        text[bytes] = '\0';
        r = text_value_number(text, bytes, &got);
        expected = strtod(text, &end);
        end += end == text ? 0 : strspn(end, " ");
        if (end == text || *end != '\0')
            assert_int_equal(r, -EINVAL);
        else if (!isinf(expected) && (r != 0 || memcmp(&got, &expected, sizeof(got)) != 0))
            fail_msg("\"%s\": %d %.17g, not %.17g", text, r, got, expected);
    }
}

static int make_path(void **state)
{
    int fd;

    (void)state;
    strcpy(path, "/tmp/test_csv_XXXXXX");
    fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),          cmocka_unit_test(test_stop),
        cmocka_unit_test(test_refused_rows),  cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_rows_across_buffers),
        cmocka_unit_test(test_numbers),       cmocka_unit_test(test_numbers_round_like_strtod),
        cmocka_unit_test(test_missing),       cmocka_unit_test(test_not_numbers),
        cmocka_unit_test(test_table),         cmocka_unit_test(test_table_without_rows),
        cmocka_unit_test(test_large_table),   cmocka_unit_test(test_refused_tables),
        cmocka_unit_test(test_short_numbers), cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_corpus),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
