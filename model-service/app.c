/* app.c - the service: routes, life cycle, threads. */
#include "app.h"

#include "cli/access.h"
#include "cli/options.h"
#include "config/config.h"
#include "service/answer.h"
#include "service/handlers.h"
#include "service/keeper.h"
#include "service/metrics/handler.h"
#include "service/reload.h"
#include "service/service.h"
#include "system/log.h"
#include "version.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_LISTEN   "127.0.0.1:8000"
#define MAX_THREADS      64
#define HEADER_MAX_BYTES (8 << 10)
#define MAX_CONNECTIONS  1000
/* Of one address, so that it leaves half of them to others. */
#define ADDRESS_CONNECTIONS 500
#define DEFAULT_THREADS     4
/* Requests in flight at SIGTERM have this long to finish. */
#define STOP_GRACE_MS 5000
/* Nothing is read from it; clients send "{}". */
#define RELOAD_MAX_BYTES 1024

static const struct http_route routes[] = {
    {"GET", "/", HTTP_BODY_NONE, 0, handle_root, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"POST", "/predict", HTTP_BODY_JSON, PREDICT_MAX_BYTES, handle_predict, HTTP_ROLE_WRITE,
     HTTP_LANE_USUAL},
    {"POST", "/observe", HTTP_BODY_STREAM, OBSERVE_MAX_BYTES, handle_observe, HTTP_ROLE_WRITE,
     HTTP_LANE_USUAL},
    {"GET", "/drift/status", HTTP_BODY_NONE, 0, handle_drift_status, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"POST", "/simulate/drift", HTTP_BODY_OPTIONAL, SIMULATE_MAX_BYTES, handle_simulate,
     HTTP_ROLE_ADMIN, HTTP_LANE_SLOW},
    {"POST", "/labels", HTTP_BODY_STREAM, LABELS_MAX_BYTES, handle_labels, HTTP_ROLE_WRITE,
     HTTP_LANE_USUAL},
    {"GET", "/performance", HTTP_BODY_NONE, 0, handle_performance, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/metrics", HTTP_BODY_NONE, 0, handle_metrics, HTTP_ROLE_READ, HTTP_LANE_SCRAPE},
    {"GET", "/health", HTTP_BODY_NONE, 0, handle_health, HTTP_ROLE_NONE, HTTP_LANE_PROBE},
    {"GET", "/ready", HTTP_BODY_NONE, 0, handle_ready, HTTP_ROLE_NONE, HTTP_LANE_PROBE},
    {"POST", "/-/reload", HTTP_BODY_OPTIONAL, RELOAD_MAX_BYTES, handle_reload, HTTP_ROLE_ADMIN,
     HTTP_LANE_SLOW},
    {"GET", "/dashboard", HTTP_BODY_NONE, 0, handle_dashboard, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/dashboard/features/{feature}", HTTP_BODY_NONE, 0, handle_dashboard, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/dashboard/incidents/{incident}", HTTP_BODY_NONE, 0, handle_dashboard, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/dashboard/performance", HTTP_BODY_NONE, 0, handle_dashboard, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/dashboard/alerts", HTTP_BODY_NONE, 0, handle_dashboard, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/dashboard/try", HTTP_BODY_NONE, 0, handle_dashboard, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/alerts", HTTP_BODY_NONE, 0, handle_alerts, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"POST", "/alerts/silences", HTTP_BODY_JSON, SILENCE_MAX_BYTES, handle_silence, HTTP_ROLE_ADMIN,
     HTTP_LANE_SLOW},
    {"POST", "/alerts/silences/{silence}/expire", HTTP_BODY_OPTIONAL, RELOAD_MAX_BYTES,
     handle_expire_silence, HTTP_ROLE_ADMIN, HTTP_LANE_SLOW},
    {"GET", "/dashboard.css", HTTP_BODY_NONE, 0, handle_asset, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/report.css", HTTP_BODY_NONE, 0, handle_asset, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/dashboard.js", HTTP_BODY_NONE, 0, handle_asset, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/runbook", HTTP_BODY_NONE, 0, handle_asset, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"POST", "/models/{model}/predict", HTTP_BODY_JSON, PREDICT_MAX_BYTES, handle_predict,
     HTTP_ROLE_WRITE, HTTP_LANE_USUAL},
    {"POST", "/models/{model}/observe", HTTP_BODY_STREAM, OBSERVE_MAX_BYTES, handle_observe,
     HTTP_ROLE_WRITE, HTTP_LANE_USUAL},
    {"GET", "/models/{model}/drift/status", HTTP_BODY_NONE, 0, handle_drift_status, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"POST", "/models/{model}/simulate/drift", HTTP_BODY_OPTIONAL, SIMULATE_MAX_BYTES,
     handle_simulate, HTTP_ROLE_ADMIN, HTTP_LANE_SLOW},
    {"POST", "/models/{model}/labels", HTTP_BODY_STREAM, LABELS_MAX_BYTES, handle_labels,
     HTTP_ROLE_WRITE, HTTP_LANE_USUAL},
    {"GET", "/models/{model}/performance", HTTP_BODY_NONE, 0, handle_performance, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/models/{model}/performance/history", HTTP_BODY_NONE, 0, handle_performance_history,
     HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/models/{model}/performance/pictures", HTTP_BODY_NONE, 0, handle_performance_pictures,
     HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/models/{model}/revision", HTTP_BODY_NONE, 0, handle_revision, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/models/{model}/panels", HTTP_BODY_NONE, 0, handle_panels, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/models/{model}/report", HTTP_BODY_NONE, 0, handle_report, HTTP_ROLE_READ,
     HTTP_LANE_SLOW},
    {"GET", "/models/{model}/history", HTTP_BODY_NONE, 0, handle_history, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/models/{model}/incidents", HTTP_BODY_NONE, 0, handle_incidents, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/models/{model}/features/{feature}", HTTP_BODY_NONE, 0, handle_feature, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/v2", HTTP_BODY_NONE, 0, handle_v2, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/v2/health/live", HTTP_BODY_NONE, 0, handle_v2_live, HTTP_ROLE_NONE, HTTP_LANE_PROBE},
    {"GET", "/v2/health/ready", HTTP_BODY_NONE, 0, handle_v2_ready, HTTP_ROLE_NONE,
     HTTP_LANE_PROBE},
    {"GET", "/v2/models/{model}", HTTP_BODY_NONE, 0, handle_v2_model, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"GET", "/v2/models/{model}/ready", HTTP_BODY_NONE, 0, handle_v2_model_ready, HTTP_ROLE_READ,
     HTTP_LANE_USUAL},
    {"POST", "/v2/models/{model}/infer", HTTP_BODY_JSON_OR_UNTYPED, PREDICT_MAX_BYTES,
     handle_v2_infer, HTTP_ROLE_WRITE, HTTP_LANE_USUAL},
    {"GET", "/v2/models/{model}/versions/{version}", HTTP_BODY_NONE, 0, handle_v2_model,
     HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/v2/models/{model}/versions/{version}/ready", HTTP_BODY_NONE, 0, handle_v2_model_ready,
     HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"POST", "/v2/models/{model}/versions/{version}/infer", HTTP_BODY_JSON_OR_UNTYPED,
     PREDICT_MAX_BYTES, handle_v2_infer, HTTP_ROLE_WRITE, HTTP_LANE_USUAL},
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))
_Static_assert(ROUTES <= SERVICE_MAX_ROUTES, "raise the limit");

