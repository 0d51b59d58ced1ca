/* rules.c - what a request's headers announce about its body, and whether a route takes it. */
#include "http/rules.h"

#include <string.h>
#include <strings.h>

#define REFUSE_NOTHING                                                                             \
    (struct http_refusal)                                                                          \
    {                                                                                              \
        0, NULL                                                                                    \
    }

static bool parse_length(const char *text, uint64_t *ret_length)
{
    uint64_t length = 0;
    if (!*text)
        return false;
    for (; *text; text++)
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (uint64_t)(*text - '0'), &length))
            return false;
    *ret_length = length;
    return true;
}

/* Whether a list separated by commas has the word. */
static bool has_word(const char *list, const char *word)
{
    const size_t bytes = strlen(word);
    while (*list) {
        list += strspn(list, " \t,");
        const size_t item = strcspn(list, " \t,");
        if (item == bytes && strncasecmp(list, word, bytes) == 0)
            return true;
        list += item;
    }
    return false;
}

static bool is_header(const char *name, size_t name_bytes, const char *wanted, size_t wanted_bytes)
{
    return name_bytes == wanted_bytes && strncasecmp(name, wanted, wanted_bytes) == 0;
}

#define IS_HEADER(literal) is_header(name, name_bytes, literal, sizeof(literal) - 1)

void http_announced_read(struct http_announced *announced, const char *name, size_t name_bytes,
                         const char *value)
{
    if (IS_HEADER("Content-Length")) {
        announced->lengths++;
        announced->bad_length |= !parse_length(value, &announced->length);
    } else if (IS_HEADER("Transfer-Encoding")) {
        announced->codings++;
        announced->chunked = strcasecmp(value, "chunked") == 0;
    } else if (IS_HEADER("Content-Type")) {
        announced->content_type = value;
    } else if (IS_HEADER("Content-Encoding")) {
        announced->content_encoding = strcasecmp(value, "identity") == 0 ? NULL : value;
    } else if (IS_HEADER("Host")) {
        announced->hosts++;
        announced->host = value;
    } else if (IS_HEADER("Origin")) {
        announced->origin = value;
    } else if (IS_HEADER("Authorization")) {
        announced->authorization = value;
    } else if (IS_HEADER("Sec-Fetch-Site")) {
        announced->fetch_site = value;
    } else if (IS_HEADER("Expect")) {
        const bool known = strcasecmp(value, "100-continue") == 0;
        announced->expects_continue |= known && !announced->old;
        announced->expects_other |= !known;
    } else if (IS_HEADER("Connection")) {
        announced->says_close |= has_word(value, "close");
        announced->says_keep_alive |= has_word(value, "keep-alive");
    }
}

bool http_announced_keeps_alive(const struct http_announced *announced)
{
    return !announced->says_close && (!announced->old || announced->says_keep_alive);
}

bool http_announced_body(const struct http_announced *announced)
{
    return announced->codings || announced->length;
}

struct http_refusal http_check_framing(const struct http_announced *announced)
{
    if (announced->lengths > 1)
        return (struct http_refusal){400, "the request has more than one Content-Length"};
    if (announced->lengths && announced->codings)
        return (struct http_refusal){400,
                                     "the request has both Content-Length and Transfer-Encoding"};
    if (announced->bad_length)
        return (struct http_refusal){400, "the Content-Length is not a number of bytes"};
    if (announced->old && announced->codings)
        return (struct http_refusal){400, "HTTP/1.0 has no Transfer-Encoding"};
    if (announced->codings > 1 || (announced->codings && !announced->chunked))
        return (struct http_refusal){501, "the only transfer coding understood is chunked"};
    if (announced->expects_other)
        return (struct http_refusal){417, "the only expectation understood is 100-continue"};
    return REFUSE_NOTHING;
}

/* application/json or application/NAME+json, with any parameters. */
static bool is_json(const char *content_type)
{
    static const char tree[] = "application/";
    const size_t tree_bytes = sizeof(tree) - 1;
    const size_t bytes = strcspn(content_type, "; \t");
    const char *rest = content_type + bytes + strspn(content_type + bytes, " \t");
    if (bytes <= tree_bytes || strncasecmp(content_type, tree, tree_bytes) != 0 ||
        (*rest && *rest != ';'))
        return false;
    const char *subtype = content_type + tree_bytes;
    const size_t subtype_bytes = bytes - tree_bytes;
    if (subtype_bytes == 4)
        return strncasecmp(subtype, "json", 4) == 0;
    return subtype_bytes > 5 && strncasecmp(subtype + subtype_bytes - 5, "+json", 5) == 0;
}

/* NDJSON under any of its names, with any parameters. */
static bool is_json_lines(const char *content_type)
{
    static const char *const names[] = {"application/x-ndjson", "application/ndjson",
                                        "application/jsonl"};
    const size_t bytes = strcspn(content_type, "; \t");
    const char *rest = content_type + bytes + strspn(content_type + bytes, " \t");
    if (*rest && *rest != ';')
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == bytes && strncasecmp(content_type, names[i], bytes) == 0)
            return true;
    return false;
}

bool http_body_is_streamed(const struct http_route *route, const struct http_announced *announced)
{
    return route->body == HTTP_BODY_STREAM && announced->content_type &&
           is_json_lines(announced->content_type);
}

size_t http_body_limit(const struct http_route *route)
{
    return route->body == HTTP_BODY_NONE ? 0 : route->max_body_bytes;
}

static struct http_refusal check_content_type(enum http_body_rule rule, const char *content_type)
{
    const bool lines = rule == HTTP_BODY_STREAM;
    if (content_type && is_json(content_type))
        return REFUSE_NOTHING;
    if (content_type)
        return (struct http_refusal){415, lines ? "the Content-Type must be application/json or "
                                                  "application/x-ndjson"
                                                : "the Content-Type must be application/json"};
    if (rule == HTTP_BODY_JSON_OR_UNTYPED)
        return REFUSE_NOTHING;
    return (struct http_refusal){415, lines ? "the body has no Content-Type: send 'Content-Type: "
                                              "application/json' or 'application/x-ndjson' with it"
                                            : "the body has no Content-Type: send 'Content-Type: "
                                              "application/json' with it"};
}

struct http_refusal http_check_body(const struct http_route *route,
                                    const struct http_announced *announced)
{
    const enum http_body_rule rule = route->body;
    const bool body = http_announced_body(announced);
    const bool streamed = http_body_is_streamed(route, announced);
    if (rule != HTTP_BODY_NONE && rule != HTTP_BODY_OPTIONAL && !announced->lengths && !body)
        return (struct http_refusal){411, "the request must announce its body with Content-Length "
                                          "or chunked Transfer-Encoding"};
    if (!streamed && announced->length > http_body_limit(route))
        return (struct http_refusal){413, rule == HTTP_BODY_NONE
                                              ? "this path takes no body"
                                              : "the body is larger than this path takes"};
    if (rule == HTTP_BODY_NONE || rule == HTTP_BODY_ANY || (rule == HTTP_BODY_OPTIONAL && !body))
        return REFUSE_NOTHING;
    if (!streamed) {
        const struct http_refusal refusal = check_content_type(rule, announced->content_type);
        if (refusal.status)
            return refusal;
    }
    if (announced->content_encoding)
        return (struct http_refusal){415, "a body with a Content-Encoding is not understood"};
    return REFUSE_NOTHING;
}
