/* assets.c - the embedded dashboard's files. */
#include "service/answer.h"
#include "service/handlers.h"

#include "web/dashboard_css.h"
#include "web/dashboard_html.h"
#include "web/dashboard_js.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *path;
    const char *content_type;
    const unsigned char *bytes;
    size_t size;
} assets[] = {
    {"/dashboard", "text/html; charset=utf-8", dashboard_html, sizeof(dashboard_html)},
    {"/dashboard.css", "text/css; charset=utf-8", dashboard_css, sizeof(dashboard_css)},
    {"/dashboard.js", "text/javascript; charset=utf-8", dashboard_js, sizeof(dashboard_js)},
};

void handle_asset(void *context, const struct http_request *request, struct http_response *response)
{
    (void)context;
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
        if (strcmp(assets[i].path, request->path) != 0)
            continue;
        char *body = malloc(assets[i].size);
        if (!body) {
            answer_out_of_memory(response);
            return;
        }
        memcpy(body, assets[i].bytes, assets[i].size);
        http_respond(response, 200, assets[i].content_type, body, assets[i].size);
        http_response_header(response, "Content-Security-Policy",
                             "default-src 'self'; img-src data:; base-uri 'none'; "
                             "form-action 'none'; frame-ancestors 'none'");
        http_response_header(response, "X-Content-Type-Options", "nosniff");
        response->compressible = true;
        return;
    }
}
