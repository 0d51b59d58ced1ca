/* commands.h - the small commands. Each takes argv from its own name on and returns the exit
 * status: 0 success, 1 failure, 2 wrong use. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "text/error.h"
#include "text/nodiscard.h"

#include <stddef.h>

int generate_main(int argc, char **argv);
int healthcheck_main(int argc, char **argv);
int state_main(int argc, char **argv);
int validate_main(int argc, char **argv);

/* What validate does, for a configuration in memory as if it were the file at the path. name: of
 * the command, before warnings on standard error. 0 or a negative errno with error. */
NODISCARD int validate_text(const char *name, const char *text, size_t bytes, const char *path,
                            struct error *error);
/* Refuses the file of a model that is missing, or of a kind that only its own framework can run.
 * 0 or a negative errno with error. */
NODISCARD int validate_model_file(const char *path, struct error *error);

#endif
