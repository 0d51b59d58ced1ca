/* place.c - where in a JSON text an offset lies, as a path of keys and indices. */
#include "json/place.h"

#include <string.h>

/* First byte after the string that begins at `start`. */
static size_t string_end(const char *text, size_t bytes, size_t start)
{
    size_t i = start + 1;

    while (i < bytes && text[i] != '"')
        i += text[i] == '\\' ? 2 : 1;
    return i < bytes ? i + 1 : bytes;
}

static size_t token_end(const char *text, size_t bytes, size_t start)
{
    size_t i = start;

    if (text[start] == '"')
        return string_end(text, bytes, start);
    while (i < bytes && !memchr(" \t\r\n,:[]{}\"", text[i], 11))
        i++;
    return i;
}

static struct json_level *innermost(struct json_place *place)
{
    return place->depth > 0 && place->depth <= JSON_PLACE_LEVELS ? &place->level[place->depth - 1]
                                                                 : NULL;
}

static void take_punctuation(struct json_place *place, char c)
{
    struct json_level *level;

    if ((c == ']' || c == '}') && place->depth > 0) {
        place->depth--;
    } else if (c == '[' || c == '{') {
        place->depth++;
        level = innermost(place);
        if (level)
            *level = (struct json_level){.array = c == '['};
    } else if (c == ',') {
        level = innermost(place);
        if (level && level->array)
            level->index++;
        else if (level)
            level->key = NULL;
    } else if (c == ':') {
        level = innermost(place);
        if (level) {
            level->key = place->token + 1;
            level->key_bytes = place->token_bytes - 2;
        }
    }
}

/* Notes the name of the innermost object, whose member the last token is the value of. */
static void take_name(struct json_place *place)
{
    struct json_level *level = innermost(place);

    if (!level || level->array || !level->key || place->token[0] != '"' || place->token_bytes < 2 ||
        level->key_bytes != strlen("name") || memcmp(level->key, "name", level->key_bytes) != 0)
        return;
    level->name = place->token + 1;
    level->name_bytes = place->token_bytes - 2;
}

void json_place_find(const char *text, size_t bytes, struct json_place *ret_place)
{
    size_t i = 0;

    *ret_place = (struct json_place){.token = text};
    while (i < bytes) {
        if (memchr(" \t\r\n", text[i], 4)) {
            i++;
        } else if (memchr(",:[]{}", text[i], 6)) {
            take_punctuation(ret_place, text[i++]);
        } else {
            size_t end = token_end(text, bytes, i);

            ret_place->token = text + i;
            ret_place->token_bytes = end - i;
            take_name(ret_place);
            i = end;
        }
    }
}

bool json_place_has_key(const struct json_place *place, size_t level, const char *key)
{
    const struct json_level *open = &place->level[level];

    return level < place->depth && !open->array && open->key && open->key_bytes == strlen(key) &&
           memcmp(open->key, key, open->key_bytes) == 0;
}
