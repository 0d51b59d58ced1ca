/* load.c - a file's bytes, and whose they are. */
#include "score/forest/load.h"

#include "text/excerpt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- whose file it is --- */

static bool begins_with(const char *bytes, size_t length, const char *text)
{
    return length >= strlen(text) && memcmp(bytes, text, strlen(text)) == 0;
}

/* Whether a member of this name stands near the beginning: those that tell the programs' JSON
 * apart are the first of their files. */
static bool has_early(const char *bytes, size_t length, const char *name)
{
    const size_t early = 200;

    return memmem(bytes, length < early ? length : early, name, strlen(name)) != NULL;
}

static const struct {
    const char *begin, *sentence;
} refused[] = {
    {"binf", "a model in XGBoost's old binary format; save it again as model.json or model.ubj"},
    {"bs64", "a model in XGBoost's old binary format; save it again as model.json or model.ubj"},
    {"\x80", "a Python pickle; save the model as XGBoost JSON, LightGBM text, or with "
             "examples/scikit-learn/export_trees.py"},
    {"PK", "a zip archive, not a model's file"},
    {"\x1f\x8b", "compressed with gzip; uncompress it first"},
    {"[", "an array of trees as XGBoost's dump_model() writes for people; use save_model()"},
};

int forest_parse(char *bytes, size_t length, struct forest *ret_forest, struct error *error)
{
    struct forest forest = {0};
    size_t blank = 0;
    int rc;

    while (blank < length && strchr(" \t\r\n", bytes[blank]) && bytes[blank])
        blank++;
    char *first = bytes + blank;
    const size_t left = length - blank;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (begins_with(first, left, refused[i].begin))
            return error_set(error, -EINVAL, "%s", refused[i].sentence);
    if (begins_with(first, left, "tree\n") || begins_with(first, left, "tree\r"))
        rc = forest_read_lightgbm(first, left, &forest, error);
    else if (!begins_with(first, left, "{"))
        return error_set(error, -EINVAL,
                         "%s, expected a model of XGBoost (JSON or UBJSON), LightGBM (text), or "
                         "one written by examples/scikit-learn/export_trees.py",
                         left ? "neither JSON nor UBJSON nor LightGBM's text" : "empty");
    else if (has_early(first, left, "\"name\": \"tree\"") ||
             has_early(first, left, "\"name\":\"tree\""))
        return error_set(error, -EINVAL,
                         "JSON as LightGBM's dump_model() writes for people; use save_model()");
    else if (has_early(first, left, "scikit-learn trees"))
        rc = forest_read_scikit_learn(first, left, &forest, error);
    else
        rc = forest_read_xgboost(first, left, &forest, error);
    if (rc < 0)
        forest_finish(&forest);
    else
        *ret_forest = forest;
    return rc;
}

/* --- the file --- */

static int fail_errno(const char *path, int rc, struct error *error)
{
    return error_set(error, rc, "%s: %s", excerpt_path(path).text, strerror(-rc));
}

static int open_file(const char *path, size_t *ret_bytes, struct error *error)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    int rc = 0;

    if (fd < 0)
        return fail_errno(path, -errno, error);
    if (fstat(fd, &status) < 0)
        rc = fail_errno(path, -errno, error);
    else if (S_ISDIR(status.st_mode))
        rc = fail_errno(path, -EISDIR, error);
    else if (!S_ISREG(status.st_mode))
        rc = error_set(error, -EINVAL, "%s: not a regular file", excerpt_path(path).text);
    else if ((uint64_t)status.st_size > FOREST_MAX_FILE_BYTES)
        rc = error_set(error, -EFBIG, "%s: larger than %zu MiB", excerpt_path(path).text,
                       FOREST_MAX_FILE_BYTES >> 20);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    *ret_bytes = (size_t)status.st_size;
    return fd;
}

/* Memory for a file; that of a large one in large pages, if the system gives any: half of the time
 * that reading it took went into clearing small ones. */
static char *allocate_file(size_t bytes)
{
    const size_t page = (size_t)2 << 20;
    void *memory = NULL;

    if (bytes < 4 * page)
        return malloc(bytes);
    if (posix_memalign(&memory, page, bytes) != 0)
        return NULL;
    (void)madvise(memory, bytes, MADV_HUGEPAGE); /* advice only */
    return memory;
}

static int read_file(const char *path, char **ret_bytes, size_t *ret_length, struct error *error)
{
    size_t length = 0, done = 0;
    const int fd = open_file(path, &length, error);

    if (fd < 0)
        return fd;
    char *bytes = allocate_file(length + 1);
    ssize_t part = bytes ? 1 : 0;
    while (bytes && done < length && (part = read(fd, bytes + done, length - done)) > 0)
        done += (size_t)part;
    const int code = part < 0 ? -errno : 0;
    close(fd);
    if (!bytes)
        return -ENOMEM;
    if (code < 0) {
        free(bytes);
        return fail_errno(path, code, error);
    }
    bytes[done] = '\0';
    *ret_bytes = bytes;
    *ret_length = done;
    return 0;
}

int forest_load(const char *path, struct forest *ret_forest, struct error *error)
{
    char *bytes = NULL;
    size_t length = 0;
    int rc = read_file(path, &bytes, &length, error);

    if (rc < 0)
        return rc;
    rc = forest_parse(bytes, length, ret_forest, error);
    free(bytes);
    return rc == -EINVAL ? error_at(error, rc, "%s", excerpt_path(path).text) : rc;
}
