/* origin.h - whom a request is for and whose page sent it: Host, Origin and Sec-Fetch-Site.
 *
 * A browser on this machine lets any page send requests here. Two rules keep such pages out: the
 * name in Host must be ours, or a page could give its own name our address and read the answers
 * (DNS rebinding); and a request that changes something must not come from another site. */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "http/rules.h"

/* What a request says about itself beside its headers. */
struct http_start_line {
    const char *method, *target, *version; /* as sent */
};

/* 400 where HTTP/1.1 comes without exactly one Host. 403 naming the header where Host, or the host
 * of an absolute target, is neither an address nor "localhost" nor one of allowed_hosts (names
 * without ports, separated by line feeds; NULL: none), and where another site's page sends another
 * method than GET or HEAD. A request without Sec-Fetch-Site and Origin comes from no browser's
 * page. */
struct http_refusal http_check_origin(const struct http_announced *announced,
                                      const struct http_start_line *line,
                                      const char *allowed_hosts);

#endif
