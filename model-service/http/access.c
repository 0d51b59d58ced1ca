/* access.c - see the header. */
#include "http/access.h"

#include "system/address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of Basic credentials, decoded: a token, and a name before it, which is not looked at. */
#define CREDENTIAL_BYTES 512

struct token {
    enum http_role role;
    size_t bytes;
    char text[HTTP_TOKEN_MAX_BYTES];
};

struct http_tokens {
    size_t count;
    struct token token[HTTP_MAX_TOKENS];
};

static const char *const role_names[] = {
    [HTTP_ROLE_ADMIN] = "admin", [HTTP_ROLE_WRITE] = "write", [HTTP_ROLE_READ] = "read"};
#define ROLES (sizeof(role_names) / sizeof(role_names[0]))

/* --- the file --- */

/* The characters of RFC 6750, section 2.1. */
static bool is_token(const char *text, size_t bytes)
{
    static const char taken[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~+/=";
    return bytes >= HTTP_TOKEN_MIN_BYTES && bytes <= HTTP_TOKEN_MAX_BYTES &&
           strspn(text, taken) == bytes;
}

static bool read_role(const char *text, size_t bytes, enum http_role *ret_role)
{
    for (size_t i = 0; i < ROLES; i++)
        if (strlen(role_names[i]) == bytes && strncmp(text, role_names[i], bytes) == 0) {
            *ret_role = (enum http_role)i;
            return true;
        }
    return false;
}

/* NULL, or what is wrong with the line. */
static const char *add_line(struct http_tokens *tokens, char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    line += strspn(line, " \t");
    if (!*line || *line == '#')
        return NULL;
    const size_t role_bytes = strcspn(line, " \t");
    const char *text = line + role_bytes + strspn(line + role_bytes, " \t");
    const size_t bytes = strcspn(text, " \t");
    struct token *token = &tokens->token[tokens->count];
    if (tokens->count == HTTP_MAX_TOKENS)
        return "the file has more than 100 tokens";
    if (!read_role(line, role_bytes, &token->role))
        return "the role must be read, write or admin";
    if (text[bytes + strspn(text + bytes, " \t")] || !is_token(text, bytes))
        return "a token has 16 to 256 letters, digits or characters of -._~+/= (openssl rand -hex "
               "32 "
               "makes one)";
    token->bytes = bytes;
    memcpy(token->text, text, bytes);
    tokens->count++;
    return NULL;
}

static int read_lines(FILE *file, const char *path, struct http_tokens *tokens, struct error *error)
{
    char *line = NULL;
    const char *wrong = NULL;
    size_t room = 0;
    unsigned number = 0;
    while (!wrong && getline(&line, &room, file) >= 0) {
        number++;
        wrong = add_line(tokens, line);
    }
    if (line)
        explicit_bzero(line, room);
    free(line);
    if (wrong)
        return error_set(error, -EINVAL, "%s, line %u: %s", path, number, wrong);
    if (ferror(file))
        return error_set(error, -EIO, "cannot read %s", path);
    if (tokens->count == 0)
        return error_set(error, -EINVAL, "%s has no token", path);
    return 0;
}

static int open_private(const char *path, FILE **ret_file, struct error *error)
{
    struct stat status;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "cannot read %s: %s", path, strerror(errno));
    if (fstat(fd, &status) < 0 || (status.st_mode & (S_IRWXG | S_IRWXO))) {
        close(fd);
        return error_set(error, -EACCES, "other users may read %s: chmod 600 %s", path, path);
    }
    *ret_file = fdopen(fd, "r");
    if (*ret_file)
        return 0;
    close(fd);
    return error_set(error, -ENOMEM, "not enough memory to read %s", path);
}

int http_tokens_read(const char *path, struct http_tokens **ret_tokens, struct error *error)
{
    FILE *file;
    int rc = open_private(path, &file, error);
    if (rc < 0)
        return rc;
    struct http_tokens *tokens = calloc(1, sizeof(*tokens));
    rc = tokens ? read_lines(file, path, tokens, error)
                : error_set(error, -ENOMEM, "not enough memory to read %s", path);
    fclose(file);
    if (rc < 0)
        http_tokens_destroy(tokens);
    else
        *ret_tokens = tokens;
    return rc;
}

