/* foreign.c - files of models that only their own framework can run. */
#include "served/build/build.h"

#include "text/excerpt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Told by the first bytes, or by the ending of the name where a format has no such bytes. */
static const struct {
    const char *bytes;
    size_t count;
    const char *ending, *kind;
} kinds[] = {
    {"\x80\2", 2, ".pkl", "a Python pickle"},
    {"\x80\3", 2, ".pickle", "a Python pickle"},
    {"\x80\4", 2, ".joblib", "a Python pickle"},
    {"\x80\5", 2, ".sav", "a Python pickle"},
    {"PK\3\4", 4, ".pt", "a PyTorch or Keras archive"},
    {"\x89HDF\r\n", 6, ".h5", "a Keras model"},
    {NULL, 0, ".pth", "a PyTorch model"},
    {NULL, 0, ".keras", "a Keras model"},
    {NULL, 0, ".onnx", "an ONNX model"},
    {NULL, 0, ".pmml", "a PMML model"},
    {NULL, 0, ".cbm", "a CatBoost model"},
};

static bool ends_in(const char *path, const char *ending)
{
    const size_t bytes = strlen(path), tail = strlen(ending);
    return bytes > tail && strcasecmp(path + bytes - tail, ending) == 0;
}

static const char *kind_of(const char *path, const char *head, size_t bytes)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if ((kinds[i].bytes && bytes >= kinds[i].count &&
             memcmp(head, kinds[i].bytes, kinds[i].count) == 0) ||
            ends_in(path, kinds[i].ending))
            return kinds[i].kind;
    return NULL;
}

int served_model_check_file(const char *path, struct error *error)
{
    char head[8];
    FILE *file = fopen(path, "rbe");
    if (!file)
        return error_set(error, -errno, "%s: %s", excerpt_path(path).text, strerror(errno));
    const size_t bytes = fread(head, 1, sizeof(head), file);
    fclose(file);
    const char *kind = kind_of(path, head, bytes);
    if (!kind)
        return 0;
    return error_set(error, -EINVAL,
                     "%s is %s, which only its own framework can run: leave it where it is "
                     "served now, use a scorer of type none (for init: without --model), and send "
                     "its predictions to POST /observe (docs/api.md)",
                     excerpt_path(path).text, kind);
}
