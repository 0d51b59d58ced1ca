/* access.h - who may do what: tokens with roles, read from a file, and the check of a request. */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include "http/rules.h"
#include "text/error.h"

/* Shorter tokens could be guessed, longer ones do not fit into a header beside others. */
#define HTTP_TOKEN_MIN_BYTES 16
#define HTTP_TOKEN_MAX_BYTES 256
/* Every request is compared with all of them. */
#define HTTP_MAX_TOKENS 100

/* Reads lines of "ROLE TOKEN" (read, write or admin; empty lines and those that begin with # count
 * for nothing). Only its owner may be allowed to read the file. 0, or -EINVAL, -EACCES, -ENOMEM or
 * another negative errno with error. */
NODISCARD int http_tokens_read(const char *path, struct http_tokens **ret_tokens,
                               struct error *error);
/* NULL is fine. */
void http_tokens_destroy(struct http_tokens *tokens);

/* 401 without one of the tokens and 403 with one whose role is not enough. authorization: the
 * header's value, "Bearer TOKEN", or "Basic ..." with a token as the password, as browsers can
 * send it; NULL: none. tokens NULL: everybody may do everything. */
struct http_refusal http_check_access(const struct http_tokens *tokens, enum http_role needed,
                                      const char *authorization);

/* Refuses an address beyond loopback without access control, unless that is wanted in so many
 * words. 0, or -EPERM with error; an address that does not parse is left to http_server_start(). */
NODISCARD int http_check_exposure(const char *listen, bool has_tokens, bool insecure,
                                  struct error *error);

#endif
