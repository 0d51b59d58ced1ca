/* command.c - see inbox/command.h: the command line and the life of the process. */
#include "inbox/command.h"

#include "cli/access.h"
#include "cli/options.h"
#include "inbox/service.h"
#include "system/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* Most messages that may be kept. A pointer for each is allocated at the start, and nobody reads a
 * longer page. */
#define MAX_CAPACITY 100000
#define MAX_RATE     100000

enum {
    OPTION_LISTEN,
    OPTION_ALLOW_HOST,
    OPTION_TOKEN_FILE,
    OPTION_INSECURE_LISTEN,
    OPTION_CAPACITY,
    OPTION_RATE,
    OPTION_LOG_LEVEL,
    OPTION_LOG_FORMAT
};

static const struct cli_option options[] = {
    [OPTION_LISTEN] = {"listen", "ADDR:PORT",
                       "where to listen; port 0: any free one (127.0.0.1:9095)"},
    [OPTION_ALLOW_HOST] = CLI_ALLOW_HOST_OPTION,
    [OPTION_TOKEN_FILE] = CLI_TOKEN_FILE_OPTION,
    [OPTION_INSECURE_LISTEN] = CLI_INSECURE_LISTEN_OPTION,
    [OPTION_CAPACITY] = {"capacity", "N", "keep the newest N messages (1000)"},
    [OPTION_RATE] = {"rate", "N", "messages per second; more are answered 429; 0: no limit (0)"},
    [OPTION_LOG_LEVEL] = {"log-level", "LEVEL", "debug, info, warning or error (info)"},
    [OPTION_LOG_FORMAT] = {"log-format", "FORMAT", "plain or json (plain)"},
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

static const struct cli_command command = {
    .name = "slack-inbox",
    .positional = "",
    .summary =
        "A stand-in for Slack: POST /slack takes the messages that Alertmanager and Grafana send,\n"
        "GET / shows them as Slack would, GET /messages returns them as JSON.",
    .options = options,
    .option_count = OPTIONS,
    .repeatable = 1u << OPTION_ALLOW_HOST,
};

/* 0, or the exit code after a line on standard error. */
static int read_settings(const char *const values[OPTIONS], struct slack_service_config *config)
{
    unsigned long long capacity = 1000, rate = 0;
    if (cli_integer(&command, "capacity", values[OPTION_CAPACITY], 1, MAX_CAPACITY, &capacity) <
            0 ||
        cli_integer(&command, "rate", values[OPTION_RATE], 0, MAX_RATE, &rate) < 0 ||
        cli_log(&command, values[OPTION_LOG_LEVEL], values[OPTION_LOG_FORMAT]) < 0)
        return CLI_USAGE;
    const char *listen = values[OPTION_LISTEN];
    *config = (struct slack_service_config){
        .listen = listen ? listen : "127.0.0.1:9095",
        .allowed_hosts = values[OPTION_ALLOW_HOST],
        .capacity = (size_t)capacity,
        .rate = (unsigned)rate,
    };
    return CLI_OK;
}

static int start_failure(const char *listen, int rc)
{
    if (rc == -EADDRINUSE)
        log_error("cannot listen on %s: another program uses that port; choose one with --listen",
                  listen);
    else if (rc == -EINVAL)
        log_error("cannot listen on '%s': expected ADDR:PORT, for example 127.0.0.1:9095", listen);
    else
        log_error("cannot listen on %s: %s", listen, strerror(-rc));
    return rc == -EINVAL ? CLI_USAGE : CLI_FAILURE;
}

/* Serves until a signal ends it; the exit code. */
static int serve(const struct slack_service_config *config)
{
    struct slack_service *service;
    const int rc = slack_service_start(config, &service);
    if (rc < 0)
        return start_failure(config->listen, rc);
    const char *address = slack_service_address(service);
    log_info("Slack inbox on http://%s/, webhook http://%s/slack", address, address);
    log_info("%s: stopping", cli_wait_for_signal() == SIGINT ? "SIGINT" : "SIGTERM");
    slack_service_stop(service);
    return CLI_OK;
}

int slack_inbox_main(int argc, char **argv)
{
    const char *values[CLI_MAX_OPTIONS];
    struct slack_service_config config;
    struct cli_access access;
    int first;
    int rc = cli_parse(&command, argc, argv, values, &first);
    if (rc != 0)
        return rc == CLI_HELP ? CLI_OK : CLI_USAGE;
    rc = read_settings(values, &config);
    if (rc != 0)
        return rc;
    cli_block_signals(false);
    rc = CLI_FAILURE;
    if (cli_access_init(&access, values[OPTION_TOKEN_FILE], values[OPTION_INSECURE_LISTEN]) == 0 &&
        cli_access_check(&access, config.listen) == 0) {
        config.tokens = access.tokens;
        rc = serve(&config);
    }
    cli_access_finish(&access);
    return rc;
}
