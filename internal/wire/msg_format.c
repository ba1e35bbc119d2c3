/*
 * Formats of strings. A value is taken as it is or refused; it is never rewritten, because a plan tool that reads back
 * something else than it wrote shows a difference for ever. So a refusal names the canonical form.
 */
#include "wire/msg_internal.h"
#include "base/net.h"

#include <stdio.h>
#include <string.h>

static enum pt_code refuse(struct pt_error *reterr, const struct pt_path *path, const char *text, const char *should)
{
    return pt_fail_at(reterr, PT_REASON_FIELD_INVALID, path, "'%.64s' is not %s", text, should);
}

static enum pt_code not_canonical(struct pt_error *reterr, const struct pt_path *path, const char *text,
                                  const char *canonical, const char *why)
{
    return pt_fail_at(reterr, PT_REASON_FIELD_INVALID, path, "'%.64s' %s; write %s", text, why, canonical);
}

static enum pt_code check_ip(const char *text, const struct pt_path *path, struct pt_error *reterr)
{
    struct pt_ip ip;
    if (pt_ip_parse(text, &ip, NULL) != PT_OK) {
        return refuse(reterr, path, text, "an IP address; write for example 192.0.2.1 or 2001:db8::1");
    }
    char canonical[PT_IP_TEXT_SIZE];
    return strcmp(pt_ip_format(&ip, canonical), text) == 0
               ? PT_OK
               : not_canonical(reterr, path, text, canonical, "is not in canonical form (RFC 5952)");
}

static enum pt_code check_prefix(const char *text, bool host_bits, const struct pt_path *path, struct pt_error *reterr)
{
    struct pt_prefix prefix;
    if (pt_prefix_parse(text, &prefix, NULL) != PT_OK) {
        return refuse(reterr, path, text,
                      host_bits ? "an interface address; write for example 192.0.2.1/24 or 2001:db8::1/64"
                                : "an IP prefix; write for example 192.0.2.0/24 or 2001:db8::/32");
    }
    char canonical[PT_PREFIX_TEXT_SIZE];
    if (!host_bits) {
        struct pt_prefix network = pt_prefix_canonical(&prefix);
        if (!pt_ip_equal(&network.ip, &prefix.ip)) {
            return not_canonical(reterr, path, text, pt_prefix_format(&network, canonical),
                                 "has bits set behind the prefix length");
        }
    }
    return strcmp(pt_prefix_format(&prefix, canonical), text) == 0
               ? PT_OK
               : not_canonical(reterr, path, text, canonical, "is not in canonical form (RFC 5952)");
}

static bool label_valid(const char *label, size_t size)
{
    if (size < 1 || size > 63 || label[0] == '-' || label[size - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = label[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!fine) {
            return false;
        }
    }
    return true;
}

/* Labels of 1 to 63 letters, digits, '-' and '_', joined by dots; at most 253 bytes; no dot at the end. */
static bool fqdn_valid(const char *text, size_t size)
{
    if (size < 1 || size > 253) {
        return false;
    }
    for (size_t at = 0; at <= size;) {
        const char *dot = memchr(text + at, '.', size - at);
        size_t label = dot != NULL ? (size_t)(dot - text) - at : size - at;
        if (!label_valid(text + at, label)) {
            return false;
        }
        at += label + 1;
    }
    return true;
}

static bool all_digits(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return size > 0;
}

static bool port_valid(const char *text)
{
    size_t size = strlen(text);
    if (size > 5 || !all_digits(text, size) || text[0] == '0') {
        return false;
    }
    unsigned port = 0;
    (void)sscanf(text, "%5u", &port); /* digits only, seen above */
    return port >= 1 && port <= 65535;
}

static bool host_valid(const char *host, size_t size)
{
    char address[PT_IP_TEXT_SIZE];
    struct pt_ip ip;
    bool bracketed = size > 2 && host[0] == '[' && host[size - 1] == ']';
    const char *inner = bracketed ? host + 1 : host;
    size_t inner_size = bracketed ? size - 2 : size;
    if (inner_size < sizeof(address)) {
        memcpy(address, inner, inner_size);
        address[inner_size] = '\0';
        if (pt_ip_parse(address, &ip, NULL) == PT_OK) {
            return bracketed == (strchr(address, ':') != NULL);
        }
    }
    /* "10.0.0.300" is a mistyped address, not a name: the last label of a name is not a number. */
    const char *last = memrchr(host, '.', size);
    last = last != NULL ? last + 1 : host;
    return !bracketed && fqdn_valid(host, size) && !all_digits(last, size - (size_t)(last - host));
}

static enum pt_code check_host_port(const char *text, const struct pt_path *path, struct pt_error *reterr)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !host_valid(text, (size_t)(colon - text)) || !port_valid(colon + 1)) {
        return refuse(
            reterr, path, text,
            "a host with a port; write for example 192.0.2.1:7400, [2001:db8::1]:7400 or ctl.example.net:7400");
    }
    return PT_OK;
}

static bool ifname_valid(const char *text)
{
    size_t size = strlen(text);
    if (size < 1 || size > 15 || strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '/' || text[i] == ':') {
            return false;
        }
    }
    return true;
}

enum pt_code pt_format_check(enum pt_format format, const char *text, const struct pt_path *path,
                             struct pt_error *reterr)
{
    switch (format) {
    case PT_FORMAT_ANY:
        return PT_OK;
    case PT_FORMAT_ID:
        return pt_id_valid(text) ? PT_OK
                                 : refuse(reterr, path, text,
                                          "an id; write 1 to 63 of a-z, 0-9 and '-', beginning with a letter and not "
                                          "ending with '-'");
    case PT_FORMAT_IP:
        return check_ip(text, path, reterr);
    case PT_FORMAT_IP_PREFIX:
        return check_prefix(text, false, path, reterr);
    case PT_FORMAT_IP_INTERFACE:
        return check_prefix(text, true, path, reterr);
    case PT_FORMAT_HOST_PORT:
        return check_host_port(text, path, reterr);
    case PT_FORMAT_FQDN: {
        const char *name = strncmp(text, "*.", 2) == 0 ? text + 2 : text;
        return fqdn_valid(name, strlen(name))
                   ? PT_OK
                   : refuse(reterr, path, text, "a DNS name; write for example www.example.net or *.example.net");
    }
    case PT_FORMAT_IFNAME:
        return ifname_valid(text) ? PT_OK
                                  : refuse(reterr, path, text,
                                           "a name of a network interface; write 1 to 15 printable characters without "
                                           "'/', ':' and spaces, for example eth0");
    case PT_FORMAT_SHA256_HEX:
        return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64
                   ? PT_OK
                   : refuse(reterr, path, text, "a SHA-256 digest; write 64 digits of 0-9 and a-f");
    }
    pt_unreachable();
}
