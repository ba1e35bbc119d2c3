/*
 * Which row of the table a request belongs to, and what is no path. Pure; the longest path that fits wins, and a path
 * that ends in '/' stands for what is below it.
 */
#include "http/http_priv.h"

#include <string.h>

static bool fits(const struct pt_http_route *route, const char *path)
{
    size_t len = strlen(route->path);
    bool below = len > 0 && route->path[len - 1] == '/';
    return below ? strncmp(route->path, path, len) == 0 : strcmp(route->path, path) == 0;
}

const struct pt_http_route *pt_http_route_find(const struct pt_http_route *routes, size_t len,
                                               enum pt_http_method method, const char *path, bool *ret_method_missing)
{
    const struct pt_http_route *best = NULL;
    *ret_method_missing = false;
    for (size_t i = 0; i < len; i++) {
        if (!fits(&routes[i], path)) {
            continue;
        }
        if (routes[i].method != method) {
            *ret_method_missing = true;
        } else if (best == NULL || strlen(routes[i].path) > strlen(best->path)) {
            best = &routes[i];
        }
    }
    return best;
}

bool pt_http_path_good(const char *path)
{
    if (path[0] != '/' || strlen(path) >= PT_HTTP_PATH_SIZE_MAX - 1) {
        return false;
    }
    for (const char *at = path; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '\\') {
            return false;
        }
        if (at[0] == '/' && at[1] == '.' && at[2] == '.' && (at[3] == '/' || at[3] == '\0')) {
            return false;
        }
    }
    return true;
}

bool pt_http_is_loopback(const char *source)
{
    source += strncmp(source, "::ffff:", 7) == 0 ? 7 : 0;
    return strncmp(source, "127.", 4) == 0 || strcmp(source, "::1") == 0;
}
