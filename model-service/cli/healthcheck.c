/* healthcheck.c - exit 0 when a running service answers 200, for container health checks
 * in images without curl or wget. */
#include "cli/commands.h"
#include "cli/options.h"
#include "http/http.h"

#include <stdio.h>
#include <string.h>

#define HEALTHCHECK_TIMEOUT_MS 2000

enum { OPTION_PATH };

static const struct cli_option options[] = {
    [OPTION_PATH] = {"path", "PATH", "path to ask for (default /health)"},
};

static const struct cli_command command = {
    .name = "healthcheck",
    .positional = "[ADDR:PORT]",
    .summary = "Asks the service at ADDR:PORT (default 127.0.0.1:8000) for its health.\n"
               "Exits 0 on the answer 200, 1 otherwise.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .max_positionals = 1,
};

int healthcheck_main(int argc, char **argv)
{
    const char *values[CLI_MAX_OPTIONS];
    int first, parsed = cli_parse(&command, argc, argv, values, &first);
    if (parsed != 0)
        return parsed == CLI_HELP ? CLI_OK : CLI_USAGE;
    const char *address = first < argc ? argv[first] : "127.0.0.1:8000";
    const char *path = values[OPTION_PATH] ? values[OPTION_PATH] : "/health";
    unsigned status = 0;
    int rc = http_get_status(address, path, HEALTHCHECK_TIMEOUT_MS, &status);
    if (rc < 0)
        fprintf(stderr, "http://%s%s: %s\n", address, path, strerror(-rc));
    else if (status != 200)
        fprintf(stderr, "http://%s%s: answered %u\n", address, path, status);
    return rc == 0 && status == 200 ? CLI_OK : CLI_FAILURE;
}
