#include "base/error.h"

#include "base/assert.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    enum pt_code code;
    const char *name;
    const char *text;
} codes[] = {
#define PT_CODE_ROW(name, number, text) {PT_##name, #name, text},
    PT_CODES(PT_CODE_ROW)
#undef PT_CODE_ROW
};

static const char *const reasons[] = {
#define PT_REASON_ROW(name) #name,
    PT_REASONS(PT_REASON_ROW)
#undef PT_REASON_ROW
};

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

const char *pt_code_name(enum pt_code code)
{
    for (size_t i = 0; i < LEN(codes); i++) {
        if (codes[i].code == code) {
            return codes[i].name;
        }
    }
    return "unknown code";
}

const char *pt_code_text(enum pt_code code)
{
    for (size_t i = 0; i < LEN(codes); i++) {
        if (codes[i].code == code) {
            return codes[i].text;
        }
    }
    return "unknown code";
}

int pt_code_grpc(enum pt_code code)
{
    switch (code) {
    case PT_IO:
    case PT_NOT_LEADER:
    case PT_CLOSED:
        return PT_UNAVAILABLE;
    case PT_NO_SPACE:
        return PT_EXHAUSTED;
    case PT_CORRUPT:
        return PT_DATA_LOSS;
    default:
        return (int)code;
    }
}

enum pt_code pt_code_from_grpc(int status)
{
    return status >= 0 && status <= PT_UNAUTHENTICATED ? (enum pt_code)status : PT_UNKNOWN;
}

const char *pt_reason_name(enum pt_reason reason)
{
    return (size_t)reason < LEN(reasons) ? reasons[reason] : "unknown reason";
}

enum pt_reason pt_reason_from_name(const char *name)
{
    for (size_t i = 0; i < LEN(reasons); i++) {
        if (strcmp(reasons[i], name) == 0) {
            return (enum pt_reason)i;
        }
    }
    return PT_REASON_NONE;
}

enum pt_code pt_fail(struct pt_error *reterr, enum pt_code code, enum pt_reason reason, const char *field,
                     const char *format, ...)
{
    pt_assert(code != PT_OK);
    if (reterr != NULL) {
        reterr->code = code;
        reterr->reason = reason;
        reterr->denied = code == PT_PERMISSION_DENIED || code == PT_UNAUTHENTICATED;
        reterr->retry_ms = 0;
        reterr->limit = reterr->usage = 0;
        reterr->subject[0] = '\0';
        (void)snprintf(reterr->field, sizeof(reterr->field), "%s", field != NULL ? field : "");
        va_list args;
        va_start(args, format);
        (void)vsnprintf(reterr->text, sizeof(reterr->text), format, args);
        va_end(args);
        pt_text_clean(reterr->field); /* both may quote what somebody sent, and go to terminals and logs */
        pt_text_clean(reterr->text);
    }
    return code;
}

enum pt_code pt_fail_errno(struct pt_error *reterr, int number, const char *place, const char *format, ...)
{
    enum pt_code code = number == ENOSPC || number == EDQUOT ? PT_NO_SPACE : PT_IO;
    if (reterr != NULL) {
        char what[PT_ERROR_TEXT_SIZE / 2];
        char why[128];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(what, sizeof(what), format, args);
        va_end(args);
        const char *text = strerror_r(number, why, sizeof(why));
        return pt_fail(reterr, code, code == PT_NO_SPACE ? PT_REASON_NO_SPACE : PT_REASON_NONE, place, "%s: %s", what,
                       text);
    }
    return code;
}

enum pt_code pt_wrap(struct pt_error *reterr, enum pt_code code, const char *format, ...)
{
    if (reterr == NULL) {
        return code;
    }
    char prefix[PT_ERROR_TEXT_SIZE / 2];
    char text[PT_ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(prefix, sizeof(prefix), format, args);
    va_end(args);
    memcpy(text, reterr->text, sizeof(text));
    int len = snprintf(reterr->text, sizeof(reterr->text), "%s: ", prefix);
    if (len > 0 && (size_t)len < sizeof(reterr->text)) {
        size_t room = sizeof(reterr->text) - (size_t)len;
        size_t take = strnlen(text, room - 1);
        memcpy(reterr->text + len, text, take);
        reterr->text[(size_t)len + take] = '\0';
    }
    return reterr->code;
}

void pt_auto_free(void *pointer)
{
    free(*(void **)pointer);
}

void pt_assert_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
    fflush(stderr);
    abort();
}