enum {
    OPTION_CONFIG,
    OPTION_LISTEN,
    OPTION_ALLOW_HOST,
    OPTION_TOKEN_FILE,
    OPTION_INSECURE_LISTEN,
    OPTION_STATE,
    OPTION_PROMETHEUS,
    OPTION_ALERTMANAGER,
    OPTION_INBOX,
    OPTION_THREADS,
    OPTION_ADDRESS_CONNECTIONS,
    OPTION_LOG_LEVEL,
    OPTION_LOG_FORMAT
};

static const struct cli_option options[] = {
    [OPTION_CONFIG] =
        {"config", "FILE",
         "YAML configuration (default: the file that MODEL_CONFIG names, else the built-in model)"},
    [OPTION_LISTEN] = {"listen", "ADDR:PORT", "where to listen (default " DEFAULT_LISTEN ")"},
    [OPTION_ALLOW_HOST] = CLI_ALLOW_HOST_OPTION,
    [OPTION_TOKEN_FILE] = CLI_TOKEN_FILE_OPTION,
    [OPTION_INSECURE_LISTEN] = CLI_INSECURE_LISTEN_OPTION,
    [OPTION_STATE] = {"state", "DIR", "where to keep the state over restarts (default: nowhere)"},
    [OPTION_PROMETHEUS] = {"prometheus", "URL",
                           "where the pages read pending and firing alerts: http://HOST:PORT"},
    [OPTION_ALERTMANAGER] = {"alertmanager", "URL",
                             "where they read what fires, and silence it; likewise"},
    [OPTION_INBOX] = {"inbox", "URL", "where they read messages: the slack-inbox; likewise"},
    [OPTION_THREADS] = {"threads", "N", "worker threads, 1 to 64 (default: processors, at most 4)"},
    [OPTION_ADDRESS_CONNECTIONS] = {"connections-per-address", "N",
                                    "most connections of one address other than loopback "
                                    "(default 500; 0: no limit)"},
    [OPTION_LOG_LEVEL] = {"log-level", "LEVEL", "debug, info (default), warning or error"},
    [OPTION_LOG_FORMAT] = {"log-format", "FORMAT", "plain (default) or json, one line each"},
};

