/* origin.c - see the header. */
#include "http/origin.h"

#include "system/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define PORT_DIGITS 5

struct name {
    const char *text;
    size_t bytes;
    bool bracketed; /* stood between [ and ] */
};

static bool is_port(const char *text, size_t bytes)
{
    if (bytes == 0)
        return true;
    if (text[0] != ':' || bytes > PORT_DIGITS + 1)
        return false;
    for (size_t i = 1; i < bytes; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

/* The name of "NAME", "NAME:PORT" or "[ADDRESS]:PORT"; false if it is none of these. */
static bool split_host(const char *text, size_t bytes, struct name *ret_name)
{
    const bool bracketed = bytes > 0 && text[0] == '[';
    const char *end = memchr(text, bracketed ? ']' : ':', bytes);
    if (bracketed && !end)
        return false;
    const char *port = end ? end + bracketed : text + bytes;
    if (!is_port(port, (size_t)(text + bytes - port)))
        return false;
    const char *start = text + bracketed;
    *ret_name = (struct name){start, (size_t)((end ? end : port) - start), bracketed};
    return ret_name->bytes > 0;
}

static bool same(const struct name *name, const char *text, size_t bytes)
{
    return name->bytes == bytes && strncasecmp(name->text, text, bytes) == 0;
}

static bool is_listed(const struct name *name, const char *list)
{
    while (list && *list) {
        const size_t bytes = strcspn(list, "\n");
        if (same(name, list, bytes))
            return true;
        list += bytes + (list[bytes] == '\n');
    }
    return false;
}

/* An address cannot be made to mean another machine, as a name can. */
static bool is_address(const struct name *name)
{
    char text[HTTP_ADDRESS_BYTES];
    struct in6_addr unused;
    if (name->bytes >= sizeof(text))
        return false;
    memcpy(text, name->text, name->bytes);
    text[name->bytes] = '\0';
    return inet_pton(name->bracketed ? AF_INET6 : AF_INET, text, &unused) == 1;
}

static bool is_ours(const char *host, size_t bytes, const char *allowed)
{
    static const char local[] = "localhost";
    struct name name;
    if (!split_host(host, bytes, &name))
        return false;
    return is_address(&name) || (!name.bracketed && (same(&name, local, sizeof(local) - 1) ||
                                                     is_listed(&name, allowed)));
}

/* The host of an absolute target such as "http://host:port/path"; NULL for a path. */
static const char *target_host(const char *target, size_t *ret_bytes)
{
    const char *authority = target[0] == '/' ? NULL : strstr(target, "://");
    if (!authority)
        return NULL;
    *ret_bytes = strcspn(authority + 3, "/?#");
    return authority + 3;
}

static bool changes_something(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

/* Whether an Origin such as "http://host:port" is the page of the host that the request is for. */
static bool is_same_site(const char *origin, const char *host)
{
    const char *authority = strstr(origin, "://");
    return authority && host && strcasecmp(authority + 3, host) == 0;
}

static struct http_refusal check_page(const struct http_announced *announced)
{
    const char *site = announced->fetch_site;
    if (site && strcasecmp(site, "same-origin") != 0 && strcasecmp(site, "none") != 0)
        return (struct http_refusal){403, "the header Sec-Fetch-Site says that a page of another "
                                          "site sends this request"};
    if (!site && announced->origin && !is_same_site(announced->origin, announced->host))
        return (struct http_refusal){403, "the header Origin names another site than Host: a page "
                                          "of another site sends this request"};
    return (struct http_refusal){0};
}

struct http_refusal http_check_origin(const struct http_announced *announced,
                                      const struct http_start_line *line, const char *allowed_hosts)
{
    const char *host = announced->host;
    size_t target_bytes;
    const char *target = target_host(line->target, &target_bytes);
    if (announced->hosts > 1 || (!host && strcmp(line->version, "HTTP/1.0") != 0))
        return (struct http_refusal){400, "the request must have exactly one Host header"};
    if ((host && !is_ours(host, strlen(host), allowed_hosts)) ||
        (target && !is_ours(target, target_bytes, allowed_hosts)))
        return (struct http_refusal){403, "the header Host names neither an address nor localhost "
                                          "nor a name that was given with --allow-host"};
    return changes_something(line->method) ? check_page(announced) : (struct http_refusal){0};
}
