/* columns.c - what each column is, and why. */
#include "init/init.h"

#include "config/config.h"
#include "text/excerpt.h"
#include "text/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Columns listed in a sentence. */
#define SHOWN_COLUMNS 10

const char *const init_role_names[INIT_ROLES] = {"feature",    "excluded", "id",   "timestamp",
                                                 "prediction", "score",    "label"};

const struct init_column *init_column_of(const struct init_file *file, enum init_role role)
{
    for (size_t i = 0; i < file->count; i++)
        if (file->columns[i].role == role)
            return &file->columns[i];
    return NULL;
}

/* --- roles asked for --- */

/* The first column of a name, or file->count. */
static size_t find(const struct init_file *file, const char *name)
{
    size_t i = 0;
    while (i < file->count && strcmp(file->columns[i].name, name) != 0)
        i++;
    return i;
}

static bool is_doubled(const struct init_file *file, size_t i)
{
    for (size_t other = 0; other < file->count; other++)
        if (other != i && strcmp(file->columns[other].name, file->columns[i].name) == 0)
            return true;
    return false;
}

static int fail(struct init_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(struct init_file *file, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_vset(&file->error, -EINVAL, format, arguments);
    va_end(arguments);
    file->wrong_use = true;
    return -EINVAL;
}

static int fail_unknown(struct init_file *file, const char *option, const char *name)
{
    char names[ERROR_BYTES / 2] = "";
    size_t used = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct excerpt column = excerpt(file->columns[i].name);
        const size_t bytes = strlen(column.text) + strlen(", ");
        if (i == SHOWN_COLUMNS || used + bytes > 200) {
            strcpy(names + used, ", ...");
            break;
        }
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "",
                                 column.text);
    }
    return fail(file, "--%s: no column \"%s\" in %s; it has %s", option, excerpt(name).text,
                excerpt_path(file->settings->reference).text, names);
}

/* A name in a list ends at a comma, or where the option was given again (a line feed). */
static bool ends_name(char c)
{
    return c == ',' || c == '\n' || c == '\0';
}

/* The column with the longest name that the list continues with, up to such an end; file->count if
 * there is none. */
static size_t find_listed(const struct init_file *file, const char *list)
{
    size_t best = file->count, best_bytes = 0;
    for (size_t i = 0; i < file->count; i++) {
        const size_t bytes = strlen(file->columns[i].name);
        if (bytes > best_bytes && strncmp(list, file->columns[i].name, bytes) == 0 &&
            ends_name(list[bytes])) {
            best = i;
            best_bytes = bytes;
        }
    }
    return best;
}

/* Finds names that contain commas, too. */
static int exclude_listed(struct init_file *file, const char *list)
{
    while (list && *list) {
        const size_t i = find_listed(file, list);
        if (i == file->count) {
            char *name = strndup(list, strcspn(list, ",\n"));
            int rc = name ? fail_unknown(file, "exclude", name) : -ENOMEM;
            free(name);
            return rc;
        }
        struct init_column *column = &file->columns[i];
        column->role = INIT_EXCLUDED;
        snprintf(column->reason, sizeof(column->reason), "excluded by --exclude");
        list += strlen(column->name);
        list += *list != '\0';
    }
    return 0;
}

static int check_name(struct init_file *file, enum init_role role, size_t i)
{
    const struct init_column *column = &file->columns[i];
    const char *option = init_role_names[role];
    if (column->role == INIT_EXCLUDED)
        return fail(file, "--%s and --exclude both name the column \"%s\"", option,
                    excerpt(column->name).text);
    if (column->role != INIT_FEATURE)
        return fail(file, "--%s and --%s both name the column \"%s\"",
                    init_role_names[column->role], option, excerpt(column->name).text);
    if (is_doubled(file, i))
        return fail(file, "--%s: the column \"%s\" appears more than once in %s", option,
                    excerpt(column->name).text, excerpt_path(file->settings->reference).text);
    return 0;
}

