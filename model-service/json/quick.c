/* quick.c - one shape of body, read by the scanner; see the header. */
#include "json/quick.h"

#include "json/scanner.h"

/* Past white space and "name": with its quotes. */
static bool skip_key(struct scanner *scanner, const char *quoted, size_t bytes)
{
    scanner_skip_space(scanner);
    return scanner_skip_word(scanner, quoted, bytes) && scanner_skip_char(scanner, ':');
}

bool json_quick_row(const char *body, size_t bytes, const struct schema *schema,
                    struct value *values)
{
    static const char features[] = "\"features\"";
    struct scanner scanner = {.at = body, .end = body + bytes};
    if (!scanner_skip_char(&scanner, '{') || !skip_key(&scanner, features, sizeof(features) - 1) ||
        !scanner_skip_char(&scanner, '['))
        return false;
    for (size_t i = 0; i < schema->features; i++) {
        if (schema->categorical[i] || (i > 0 && !scanner_skip_char(&scanner, ',')))
            return false;
        values[i] = (struct value){.number = 0};
        scanner_skip_space(&scanner);
        if (!scanner_number(&scanner, &values[i].number))
            return false;
    }
    return scanner_skip_char(&scanner, ']') && scanner_skip_char(&scanner, '}') &&
           scanner_at_end(&scanner);
}
