/* lightgbm_reader.h - a LightGBM model while it is read: lightgbm.c has the head and the whole,
 * lightgbm_tree.c the trees, lightgbm_lines.c the lines and numbers that both are written in. */
#ifndef SCORE_FOREST_LIGHTGBM_READER_H
#define SCORE_FOREST_LIGHTGBM_READER_H

#include "score/forest/document.h"
#include "score/forest/forest.h"

struct lightgbm_line {
    const char *text;
    size_t bytes;
};

/* The lines of a section (the head, or a tree) as names and values. */
enum lightgbm_field {
    FIELD_VERSION,
    FIELD_CLASSES,
    FIELD_TREES_PER_ROUND,
    FIELD_LAST_FEATURE,
    FIELD_OBJECTIVE,
    FIELD_NAMES,
    FIELD_INFOS,
    FIELD_AVERAGE,
    FIELD_LEAVES,
    FIELD_SPLIT_FEATURE,
    FIELD_THRESHOLD,
    FIELD_DECISION,
    FIELD_LEFT,
    FIELD_RIGHT,
    FIELD_VALUE,
    FIELD_CAT_BEGIN,
    FIELD_CAT_WORDS,
    FIELD_LINEAR,
    FIELDS,
};

extern const char *const lightgbm_field_names[FIELDS];

struct lightgbm_reader {
    struct forest *forest;
    struct error *error;
    char *at, *end;
    struct lightgbm_line field[FIELDS]; /* of the section; text NULL: absent */
    size_t per_round;
    struct document_numbers feature, threshold, decision, left, right, value, cat_begin, cat_words;
    struct forest_branch *branches;
    size_t branch_room;
};

/* The next line without its end; false at the end of the file. */
bool lightgbm_next_line(struct lightgbm_reader *reader, struct lightgbm_line *ret_line);
bool lightgbm_line_is(const struct lightgbm_line *line, const char *text);
bool lightgbm_line_begins(const struct lightgbm_line *line, const char *text);
/* Notes the fields of a section, to the line that begins the next one. That line is in *ret_line;
 * false at the end of the file. */
bool lightgbm_read_section(struct lightgbm_reader *reader, struct lightgbm_line *ret_line);
/* The next of the words that single spaces separate. */
bool lightgbm_next_word(struct lightgbm_line *line, struct lightgbm_line *ret_word);

/* The rest returns 0, -EINVAL with the reader's error, or -ENOMEM. */
int lightgbm_fail_field(struct lightgbm_reader *reader, enum lightgbm_field field,
                        const struct lightgbm_line *found);
/* Writes no error. */
NODISCARD int lightgbm_word_number(const struct lightgbm_line *word, double *ret_number);
NODISCARD int lightgbm_read_numbers(struct lightgbm_reader *reader, enum lightgbm_field field,
                                    struct document_numbers *numbers);
/* A count in a field that must be there. */
NODISCARD int lightgbm_read_count(struct lightgbm_reader *reader, enum lightgbm_field field,
                                  size_t *ret_count);
/* All trees of the file. */
NODISCARD int lightgbm_read_trees(struct lightgbm_reader *reader);

#endif