static const struct cli_command command = {
    .name = "serve",
    .positional = "",
    .summary =
        "Serves predictions of the configured models, watches them for drift and exposes\n"
        "Prometheus metrics. SIGINT and SIGTERM finish requests in flight and stop; SIGHUP reads\n"
        "the configuration again.\n"
        "Environment: DRIFT_THRESHOLD overrides the warning threshold; MODEL_CONFIG names the\n"
        "configuration where --config does not.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .repeatable = 1u << OPTION_ALLOW_HOST,
};

/* --- callbacks of the HTTP adapter --- */

static void render_error(void *context, unsigned status, const char *detail,
                         struct http_response *response)
{
    (void)context;
    answer_problem(response, status, detail);
}

static void count_request(void *context, const struct http_route *route, const char *method,
                          unsigned status, double seconds)
{
    (void)method;
    (void)seconds;
    service_count_request(context, route, status);
}

/* --- start --- */

static void explain_start_failure(const char *listen, int rc)
{
    if (rc == -EADDRINUSE)
        log_error("cannot listen on %s: another program uses that port; stop it or choose another "
                  "one with --listen",
                  listen);
    else if (rc == -EINVAL)
        log_error("cannot listen on '%s': expected ADDRESS:PORT such as " DEFAULT_LISTEN, listen);
    else
        log_error("cannot listen on %s: %s", listen, strerror(-rc));
}

static size_t default_threads(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1 ? 1 : processors > DEFAULT_THREADS ? DEFAULT_THREADS : (size_t)processors;
}

struct settings {
    const char *config_path;            /* NULL: the built-in model */
    const char *listen, *allowed_hosts; /* as in struct http_server_config */
    const char *state;                  /* from the command line, or NULL */
    const char *const *values;          /* of all options */
    const struct cli_access *access;
    size_t threads, address_connections;
};

/* From the command line, else from the configuration; without a directory no state is kept. */
static int keep_state(struct service *service, const char *option)
{
    const char *configured = service->registry.set->config.state;
    const char *directory = option ? option : configured;
    struct error error = {""};
    if (!directory)
        return 0;
    const int rc = keeper_start(&service->registry, directory, &service->keeper, &error);
    if (rc < 0)
        log_error("cannot start: %s", error.text);
    return rc;
}

static int watch_alerts(struct service *service, const char *const *values)
{
    struct error error = {""};
    const int rc = service_watch_alerts(service, values[OPTION_PROMETHEUS],
                                        values[OPTION_ALERTMANAGER], values[OPTION_INBOX], &error);
    if (rc < 0)
        log_error("cannot start: %s", error.text);
    return rc;
}

/* Loads the models, and what was kept of them. The port is open meanwhile. */
static int load(struct service *service, const struct settings *settings)
{
    char error[MODEL_SET_ERROR_BYTES];
    int rc = service_load(service, settings->config_path, error);
    if (rc < 0) {
        log_error("cannot start: %s", error);
        return rc;
    }
    rc = keep_state(service, settings->state);
    return rc < 0 ? rc : watch_alerts(service, settings->values);
}

