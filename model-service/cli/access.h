/* access.h - the options by which commands that listen say who may do what. */
#ifndef CLI_ACCESS_H
#define CLI_ACCESS_H

#include "cli/options.h"
#include "http/http.h"

#define CLI_ALLOW_HOST_OPTION                                                                      \
    {                                                                                              \
        "allow-host", "NAME",                                                                      \
            "name by which clients call it, beside its addresses and localhost; may be repeated"   \
    }
#define CLI_TOKEN_FILE_OPTION                                                                      \
    {                                                                                              \
        "token-file", "FILE",                                                                      \
            "lines \"ROLE TOKEN\" (read, write or admin) of those who may use it; mode 600"        \
    }
#define CLI_INSECURE_LISTEN_OPTION                                                                 \
    {                                                                                              \
        "insecure-listen", NULL,                                                                   \
            "listen beyond loopback without tokens: all who reach it may do all"                   \
    }

struct cli_access {
    struct http_tokens *tokens; /* NULL: none; owned */
    bool insecure_listen;
};

/* token_file, insecure_listen: values of the options, or NULL. 0, or a negative errno after a line
 * in the log. The caller finishes *access in either case. */
NODISCARD int cli_access_init(struct cli_access *access, const char *token_file,
                              const char *insecure_listen);
/* Whether the command may listen there. 0, or -EPERM after a line in the log. */
NODISCARD int cli_access_check(const struct cli_access *access, const char *listen);
void cli_access_finish(struct cli_access *access);

#endif
