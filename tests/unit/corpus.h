/* corpus.h - replays the kept inputs of a fuzzer (tests/fuzz/corpus) in a unit test. */
#ifndef TESTS_CORPUS_H
#define TESTS_CORPUS_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define CORPUS_MAX_FILE_BYTES (1u << 20)

typedef void (*corpus_fn)(const char *path, const char *bytes, size_t length);

static inline int corpus_replay_file(const char *path, corpus_fn replay)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(CORPUS_MAX_FILE_BYTES);
    size_t length;

    if (!file || !bytes)
        abort();
    length = fread(bytes, 1, CORPUS_MAX_FILE_BYTES, file);
    fclose(file);
    bytes = realloc(bytes, length + 1); /* so that a sanitizer sees reads beyond the end */
    if (!bytes)
        abort();
    bytes[length] = '\0';
    replay(path, bytes, length);
    free(bytes);
    return 1;
}

/* Number of files replayed; CORPUS_FOLDER is defined by the build. */
static inline int corpus_replay(const char *name, corpus_fn replay)
{
    char path[1024];
    struct dirent *entry;
    int files = 0;
    DIR *folder;

    snprintf(path, sizeof(path), "%s/%s", CORPUS_FOLDER, name);
    folder = opendir(path);
    if (!folder)
        return 0;
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s/%s", CORPUS_FOLDER, name, entry->d_name);
            files += corpus_replay_file(path, replay);
        }
    closedir(folder);
    return files;
}

#endif
