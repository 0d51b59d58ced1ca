/* init.h - the parts of `model-service init`: a CSV file read once, what each of its columns is,
 * and a configuration that says so and why. */
#ifndef INIT_INIT_H
#define INIT_INIT_H

#include "csv/csv.h"
#include "row/column_kind.h"
#include "text/excerpt.h"
#include "text/pool.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What the command line asked for; all borrowed, NULL where nothing was given. */
struct init_settings {
    const char *reference; /* path */
    const char *id, *timestamp, *prediction, *score, *label;
    const char *exclude; /* names separated by commas or line feeds */
    const char *name;
    const char *xgboost, *weights; /* path of a model file; at most one of the two */
    const char *output;
};

enum init_role {
    INIT_FEATURE,
    INIT_EXCLUDED,
    INIT_ID,
    INIT_TIMESTAMP,
    INIT_PREDICTION,
    INIT_SCORE,
    INIT_LABEL,
    INIT_ROLES
};
extern const char *const init_role_names[INIT_ROLES];

#define INIT_REASON_BYTES 240

struct init_column {
    char *name;
    enum init_role role;
    bool assumed; /* the role was guessed and not given by an option */
    bool categorical;
    char reason[INIT_REASON_BYTES]; /* why it is excluded, or what to know about it */

    /* counted */
    struct column_kind kind;
    uint64_t missing;
    uint64_t dates;         /* texts that are dates or times */
    uint64_t bad_line;      /* line of a value that cannot be read, or 0 */
    const char *bad_reason; /* what is wrong with it */
    bool fractions;         /* the column has a number that is not whole */
    bool falls;             /* the column has a number that is not above the one before it */
    double last, smallest, largest; /* of the finite numbers */
    struct excerpt example;         /* the first value */
    struct text_pool values;        /* the distinct values, until there are too many */
    bool many;                      /* there are */
    uint64_t distinct_at_limit,
        present_at_limit; /* the counts at the moment when there were too many */
};

struct init_file {
    const struct init_settings *settings;
    struct init_column *columns;
    size_t count;
    uint64_t rows;
    struct error error; /* after a failure */
    bool wrong_use;     /* the failure is the caller's settings */
};

/* Reads the file and counts what its columns hold. 0 or a negative errno with file->error. */
int init_read(struct init_file *file, const struct init_settings *settings);
/* Assigns the roles that options gave by column name, once the header is known; called by
 * init_read(). */
int init_assign_roles(struct init_file *file);
/* Decides the role and the type of every column. 0 or a negative errno with file->error. */
int init_judge(struct init_file *file);
void init_finish(struct init_file *file);

/* How many values are not missing, and how many of them are distinct (exact unless column->many).
 */
uint64_t init_present(const struct init_column *column);
uint64_t init_distinct(const struct init_column *column);
/* Whether a text holds control characters, which no name in a configuration may. */
bool init_has_control(const char *text);
/* The column of a role other than feature and excluded, or NULL. */
const struct init_column *init_column_of(const struct init_file *file, enum init_role role);

/* Writes the configuration. 0, -ENOMEM or -EIO. */
int init_write(const struct init_file *file, FILE *out);

#endif
