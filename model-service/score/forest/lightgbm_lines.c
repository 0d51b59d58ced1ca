/* lightgbm_lines.c - lines, words and numbers of LightGBM's text models. */
#include "score/forest/lightgbm_reader.h"

#include "text/decimal.h"
#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

const char *const lightgbm_field_names[FIELDS] = {
    [FIELD_VERSION] = "version",
    [FIELD_CLASSES] = "num_class",
    [FIELD_TREES_PER_ROUND] = "num_tree_per_iteration",
    [FIELD_LAST_FEATURE] = "max_feature_idx",
    [FIELD_OBJECTIVE] = "objective",
    [FIELD_NAMES] = "feature_names",
    [FIELD_INFOS] = "feature_infos",
    [FIELD_AVERAGE] = "average_output",
    [FIELD_LEAVES] = "num_leaves",
    [FIELD_SPLIT_FEATURE] = "split_feature",
    [FIELD_THRESHOLD] = "threshold",
    [FIELD_DECISION] = "decision_type",
    [FIELD_LEFT] = "left_child",
    [FIELD_RIGHT] = "right_child",
    [FIELD_VALUE] = "leaf_value",
    [FIELD_CAT_BEGIN] = "cat_boundaries",
    [FIELD_CAT_WORDS] = "cat_threshold",
    [FIELD_LINEAR] = "is_linear",
};

bool lightgbm_next_line(struct lightgbm_reader *reader, struct lightgbm_line *ret_line)
{
    if (reader->at >= reader->end)
        return false;
    char *stop = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    char *const next = stop ? stop + 1 : reader->end;

    if (!stop)
        stop = reader->end;
    if (stop > reader->at && stop[-1] == '\r')
        stop--;
    *ret_line = (struct lightgbm_line){reader->at, (size_t)(stop - reader->at)};
    reader->at = next;
    return true;
}

bool lightgbm_line_is(const struct lightgbm_line *line, const char *text)
{
    return line->bytes == strlen(text) && memcmp(line->text, text, line->bytes) == 0;
}

bool lightgbm_line_begins(const struct lightgbm_line *line, const char *text)
{
    return line->bytes >= strlen(text) && memcmp(line->text, text, strlen(text)) == 0;
}

static void note_field(struct lightgbm_reader *reader, const struct lightgbm_line *line)
{
    const char *equals = memchr(line->text, '=', line->bytes);
    const size_t name = equals ? (size_t)(equals - line->text) : line->bytes;

    for (size_t f = 0; f < FIELDS; f++)
        if (strlen(lightgbm_field_names[f]) == name &&
            memcmp(lightgbm_field_names[f], line->text, name) == 0)
            reader->field[f] = equals ? (struct lightgbm_line){equals + 1, line->bytes - name - 1}
                                      : (struct lightgbm_line){line->text, 0};
}

bool lightgbm_read_section(struct lightgbm_reader *reader, struct lightgbm_line *ret_line)
{
    memset(reader->field, 0, sizeof(reader->field));
    while (lightgbm_next_line(reader, ret_line)) {
        if (lightgbm_line_begins(ret_line, "Tree=") || lightgbm_line_is(ret_line, "end of trees"))
            return true;
        note_field(reader, ret_line);
    }
    return false;
}

bool lightgbm_next_word(struct lightgbm_line *line, struct lightgbm_line *ret_word)
{
    while (line->bytes > 0 && *line->text == ' ') {
        line->text++;
        line->bytes--;
    }
    if (line->bytes == 0)
        return false;
    const char *space = memchr(line->text, ' ', line->bytes);
    const size_t bytes = space ? (size_t)(space - line->text) : line->bytes;

    *ret_word = (struct lightgbm_line){line->text, bytes};
    line->text += bytes;
    line->bytes -= bytes;
    return true;
}

int lightgbm_fail_field(struct lightgbm_reader *reader, enum lightgbm_field field,
                        const struct lightgbm_line *found)
{
    return error_set(reader->error, -EINVAL, "%s: found \"%s\", expected %s",
                     lightgbm_field_names[field],
                     excerpt_bytes(found->text ? found->text : "", found->bytes).text,
                     field == FIELD_OBJECTIVE ? "an objective" : "numbers");
}

int lightgbm_word_number(const struct lightgbm_line *word, double *ret_number)
{
    static const struct {
        const char *word;
        double number;
    } special[] = {{"inf", INFINITY}, {"-inf", -INFINITY}, {"nan", NAN}, {"-nan", NAN}};

    for (size_t i = 0; i < LENGTH(special); i++)
        if (lightgbm_line_is(word, special[i].word)) {
            *ret_number = special[i].number;
            return 0;
        }
    return decimal_number(word->text, word->bytes, ret_number);
}

int lightgbm_read_numbers(struct lightgbm_reader *reader, enum lightgbm_field field,
                          struct document_numbers *numbers)
{
    struct lightgbm_line line = reader->field[field], word;

    numbers->count = 0;
    while (lightgbm_next_word(&line, &word)) {
        const int rc = document_numbers_reserve(numbers);

        if (rc < 0)
            return rc;
        if (lightgbm_word_number(&word, &numbers->item[numbers->count]) < 0)
            return lightgbm_fail_field(reader, field, &word);
        numbers->count++;
    }
    return 0;
}

int lightgbm_read_count(struct lightgbm_reader *reader, enum lightgbm_field field,
                        size_t *ret_count)
{
    struct lightgbm_line line = reader->field[field], word;
    double number = 0;

    if (!line.text || !lightgbm_next_word(&line, &word) ||
        lightgbm_word_number(&word, &number) < 0 ||
        !(number >= 0 && number < UINT32_MAX && number == floor(number)))
        return lightgbm_fail_field(reader, field, &reader->field[field]);
    *ret_count = (size_t)number;
    return 0;
}