static int assign(struct init_file *file, enum init_role role, const char *name)
{
    if (!name)
        return 0;
    const size_t i = find(file, name);
    if (i == file->count)
        return fail_unknown(file, init_role_names[role], name);
    int rc = check_name(file, role, i);
    if (rc == 0)
        file->columns[i].role = role;
    return rc;
}

int init_assign_roles(struct init_file *file)
{
    const struct init_settings *settings = file->settings;
    const char *const names[INIT_ROLES] = {[INIT_ID] = settings->id,
                                           [INIT_TIMESTAMP] = settings->timestamp,
                                           [INIT_PREDICTION] = settings->prediction,
                                           [INIT_SCORE] = settings->score,
                                           [INIT_LABEL] = settings->label};
    int rc = exclude_listed(file, settings->exclude);
    for (enum init_role role = INIT_ID; role < INIT_ROLES && rc == 0; role++)
        rc = assign(file, role, names[role]);
    return rc;
}

/* --- what the values say --- */

static void exclude(struct init_column *column, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void exclude(struct init_column *column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(column->reason, sizeof(column->reason), format, arguments);
    va_end(arguments);
    column->role = INIT_EXCLUDED;
    column->assumed = true;
}

bool init_has_control(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
            return true;
    return false;
}

/* Why a configuration cannot name this column, or NULL if it can. */
static const char *bad_name(const struct init_file *file, size_t i)
{
    const char *name = file->columns[i].name;
    if (*name == '\0')
        return "it has no name";
    if (!utf8_is_valid(name, strlen(name)))
        return "its name is not UTF-8";
    if (init_has_control(name))
        return "its name holds a line break or another control character";
    if (strlen(name) > CONFIG_MAX_TEXT_BYTES)
        return "its name is longer than 128 bytes";
    if (is_doubled(file, i))
        return "its name appears more than once";
    return NULL;
}

static bool is_named_identifier(const char *name)
{
    static const char *const words[] = {"id", "uuid", "guid", "key", "index", "idx", "rowid", NULL};
    return column_kind_named(name, words);
}

/* Whole numbers without repetition, as far as the values were remembered. */
static bool are_all_different(const struct init_column *column)
{
    return !column->kind.fractions &&
           (column->many ? column->present_at_limit : init_present(column)) ==
               init_distinct(column);
}

static void judge_numbers(struct init_column *column)
{
    const bool enough = init_present(column) > COLUMN_KIND_FEW_VALUES;
    if (column_kind_are_large(&column->kind))
        exclude(column,
                "identifier: whole numbers above 2^53, such as %s in line %llu, which a 64-bit "
                "float cannot tell apart",
                column->kind.large.text.text, (unsigned long long)column->kind.large.line);
    else if (column_kind_is_epoch(column->name, column->smallest, column->largest))
        exclude(column, "timestamp: seconds or milliseconds since 1970");
    else if (enough && !column->kind.fractions && !column->falls)
        exclude(column, "identifier: whole numbers, each row's above the last, as of a row number");
    else if (enough && is_named_identifier(column->name) && are_all_different(column))
        exclude(column, "identifier: whole numbers, all different, and the name says so");
}

static bool are_identifiers(const struct init_column *column)
{
    return column->many ? column->present_at_limit < 2 * column->distinct_at_limit
                        : column_kind_are_identifiers(init_distinct(column), init_present(column));
}

static void judge_texts(struct init_column *column)
{
    const struct column_kind *kind = &column->kind;
    column->categorical = true;
    if (column_kind_are_dates(kind))
        exclude(column, "timestamp: every value is a date or a time");
    else if (column_kind_is_flawed_number(kind) && init_distinct(column) > COLUMN_KIND_FEW_VALUES)
        exclude(
            column,
            "numbers but for %llu of %llu values, such as \"%s\" in line %llu: correct the file "
            "and it is numeric",
            (unsigned long long)kind->texts, (unsigned long long)init_present(column),
            kind->text.text.text, (unsigned long long)kind->text.line);
    else if (are_identifiers(column))
        exclude(column, "identifier or free text: fewer than two rows for each value");
    else if (column_kind_are_codes(kind))
        snprintf(column->reason, sizeof(column->reason),
                 "categorical as its numbers are codes: \"%s\" in line %llu has leading zeros",
                 kind->zeros.text.text, (unsigned long long)kind->zeros.line);
    else if (kind->numbers > 0)
        snprintf(column->reason, sizeof(column->reason),
                 "categorical as %llu of %llu values are text, such as \"%s\" in line %llu",
                 (unsigned long long)kind->texts, (unsigned long long)init_present(column),
                 kind->text.text.text, (unsigned long long)kind->text.line);
}

static void judge_feature(struct init_column *column)
{
    if (column->bad_line > 0)
        exclude(column, "line %llu has %s", (unsigned long long)column->bad_line,
                column->bad_reason);
    else if (init_present(column) == 0)
        exclude(column, "no value: every one is missing");
    else if (init_distinct(column) == 1 && column->missing == 0)
        exclude(column, "constant: every value is the same");
    else if (column->kind.texts > 0 || column_kind_are_codes(&column->kind))
        judge_texts(column);
    else
        judge_numbers(column);
}

/* A column with one of the two reserved names holds the model's own output. */
static void judge_reserved(struct init_file *file, struct init_column *column)
{
    const bool score = strcmp(column->name, CONFIG_PREDICTION_SCORE_NAME) == 0;
    const enum init_role role = score ? INIT_SCORE : INIT_PREDICTION;
    if (init_column_of(file, role)) {
        exclude(column, "no feature may have this name, which is the model's output's");
        return;
    }
    column->role = role;
    column->assumed = true;
}

static int judge_role(struct init_file *file, size_t i)
{
    const struct init_column *column = &file->columns[i];
    const char *reason = bad_name(file, i);
    if (reason)
        return fail(file, "--%s: the column \"%s\" cannot be used: %s",
                    init_role_names[column->role], excerpt(column->name).text, reason);
    if (column->role >= INIT_PREDICTION && column->bad_line > 0)
        return fail(file, "--%s: the column \"%s\" has %s in line %llu",
                    init_role_names[column->role], excerpt(column->name).text, column->bad_reason,
                    (unsigned long long)column->bad_line);
    if (column->role == INIT_SCORE && column->kind.texts > 0)
        return fail(file, "--score: the column \"%s\" has \"%s\" in line %llu, expected numbers",
                    excerpt(column->name).text, column->kind.text.text.text,
                    (unsigned long long)column->kind.text.line);
    return 0;
}

static bool is_reserved(const char *name)
{
    return strcmp(name, CONFIG_PREDICTION_NAME) == 0 ||
           strcmp(name, CONFIG_PREDICTION_SCORE_NAME) == 0;
}

static int judge(struct init_file *file, size_t i)
{
    struct init_column *column = &file->columns[i];
    if (column->role == INIT_EXCLUDED)
        return 0;
    if (column->role != INIT_FEATURE)
        return judge_role(file, i);
    const char *reason = bad_name(file, i);
    if (reason)
        exclude(column, "%s", reason);
    else if (is_reserved(column->name))
        judge_reserved(file, column);
    else
        judge_feature(column);
    return 0;
}

int init_judge(struct init_file *file)
{
    size_t features = 0;
    for (size_t i = 0; i < file->count; i++) {
        int rc = judge(file, i);
        if (rc < 0)
            return rc;
        features += file->columns[i].role == INIT_FEATURE;
    }
    if (features >= 1 && features <= CONFIG_MAX_FEATURES)
        return 0;
    if (features == 0)
        fail(file, "%s has no column to monitor; the first, \"%s\": %s",
             excerpt_path(file->settings->reference).text, excerpt(file->columns[0].name).text,
             file->columns[0].role == INIT_EXCLUDED ? file->columns[0].reason
                                                    : init_role_names[file->columns[0].role]);
    else
        fail(file, "%s has %zu columns to monitor, at most %u can be: --exclude some",
             excerpt_path(file->settings->reference).text, features, CONFIG_MAX_FEATURES);
    file->wrong_use = features > 0;
    return -EBADMSG;
}
