/* access.c - see the header. */
#include "cli/access.h"

#include "http/access.h"
#include "system/log.h"

int cli_access_init(struct cli_access *access, const char *token_file, const char *insecure_listen)
{
    struct error error;
    *access = (struct cli_access){.insecure_listen = insecure_listen != NULL};
    const int rc = token_file ? http_tokens_read(token_file, &access->tokens, &error) : 0;
    if (rc < 0)
        log_error("cannot start: %s", error.text);
    return rc;
}

int cli_access_check(const struct cli_access *access, const char *listen)
{
    struct error error;
    const int rc =
        http_check_exposure(listen, access->tokens != NULL, access->insecure_listen, &error);
    if (rc < 0)
        log_error("%s", error.text);
    return rc;
}

void cli_access_finish(struct cli_access *access)
{
    http_tokens_destroy(access->tokens);
    access->tokens = NULL;
}
