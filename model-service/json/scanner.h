/* scanner.h - the tokens of JSON (RFC 8259) in a text of the usual shape, without building a
 * document. Whatever a scanner stops at is left to the JSON library, which reads the same texts to
 * the same values; for the files of json/ alone.
 *
 * Inline, as an observation of six features takes some fifty calls. */
#ifndef JSON_SCANNER_H
#define JSON_SCANNER_H

#include "text/decimal.h"
#include "text/utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct scanner {
    const char *at, *end; /* *end can be read: the bytes are followed by a NUL */
};

/* A part of the scanned text. */
struct scanned_text {
    const char *start;
    size_t bytes;
};

static inline bool scanner_is_space(char c)
{
    return (unsigned char)c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

static inline void scanner_skip_space(struct scanner *scanner)
{
    const char *p = scanner->at;
    while (p < scanner->end && scanner_is_space(*p))
        p++;
    scanner->at = p;
}

/* Past white space and this character, if it is the next one. */
static inline bool scanner_skip_char(struct scanner *scanner, char c)
{
    scanner_skip_space(scanner);
    if (scanner->at == scanner->end || *scanner->at != c)
        return false;
    scanner->at++;
    return true;
}

/* Past white space; the next character, '\0' at the end. */
static inline char scanner_peek(struct scanner *scanner)
{
    scanner_skip_space(scanner);
    return scanner->at < scanner->end ? *scanner->at : '\0';
}

/* Past these bytes, if they are the next ones, without white space before. */
static inline bool scanner_skip_word(struct scanner *scanner, const char *word, size_t bytes)
{
    if ((size_t)(scanner->end - scanner->at) < bytes || memcmp(scanner->at, word, bytes) != 0)
        return false;
    scanner->at += bytes;
    return true;
}

/* Whether nothing but white space is left. */
static inline bool scanner_at_end(struct scanner *scanner)
{
    scanner_skip_space(scanner);
    return scanner->at == scanner->end;
}

/* Past the opening quote: the rest of a string without escapes, in UTF-8. */
static inline bool scanner_string(struct scanner *scanner, struct scanned_text *ret_text)
{
    const char *p = scanner->at;
    unsigned char all = 0;
    for (; p < scanner->end && (unsigned char)*p >= ' ' && *p != '"' && *p != '\\'; p++)
        all |= (unsigned char)*p;
    if (p == scanner->end || *p != '"' ||
        (all >= 0x80 && !utf8_is_valid(scanner->at, (size_t)(p - scanner->at))))
        return false;
    *ret_text = (struct scanned_text){scanner->at, (size_t)(p - scanner->at)};
    scanner->at = p + 1;
    return true;
}

static inline const char *scanner_skip_digits(const char *p, const char *end)
{
    while (p < end && (unsigned char)(*p - '0') <= 9)
        p++;
    return p;
}

static inline bool scanner_is_number(char first)
{
    return (unsigned char)(first - '0') <= 9 || first == '-';
}

/* -? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)?, within the range of a double. */
static inline bool scanner_number(struct scanner *scanner, double *ret_number)
{
    const char *start = scanner->at, *end = scanner->end, *p = start, *from;
    p += p < end && *p == '-';
    from = p;
    p = scanner_skip_digits(p, end);
    if (p == from || (*from == '0' && p > from + 1))
        return false;
    if (p < end && *p == '.') {
        from = ++p;
        p = scanner_skip_digits(p, end);
        if (p == from)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        from = p;
        p = scanner_skip_digits(p, end);
        if (p == from)
            return false;
    }
    scanner->at = p;
    return decimal_number(start, (size_t)(p - start), ret_number) == 0;
}

static inline bool scanner_null(struct scanner *scanner)
{
    return scanner_skip_word(scanner, "null", 4);
}

static inline bool scanner_boolean(struct scanner *scanner, bool *ret_truth)
{
    *ret_truth = scanner_skip_word(scanner, "true", 4);
    return *ret_truth || scanner_skip_word(scanner, "false", 5);
}

#endif
