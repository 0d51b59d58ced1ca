/* paths.c - how the configuration calls the model, and the files that it names. */
#include "init/init.h"

#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- the model's name --- */

/* What files of any model are called: such a name, or such an end of one, says nothing about this
 * model. */
static const char *const usual_words[] = {"model", "weights", "reference", "training",
                                          "train", "dataset", "data"};
#define USUAL_WORDS (sizeof(usual_words) / sizeof(usual_words[0]))

static bool is_name_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
}

/* Removes an end such as "_reference" or "-model". */
static size_t without_usual_end(const char *name, size_t bytes)
{
    for (size_t i = 0; i < USUAL_WORDS; i++) {
        const size_t word = strlen(usual_words[i]);
        if (bytes > word + 1 && (name[bytes - word - 1] == '_' || name[bytes - word - 1] == '-') &&
            strncasecmp(name + bytes - word, usual_words[i], word) == 0)
            return bytes - word - 1;
    }
    return bytes;
}

/* Writes a name from characters that may stand in a model's name; false if nothing is left of it
 * that would tell this model from others. */
static bool name_from(const char *text, size_t bytes, char name[INIT_NAME_BYTES])
{
    size_t used = 0;
    bytes = without_usual_end(text, bytes);
    for (size_t i = 0; i < bytes && used < CONFIG_MAX_NAME_BYTES; i++)
        if (is_name_character(text[i]))
            name[used++] = text[i];
        else if (used == 0 || name[used - 1] != '_')
            name[used++] = '_';
    name[used] = '\0';
    for (size_t i = 0; i < USUAL_WORDS; i++)
        if (strcasecmp(name, usual_words[i]) == 0)
            return false;
    return strspn(name, "_") < used;
}

/* From the name of the file without its ending, or else from the name of its folder. */
static bool name_from_path(const char *path, char name[INIT_NAME_BYTES])
{
    const char *slash = path ? strrchr(path, '/') : NULL, *base = slash ? slash + 1 : path;
    if (!path)
        return false;
    if (name_from(base, *base == '.' ? strlen(base) : strcspn(base, "."), name))
        return true;
    char *absolute = realpath(path, NULL);
    char *end = absolute ? strrchr(absolute, '/') : NULL;
    bool found = false;
    if (end && end > absolute) {
        *end = '\0';
        const char *folder = strrchr(absolute, '/') + 1;
        found = name_from(folder, strlen(folder), name);
    }
    free(absolute);
    return found;
}

void init_model_name(const struct init_settings *settings, char name[INIT_NAME_BYTES])
{
    const char *model = settings->model ? settings->model : settings->weights;
    if (!name_from_path(model, name) && !name_from_path(settings->reference, name))
        strcpy(name, "model");
}

/* --- paths --- */

/* The path from a folder to a file, both absolute and without links; NULL if allocation fails. */
static char *relative(const char *folder, const char *file)
{
    size_t common = 0, up = 0;
    for (size_t i = 0; folder[i] == file[i] && file[i]; i++)
        if (file[i] == '/')
            common = i + 1;
    for (const char *c = folder + common; *c; c++)
        up += *c == '/';
    char *path = malloc(3 * up + strlen(file + common) + 1);
    if (!path)
        return NULL;
    for (size_t i = 0; i < up; i++)
        memcpy(path + 3 * i, "../", 3);
    strcpy(path + 3 * up, file + common);
    return path;
}

/* The absolute folder of a file that need not exist, with a slash at its end. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    char *absolute = folder ? realpath(folder, NULL) : NULL, *ended = NULL;
    if (absolute && asprintf(&ended, "%s%s", absolute, strcmp(absolute, "/") == 0 ? "" : "/") < 0)
        ended = NULL;
    free(folder);
    free(absolute);
    return ended;
}

char *init_path(const struct init_settings *settings, const char *path)
{
    if (!settings->output)
        return strdup(path);
    char *folder = folder_of(settings->output), *file = realpath(path, NULL);
    char *found = folder && file ? relative(folder, file) : strdup(path);
    free(folder);
    free(file);
    return found;
}
