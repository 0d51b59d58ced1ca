/* print.h - text into a buffer: formatted, escaped, and numbers as people read them. */
#ifndef REPORT_PRINT_H
#define REPORT_PRINT_H

#include "encode/buffer.h"

/* As printf(); at most PRINT_MAX_BYTES, since only our own texts and numbers are formatted. */
#define PRINT_MAX_BYTES 512
__attribute__((format(printf, 2, 3))) void print(struct buffer *out, const char *format, ...);

/* Text as the content of an HTML or SVG element, or within a quoted attribute. Bytes that are not
 * UTF-8 and characters that HTML forbids become U+FFFD. */
void print_html(struct buffer *out, const char *text);

/* Text as Markdown code, which is never read as markup, a link or a mention; `table`: within a cell
 * of a table. */
void print_markdown_code(struct buffer *out, const char *text, int table);

struct number_text {
    char text[32];
};
/* Three significant digits, plain between 0.001 and a million; "none" for NaN. */
struct number_text number_words(double value);
/* "12 %", "1.2 %", "0.05 %" of a share in [0, 1]. */
struct number_text percent_words(double share);

/* Two numbers with as many digits as it takes to tell them apart. */
struct number_pair {
    struct number_text from, to;
};
struct number_pair pair_words(double from, double to);
struct number_pair percent_pair_words(double from, double to);

#endif
