/* file.c - a YAML file with the line of each key. */
#include "config/file.h"

#include "config/config.h"
#include "text/excerpt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A message without file and line: 200 bytes of path and 20 digits fit before it. */
#define MESSAGE_BYTES (ERROR_BYTES - 224)

#define FIRST_BYTES 8192u

struct config_key config_key(const char *format, ...)
{
    struct config_key key;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(key.text, sizeof(key.text), format, arguments);
    va_end(arguments);
    return key;
}

/* line 0: about the file as a whole. */
static int fail_at(struct config_file *file, int rc, size_t line, const char *message)
{
    error_set(file->error, rc, "%s", message);
    if (line > 0)
        return error_at(file->error, rc, "%s:%zu", excerpt_path(file->path).text, line);
    return error_at(file->error, rc, "%s", excerpt_path(file->path).text);
}

static size_t node_line(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

/* Takes one step of a path, to a member or an element, and notes the line where it begins. NULL if
 * it does not exist. */
static yaml_node_t *step(struct config_file *file, const yaml_node_t *node, const char **path,
                         size_t *line)
{
    yaml_node_t *found = NULL;

    if (**path == '[' && node->type == YAML_SEQUENCE_NODE) {
        size_t index = strtoul(*path + 1, NULL, 10);
        const yaml_node_item_t *items = node->data.sequence.items.start;

        if (index < (size_t)(node->data.sequence.items.top - items))
            found = yaml_document_get_node(&file->document, items[index]);
        *line = found ? node_line(found) : *line;
        *path += strcspn(*path, "]") + 1;
    } else if (**path != '[' && node->type == YAML_MAPPING_NODE) {
        size_t bytes = strcspn(*path, ".[");

        for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
             pair < node->data.mapping.pairs.top && !found; pair++) {
            const yaml_node_t *key = yaml_document_get_node(&file->document, pair->key);

            if (key->type == YAML_SCALAR_NODE && key->data.scalar.length == bytes &&
                memcmp(key->data.scalar.value, *path, bytes) == 0) {
                found = yaml_document_get_node(&file->document, pair->value);
                *line = node_line(key);
            }
        }
        *path += bytes;
    }
    *path += **path == '.';
    return found;
}

/* Finds the node at a key (or NULL), and the line of the nearest node around it. */
static const yaml_node_t *find(struct config_file *file, const char *key, size_t *ret_line)
{
    yaml_node_t *node = yaml_document_get_root_node(&file->document);

    *ret_line = 1;
    while (node && *key)
        node = step(file, node, &key, ret_line);
    return node;
}

static int fail_key(struct config_file *file, size_t line, const char *key, const char *format,
                    va_list arguments) __attribute__((format(printf, 4, 0)));

static int fail_key(struct config_file *file, size_t line, const char *key, const char *format,
                    va_list arguments)
{
    char message[MESSAGE_BYTES];
    int used = snprintf(message, sizeof(message), "%s%s", key, *key ? ": " : "");

    vsnprintf(message + used, sizeof(message) - (size_t)used, format, arguments);
    return fail_at(file, -EINVAL, line, message);
}

