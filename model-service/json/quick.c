/* quick.c - a scanner for one shape of body; see the header. A third of the cost of a request
 * was the JSON library's document, which this shape does not need. */
#include "json/quick.h"

#include "text/decimal.h"

#include <string.h>

struct scanner {
    const char *at, *end;
};

static void skip_space(struct scanner *scanner)
{
    while (scanner->at < scanner->end && (*scanner->at == ' ' || *scanner->at == '\n' ||
                                          *scanner->at == '\t' || *scanner->at == '\r'))
        scanner->at++;
}

static bool skip_text(struct scanner *scanner, const char *text, size_t bytes)
{
    skip_space(scanner);
    if ((size_t)(scanner->end - scanner->at) < bytes || memcmp(scanner->at, text, bytes) != 0)
        return false;
    scanner->at += bytes;
    return true;
}

static bool skip_digits(struct scanner *scanner)
{
    const char *start = scanner->at;
    while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9')
        scanner->at++;
    return scanner->at > start;
}

static bool skip_one_of(struct scanner *scanner, char a, char b)
{
    if (scanner->at == scanner->end || (*scanner->at != a && *scanner->at != b))
        return false;
    scanner->at++;
    return true;
}

/* RFC 8259: -? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)? */
static bool skip_number(struct scanner *scanner)
{
    (void)skip_one_of(scanner, '-', '-');
    if (!skip_one_of(scanner, '0', '0') && !skip_digits(scanner))
        return false;
    if (skip_one_of(scanner, '.', '.') && !skip_digits(scanner))
        return false;
    if (!skip_one_of(scanner, 'e', 'E'))
        return true;
    (void)skip_one_of(scanner, '+', '-');
    return skip_digits(scanner);
}

static bool scan_number(struct scanner *scanner, double *ret_number)
{
    skip_space(scanner);
    const char *start = scanner->at;
    return skip_number(scanner) &&
           decimal_number(start, (size_t)(scanner->at - start), ret_number) == 0;
}

bool json_quick_row(const char *body, size_t bytes, const struct schema *schema,
                    struct value *values)
{
    struct scanner scanner = {.at = body, .end = body + bytes};
    if (!skip_text(&scanner, "{", 1) || !skip_text(&scanner, "\"features\"", 10) ||
        !skip_text(&scanner, ":", 1) || !skip_text(&scanner, "[", 1))
        return false;
    for (size_t i = 0; i < schema->features; i++) {
        double number;
        if (schema->categorical[i] || (i > 0 && !skip_text(&scanner, ",", 1)) ||
            !scan_number(&scanner, &number))
            return false;
        values[i] = (struct value){.number = number};
    }
    if (!skip_text(&scanner, "]", 1) || !skip_text(&scanner, "}", 1))
        return false;
    skip_space(&scanner);
    return scanner.at == scanner.end;
}