static int run(struct service *service, const struct settings *settings)
{
    const char *listen = settings->listen;
    const struct http_server_config config = {
        .listen = listen,
        .allowed_hosts = settings->allowed_hosts,
        .tokens = settings->access->tokens,
        .starts_closed = true,
        .routes = routes,
        .route_count = ROUTES,
        .context = service,
        .limits = {.connections = MAX_CONNECTIONS,
                   .connections_per_address = settings->address_connections,
                   .header_bytes = HEADER_MAX_BYTES,
                   .idle_seconds = 60,
                   .threads = settings->threads},
        .render_error = render_error,
        .observe = count_request,
    };
    struct http_server *server;
    int rc = cli_access_check(settings->access, listen);
    if (rc < 0)
        return rc;
    rc = http_server_start(&config, &server);
    if (rc < 0) {
        explain_start_failure(listen, rc);
        return rc;
    }
    rc = load(service, settings);
    if (rc < 0) {
        http_server_stop(server, 0);
        return rc;
    }
    atomic_store(&service->http, server);
    service->ready = true;
    http_server_open(server);
    log_info("model-service %s listening on http://%s", SERVICE_VERSION,
             http_server_address(server));
    int received;
    while ((received = cli_wait_for_signal_until(SERVICE_FOLLOW_MS)) == SIGHUP || received == 0)
        if (received == SIGHUP)
            service_reload(service);
        else
            service_follow(service);
    service->ready = false;
    log_info("%s: finishing requests in flight", strsignal(received));
    http_server_stop(server, STOP_GRACE_MS);
    log_info("stopped");
    return 0;
}

/* From the command line, else from the environment; NULL: the built-in model. */
static const char *config_path(const char *option)
{
    const char *named = getenv("MODEL_CONFIG");

    return option ? option : named && named[0] ? named : NULL;
}

/* The address of the configuration, which is read again with the models; "" if it has none, or
 * cannot be read. malloc'd, or NULL. */
static char *configured_address(const char *path)
{
    struct config config;
    struct error ignored;
    if (!path || config_load(path, &config, &ignored) < 0)
        return strdup("");
    char *address = strdup(config.listen ? config.listen : "");
    config_finish(&config);
    return address;
}

/* Opens the port, loads the models and serves them until a signal ends it. */
static int serve(const char *const *values, const struct cli_access *access, size_t threads,
                 size_t address_connections)
{
    const char *path = config_path(values[OPTION_CONFIG]), *option = values[OPTION_LISTEN];
    struct service *service = calloc(1, sizeof(*service));
    char *configured = configured_address(path);
    int rc = -ENOMEM;
    if (service && configured) {
        service_init(service, routes, ROUTES);
        rc = run(service, &(struct settings){
                              .config_path = path,
                              .listen = option          ? option
                                        : configured[0] ? configured
                                                        : DEFAULT_LISTEN,
                              .allowed_hosts = values[OPTION_ALLOW_HOST],
                              .state = values[OPTION_STATE],
                              .values = values,
                              .access = access,
                              .threads = threads,
                              .address_connections = address_connections,
                          });
        service_unwatch_alerts(service);
        keeper_stop(service->keeper);
        metrics_finish(service);
        service_finish(service);
    } else {
        log_error("not enough memory to start");
    }
    free(configured);
    free(service);
    return rc;
}

/* An empty name is most often a variable that is not set. */
static bool option_named(const char *value, const char *option, const char *what)
{
    if (!value || value[0])
        return true;
    fprintf(stderr, "model-service serve: --%s needs the name of %s\n", option, what);
    return false;
}

int app_main(int argc, char **argv)
{
    const char *values[CLI_MAX_OPTIONS];
    int first, parsed = cli_parse(&command, argc, argv, values, &first);
    if (parsed != 0)
        return parsed == CLI_HELP ? CLI_OK : CLI_USAGE;
    unsigned long long threads = default_threads(), connections = ADDRESS_CONNECTIONS;
    if (cli_integer(&command, "threads", values[OPTION_THREADS], 1, MAX_THREADS, &threads) < 0 ||
        cli_integer(&command, "connections-per-address", values[OPTION_ADDRESS_CONNECTIONS], 0,
                    MAX_CONNECTIONS, &connections) < 0 ||
        cli_log(&command, values[OPTION_LOG_LEVEL], values[OPTION_LOG_FORMAT]) < 0)
        return CLI_USAGE;
    if (!option_named(values[OPTION_CONFIG], "config", "a file") ||
        !option_named(values[OPTION_STATE], "state", "a directory"))
        return CLI_USAGE;
    struct cli_access access;
    cli_block_signals(true);
    int rc = cli_access_init(&access, values[OPTION_TOKEN_FILE], values[OPTION_INSECURE_LISTEN]);
    if (rc == 0)
        rc = serve(values, &access, (size_t)threads, (size_t)connections);
    cli_access_finish(&access);
    return rc < 0 ? CLI_FAILURE : CLI_OK;
}