int config_file_fail_line(struct config_file *file, size_t line, const char *key,
                          const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fail_key(file, line, key, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

int config_file_fail(struct config_file *file, const char *key, const char *format, ...)
{
    va_list arguments;
    size_t line;

    find(file, key, &line);
    va_start(arguments, format);
    fail_key(file, line, key, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

int config_file_refuse(struct config_file *file, const char *key, const char *expected)
{
    size_t line;
    const yaml_node_t *node = find(file, key, &line);

    if (!node || node->type != YAML_SCALAR_NODE)
        return config_file_fail(file, key, "expected %s", expected);
    return config_file_fail(
        file, key, "found \"%s\", expected %s",
        excerpt_bytes((const char *)node->data.scalar.value, node->data.scalar.length).text,
        expected);
}

/* Reads to the end, or until one byte more than the limit. */
static int read_stream(struct config_file *file, FILE *stream)
{
    size_t capacity = FIRST_BYTES, n;

    do {
        char *bytes = realloc(file->bytes, capacity);

        if (!bytes)
            return fail_at(file, -ENOMEM, 0, strerror(ENOMEM));
        file->bytes = bytes;
        errno = 0;
        n = fread(bytes + file->size, 1, capacity - file->size, stream);
        file->size += n;
        capacity *= 2;
    } while (n > 0 && file->size <= CONFIG_FILE_MAX_BYTES);
    if (ferror(stream))
        return fail_at(file, errno ? -errno : -EIO, 0, strerror(errno ? errno : EIO));
    if (file->size > CONFIG_FILE_MAX_BYTES)
        return fail_at(file, -EINVAL, 0, "the file is larger than 16 MiB");
    return 0;
}

/* Opening a FIFO would wait for a writer, and hold up a reload and SIGTERM for ever. */
static int open_regular(struct config_file *file, FILE **ret_stream)
{
    const int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat about;

    if (fd < 0)
        return fail_at(file, -errno, 0, strerror(errno));
    if (fstat(fd, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)) {
        close(fd);
        return fail_at(file, -EINVAL, 0, "it is not a regular file");
    }
    *ret_stream = fdopen(fd, "rb");
    if (*ret_stream)
        return 0;
    close(fd);
    return fail_at(file, -ENOMEM, 0, strerror(ENOMEM));
}

static int read_bytes(struct config_file *file)
{
    FILE *stream;
    int rc = open_regular(file, &stream);

    if (rc < 0)
        return rc;
    rc = read_stream(file, stream);
    fclose(stream);
    return rc;
}

static int fail_syntax(struct config_file *file, const yaml_parser_t *parser)
{
    char message[MESSAGE_BYTES];
    const char *problem = parser->problem;

    /* The library names the problem of each text, but not always that memory ran out. */
    if (parser->error == YAML_MEMORY_ERROR || !problem)
        return fail_at(file, -ENOMEM, 0, strerror(ENOMEM));
    if (parser->error == YAML_READER_ERROR) {
        size_t line = 1;

        for (size_t i = 0; i < parser->problem_offset && i < file->size; i++)
            line += file->bytes[i] == '\n';
        snprintf(message, sizeof(message), "not UTF-8 text: %s", problem);
        return fail_at(file, -EINVAL, line, message);
    }
    snprintf(message, sizeof(message), "column %zu: not YAML: %s%s%s",
             parser->problem_mark.column + 1, parser->context ? parser->context : "",
             parser->context ? ": " : "", problem);
    return fail_at(file, -EINVAL, parser->problem_mark.line + 1, message);
}

static int refuse_second_document(struct config_file *file, yaml_parser_t *parser)
{
    yaml_document_t second;
    yaml_node_t *root;
    size_t line;

    if (!yaml_parser_load(parser, &second))
        return fail_syntax(file, parser);
    root = yaml_document_get_root_node(&second);
    line = root ? node_line(root) : 0;
    yaml_document_delete(&second);
    return root ? fail_at(file, -EINVAL, line, "a second document begins; one is expected") : 0;
}

static int parse(struct config_file *file)
{
    yaml_parser_t parser;
    int rc = config_limits_check(file);

    if (rc < 0)
        return rc;
    if (!yaml_parser_initialize(&parser))
        return fail_at(file, -ENOMEM, 0, strerror(ENOMEM));
    yaml_parser_set_input_string(&parser, (const unsigned char *)file->bytes, file->size);
    if (!yaml_parser_load(&parser, &file->document)) {
        rc = fail_syntax(file, &parser);
    } else {
        file->has_document = true;
        if (!yaml_document_get_root_node(&file->document))
            rc = fail_at(file, -EINVAL, 1,
                         "the file is empty; a mapping with \"models\" is expected");
        else
            rc = refuse_second_document(file, &parser);
    }
    yaml_parser_delete(&parser);
    return rc;
}

int config_file_open(struct config_file *file, FILE *stream, const char *path, struct error *error)
{
    int rc;

    *file = (struct config_file){.path = path, .error = error};
    rc = stream ? read_stream(file, stream) : read_bytes(file);
    return rc < 0 ? rc : parse(file);
}

void config_file_finish(struct config_file *file)
{
    if (file->has_document)
        yaml_document_delete(&file->document);
    free(file->bytes);
    *file = (struct config_file){.path = NULL};
}
