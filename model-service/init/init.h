/* init.h - the parts of `model-service init`: a CSV file read once, what each of its columns is,
 * and a configuration that says so and why. */
#ifndef INIT_INIT_H
#define INIT_INIT_H

#include "config/config.h"
#include "csv/csv.h"
#include "encode/buffer.h"
#include "row/column_kind.h"
#include "text/excerpt.h"
#include "text/nodiscard.h"
#include "text/pool.h"

#include <stdbool.h>
#include <stdint.h>

/* What the command line asked for; all borrowed, NULL where nothing was given. */
struct init_settings {
    const char *reference; /* path */
    const char *id, *timestamp, *prediction, *score, *label;
    const char *exclude; /* names separated by commas or line feeds */
    const char *name;
    const char *model, *weights; /* path of a model file; at most one of the two */
    const char *model_type;      /* of model: the scorer's type in the configuration */
    const char *output;
    struct csv_format format; /* zeros: to be recognised */
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
    uint64_t bad_line;      /* line of a value that cannot be read, or 0 */
    const char *bad_reason; /* what is wrong with it */
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
    struct csv_format format; /* of the file */
    struct error error;       /* after a failure */
    bool wrong_use;           /* the failure is the caller's settings */
};

/* Reads the file and counts what its columns hold. 0 or a negative errno with file->error. */
NODISCARD int init_read(struct init_file *file, const struct init_settings *settings);
/* Assigns the roles that options gave by column name, once the header is known; called by
 * init_read(). */
NODISCARD int init_assign_roles(struct init_file *file);
/* Decides the role and the type of every column. 0 or a negative errno with file->error. */
NODISCARD int init_judge(struct init_file *file);
void init_finish(struct init_file *file);

/* How many values are not missing, and how many of them are distinct (exact unless column->many).
 */
uint64_t init_present(const struct init_column *column);
uint64_t init_distinct(const struct init_column *column);
/* Whether a text holds control characters, which no name in a configuration may. */
bool init_has_control(const char *text);
/* The column of a role other than feature and excluded, or NULL. */
const struct init_column *init_column_of(const struct init_file *file, enum init_role role);

/* A name for the model: from the model's file or else from the reference's, or from the folder that
 * it is in if the file has a name that any model's could have. */
#define INIT_NAME_BYTES (CONFIG_MAX_NAME_BYTES + 1)
void init_model_name(const struct init_settings *settings, char name[INIT_NAME_BYTES]);
/* A path as the configuration has to name it: from the folder that it is written to, or as it is
 * where it is written to standard output. To be freed; NULL if allocation fails. */
char *init_path(const struct init_settings *settings, const char *path);

/* Appends the configuration. 0 or -ENOMEM. */
NODISCARD int init_write(const struct init_file *file, struct buffer *out);

#endif
