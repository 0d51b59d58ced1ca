/* utf8.c - see text/utf8.h. Encoders call utf8_span() only for bytes above 0x7f. */
#include "text/utf8.h"

/* Lead bytes first..last take `bytes` in all, of which the second is in low..high; any further one
 * is in 0x80..0xbf. This excludes overlong forms, surrogates and what lies above U+10FFFF. */
static const struct {
    unsigned char first, last, bytes, low, high;
} leads[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

size_t utf8_span(const char *text, size_t length, bool *ret_valid)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t row, i;

    *ret_valid = false;
    for (row = 0; row < sizeof(leads) / sizeof(leads[0]); row++)
        if (s[0] >= leads[row].first && s[0] <= leads[row].last)
            break;
    if (row == sizeof(leads) / sizeof(leads[0]))
        return 1;
    for (i = 1; i < leads[row].bytes; i++) {
        unsigned char low = i == 1 ? leads[row].low : 0x80;
        unsigned char high = i == 1 ? leads[row].high : 0xbf;

        if (i == length || s[i] < low || s[i] > high)
            return i;
    }
    *ret_valid = true;
    return i;
}

bool utf8_is_valid(const char *text, size_t length)
{
    bool valid = true;

    for (size_t i = 0; i < length && valid;)
        i += (unsigned char)text[i] < 0x80 ? 1 : utf8_span(text + i, length - i, &valid);
    return valid;
}

size_t utf8_characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += !utf8_is_continuation(*text);
    return count;
}
