/* assets.c - the embedded pages: the dashboard's files and the runbook. */
#include "service/answer.h"
#include "service/handlers.h"

#include "web/dashboard_css.h"
#include "web/dashboard_html.h"
#include "web/dashboard_js.h"
#include "web/report_css.h"
#include "web/runbook_html.h"

#include <stdlib.h>
#include <string.h>

#define POLICY_OF_ALL "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define POLICY        "default-src 'self'; img-src data:; " POLICY_OF_ALL
/* It carries its style, and nothing else. */
#define RUNBOOK_POLICY "default-src 'none'; style-src 'unsafe-inline'; " POLICY_OF_ALL

struct asset {
    const char *path;
    const char *content_type;
    const char *policy;
    const unsigned char *bytes;
    size_t size;
};

static const struct asset assets[] = {
    {"/dashboard", "text/html; charset=utf-8", POLICY, dashboard_html, sizeof(dashboard_html)},
    {"/dashboard.css", "text/css; charset=utf-8", POLICY, dashboard_css, sizeof(dashboard_css)},
    {"/dashboard.js", "text/javascript; charset=utf-8", POLICY, dashboard_js, sizeof(dashboard_js)},
    {"/report.css", "text/css; charset=utf-8", POLICY, report_css, sizeof(report_css)},
    {"/runbook", "text/html; charset=utf-8", RUNBOOK_POLICY, runbook_html, sizeof(runbook_html)},
};

static void answer_asset(struct http_response *response, const struct asset *asset)
{
    char *body = malloc(asset->size);
    if (!body) {
        answer_out_of_memory(response);
        return;
    }
    memcpy(body, asset->bytes, asset->size);
    http_respond(response, 200, asset->content_type, body, asset->size);
    http_response_header(response, "Content-Security-Policy", asset->policy);
    response->compressible = true;
}

void handle_asset(void *context, const struct http_request *request, struct http_response *response)
{
    (void)context;
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++)
        if (strcmp(assets[i].path, request->path) == 0)
            answer_asset(response, &assets[i]);
}

void handle_dashboard(void *context, const struct http_request *request,
                      struct http_response *response)
{
    (void)context;
    (void)request;
    answer_asset(response, &assets[0]);
}
