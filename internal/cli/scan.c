/*
 * Just enough to cut a text into objects and to see their keys. What is wrong inside of a value is found, with its
 * place, by the reader that the value is given to.
 */
#include "cli/scan.h"

#include <string.h>

void pt_cli_scan_space(struct pt_cli_scan *scan)
{
    while (scan->at < scan->size && memchr(" \t\r\n", scan->text[scan->at], 4) != NULL) {
        scan->at++;
    }
}

char pt_cli_scan_peek(struct pt_cli_scan *scan)
{
    pt_cli_scan_space(scan);
    return scan->at < scan->size ? scan->text[scan->at] : '\0';
}

static bool skip_string(struct pt_cli_scan *scan)
{
    for (scan->at++; scan->at < scan->size; scan->at++) {
        if (scan->text[scan->at] == '\\') {
            scan->at++;
        } else if (scan->text[scan->at] == '"') {
            scan->at++;
            return true;
        }
    }
    return false;
}

static bool skip_nested(struct pt_cli_scan *scan)
{
    size_t depth = 0;
    while (scan->at < scan->size) {
        char c = scan->text[scan->at];
        if (c == '"') {
            if (!skip_string(scan)) {
                return false;
            }
            continue;
        }
        scan->at++;
        depth += c == '{' || c == '[';
        if (c == '}' || c == ']') {
            depth--;
        }
        if (depth == 0) {
            return true;
        }
    }
    return false;
}

bool pt_cli_scan_value(struct pt_cli_scan *scan, struct pt_cli_span *ret_value)
{
    char c = pt_cli_scan_peek(scan);
    size_t begin = scan->at;
    bool found = false;
    if (c == '"') {
        found = skip_string(scan);
    } else if (c == '{' || c == '[') {
        found = skip_nested(scan);
    } else {
        while (scan->at < scan->size && memchr(" \t\r\n,:]}[{\"", scan->text[scan->at], 11) == NULL) {
            scan->at++;
        }
        found = scan->at > begin;
    }
    if (found && scan->at <= scan->size) {
        *ret_value = (struct pt_cli_span){.begin = begin, .end = scan->at};
        return true;
    }
    return false;
}

/* Behind a member or element: a comma, or the closing bracket, which stays. */
static bool take_comma(struct pt_cli_scan *scan, char closing)
{
    char c = pt_cli_scan_peek(scan);
    if (c == ',') {
        scan->at++;
        return pt_cli_scan_peek(scan) != closing;
    }
    return c == closing;
}

bool pt_cli_scan_member(struct pt_cli_scan *scan, struct pt_cli_span *ret_key, struct pt_cli_span *ret_value,
                        bool *ret_more)
{
    char c = pt_cli_scan_peek(scan);
    *ret_more = c != '}';
    if (c == '}') {
        scan->at++;
        return true;
    }
    if (c != '"' || !pt_cli_scan_value(scan, ret_key) || pt_cli_scan_peek(scan) != ':') {
        return false;
    }
    scan->at++;
    return pt_cli_scan_value(scan, ret_value) && take_comma(scan, '}');
}

bool pt_cli_scan_element(struct pt_cli_scan *scan, struct pt_cli_span *ret_value, bool *ret_more)
{
    char c = pt_cli_scan_peek(scan);
    *ret_more = c != ']';
    if (c == ']') {
        scan->at++;
        return true;
    }
    return pt_cli_scan_value(scan, ret_value) && take_comma(scan, ']');
}

unsigned pt_cli_scan_line(const struct pt_cli_scan *scan, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset && i < scan->size; i++) {
        line += scan->text[i] == '\n';
    }
    return line;
}