void http_tokens_destroy(struct http_tokens *tokens)
{
    if (tokens)
        explicit_bzero(tokens, sizeof(*tokens));
    free(tokens);
}

/* --- requests --- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* Decodes up to the first character that is not base64; gives the length, at most `room`. */
static size_t base64_decode(const char *text, char *out, size_t room)
{
    unsigned bits = 0, pending = 0;
    size_t length = 0;
    for (int digit; length < room && (digit = base64_digit(*text)) >= 0; text++) {
        pending = (pending << 6 | (unsigned)digit) & 0xffff;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        out[length++] = (char)(pending >> bits & 0xff);
    }
    return length;
}

/* The text behind "Bearer " or "Basic "; NULL if the scheme is another one. */
static const char *after_scheme(const char *authorization, const char *scheme)
{
    const size_t bytes = strlen(scheme);
    if (strncasecmp(authorization, scheme, bytes) != 0 || authorization[bytes] != ' ')
        return NULL;
    return authorization + bytes + strspn(authorization + bytes, " ");
}

/* Takes as long for a wrong token as for a right one. */
static bool token_is(const struct token *token, const char *text, size_t bytes)
{
    unsigned char difference = 0;
    if (bytes != token->bytes)
        return false;
    for (size_t i = 0; i < bytes; i++)
        difference |= (unsigned char)(text[i] ^ token->text[i]);
    return difference == 0;
}

/* The highest role that the token has; HTTP_ROLE_NONE if nobody has it. */
static enum http_role role_of(const struct http_tokens *tokens, const char *text, size_t bytes)
{
    enum http_role role = HTTP_ROLE_NONE;
    for (size_t i = 0; i < tokens->count; i++)
        if (token_is(&tokens->token[i], text, bytes) && tokens->token[i].role < role)
            role = tokens->token[i].role;
    return role;
}

static enum http_role role_shown(const struct http_tokens *tokens, const char *authorization)
{
    char credential[CREDENTIAL_BYTES];
    const char *bearer = after_scheme(authorization, "Bearer");
    const char *basic = after_scheme(authorization, "Basic");
    if (bearer)
        return role_of(tokens, bearer, strlen(bearer));
    const size_t bytes = basic ? base64_decode(basic, credential, sizeof(credential)) : 0;
    const char *colon = memchr(credential, ':', bytes);
    if (!colon)
        return HTTP_ROLE_NONE;
    return role_of(tokens, colon + 1, (size_t)(credential + bytes - colon - 1));
}

struct http_refusal http_check_access(const struct http_tokens *tokens, enum http_role needed,
                                      const char *authorization)
{
    if (!tokens || needed == HTTP_ROLE_NONE)
        return (struct http_refusal){0};
    const enum http_role role = authorization ? role_shown(tokens, authorization) : HTTP_ROLE_NONE;
    if (role == HTTP_ROLE_NONE)
        return (struct http_refusal){
            401, authorization ? "the header Authorization has none of the tokens of "
                                 "this service"
                               : "a token is needed: send it as 'Authorization: "
                                 "Bearer TOKEN'"};
    if (role > needed)
        return (struct http_refusal){403, needed == HTTP_ROLE_ADMIN
                                              ? "this needs a token with the role admin"
                                              : "this needs a token with the role write or admin"};
    return (struct http_refusal){0};
}

int http_check_exposure(const char *listen, bool has_tokens, bool insecure, struct error *error)
{
    struct sockaddr_storage address;
    socklen_t bytes;
    if (has_tokens || insecure || http_address_parse(listen, &address, &bytes) < 0 ||
        http_address_is_loopback((const struct sockaddr *)&address))
        return 0;
    return error_set(error, -EPERM,
                     "not listening on %s, which other machines may reach: give --token-file FILE, "
                     "or --insecure-listen if all of them may do everything",
                     listen);
}
