/*
 * One easy handle per call: requests are few (a provider's keys each ten minutes), and a handle that is not kept leaks
 * nothing from one tenant's provider to another's.
 *
 * The check of the address stands in the callback by which libcurl makes its socket: it sees the very address that will
 * be connected to, so a name that resolves to another one the second time gains nothing.
 */
#include "fetch/fetch.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct fetching {
    const struct pt_fetch_options *options;
    struct pt_buf *body;
    bool refused, too_large;
};

bool pt_fetch_public(const struct pt_ip *ip)
{
    static const char *const reserved[] = {
        "0.0.0.0/8",     "10.0.0.0/8",   "100.64.0.0/10",  "127.0.0.0/8",   "169.254.0.0/16",  "172.16.0.0/12",
        "192.0.0.0/24",  "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4",   "240.0.0.0/4",  "::/128",         "::1/128",       "64:ff9b::/96",    "100::/64",
        "2001:db8::/32", "2002::/16",    "fc00::/7",       "fe80::/10",     "ff00::/8"};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        struct pt_prefix prefix;
        if (pt_prefix_parse(reserved[i], &prefix, NULL) != PT_OK || pt_prefix_contains(&prefix, ip)) {
            return false;
        }
    }
    return true;
}

static bool may_connect(const struct pt_fetch_options *options, const struct pt_ip *ip)
{
    bool may = pt_fetch_public(ip);
    for (size_t i = 0; i < options->allowed_len; i++) {
        may = may || pt_prefix_contains(&options->allowed[i], ip);
    }
    return may;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetching *fetching = arg;
    struct pt_ip ip = {.bytes = {[10] = 0xff, [11] = 0xff}};
    (void)purpose;
    if (address->family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &address->addr, sizeof(v4));
        memcpy(ip.bytes + 12, &v4.sin_addr, 4);
    } else if (address->family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &address->addr, sizeof(v6));
        memcpy(ip.bytes, &v6.sin6_addr, 16);
    }
    if ((address->family != AF_INET && address->family != AF_INET6) || !may_connect(fetching->options, &ip)) {
        fetching->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take(char *data, size_t size, size_t len, void *arg)
{
    struct fetching *fetching = arg;
    if (fetching->body->size + size * len > PT_FETCH_SIZE_MAX) {
        fetching->too_large = true;
        return 0;
    }
    pt_buf_append(fetching->body, data, size * len);
    return size * len;
}

static void prepare(CURL *curl, const char *url, struct fetching *fetching)
{
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PT_FETCH_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)PT_FETCH_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)PT_FETCH_SIZE_MAX);
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, fetching);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetching);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "patronus");
    if (fetching->options->ca_file[0] != '\0') {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, fetching->options->ca_file);
        (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
}

enum pt_code pt_fetch(const char *url, const struct pt_fetch_options *options, struct pt_buf *ret_body,
                      struct pt_error *reterr)
{
    struct fetching fetching = {.options = options, .body = ret_body};
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, NULL, "libcurl cannot be used");
    }
    prepare(curl, url, &fetching);
    CURLcode result = curl_easy_perform(curl);
    long status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    if (fetching.refused && result != CURLE_OK) { /* of several addresses another may have been fine */
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, NULL,
                       "%.200s leads to a private or reserved address; the operator may allow its prefix with "
                       "issuer_networks",
                       url);
    }
    if (fetching.too_large) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, NULL, "%.200s has more than %u bytes", url,
                       PT_FETCH_SIZE_MAX);
    }
    if (result != CURLE_OK || status != 200) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, NULL, "%.200s: %s, status %ld", url,
                       curl_easy_strerror(result), status);
    }
    return PT_OK;
}
