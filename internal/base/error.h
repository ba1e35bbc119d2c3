/*
 * Codes and errors: how every fallible function of Patronus reports.
 *
 * A fallible function returns enum pt_code and takes `struct pt_error *reterr` last, which may be NULL. The error is
 * filled where the cause is known: a code, a documented reason, the field or place, and a sentence that says what to
 * do. It is caller's memory, fixed in size, and filling it allocates nothing. On success it is left untouched.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/* name, number on the wire (gRPC status), text */
#define PT_CODES(X)                                                   \
    X(OK, 0, "ok")                                                    \
    X(CANCELLED, 1, "cancelled")                                      \
    X(UNKNOWN, 2, "unknown error")                                    \
    X(INVALID_ARGUMENT, 3, "invalid argument")                        \
    X(DEADLINE_EXCEEDED, 4, "deadline exceeded")                      \
    X(NOT_FOUND, 5, "not found")                                      \
    X(ALREADY_EXISTS, 6, "already exists")                            \
    X(PERMISSION_DENIED, 7, "permission denied")                      \
    X(EXHAUSTED, 8, "resource exhausted")                             \
    X(FAILED_PRECONDITION, 9, "failed precondition")                  \
    X(ABORTED, 10, "aborted")                                         \
    X(OUT_OF_RANGE, 11, "out of range")                               \
    X(UNIMPLEMENTED, 12, "not implemented")                           \
    X(INTERNAL, 13, "internal error")                                 \
    X(UNAVAILABLE, 14, "unavailable")                                 \
    X(DATA_LOSS, 15, "data loss")                                     \
    X(UNAUTHENTICATED, 16, "unauthenticated")                         \
    /* Below: never on the wire as such; pt_code_grpc() maps them. */ \
    X(IO, 100, "input/output error")                                  \
    X(NO_SPACE, 101, "no space left on device")                       \
    X(NOT_LEADER, 102, "not the leader")                              \
    X(CORRUPT, 103, "corrupt data")                                   \
    X(CLOSED, 104, "closed")

enum pt_code {
#define PT_CODE_ENUM(name, number, text) PT_##name = number,
    PT_CODES(PT_CODE_ENUM)
#undef PT_CODE_ENUM
};

/* Documented reasons (google.rpc.ErrorInfo.reason): what a program may branch on. Never renamed. */
#define PT_REASONS(X)        \
    X(NONE)                  \
    X(FIELD_INVALID)         \
    X(FIELD_REQUIRED)        \
    X(FIELD_IMMUTABLE)       \
    X(FIELD_OUTPUT_ONLY)     \
    X(FIELD_UNKNOWN)         \
    X(MESSAGE_MALFORMED)     \
    X(MESSAGE_TOO_LARGE)     \
    X(MESSAGE_TOO_DEEP)      \
    X(NAME_INVALID)          \
    X(RESOURCE_NOT_FOUND)    \
    X(RESOURCE_EXISTS)       \
    X(PARENT_NOT_FOUND)      \
    X(REFERENCE_NOT_FOUND)   \
    X(RESOURCE_IN_USE)       \
    X(RESOURCE_HAS_CHILDREN) \
    X(ETAG_MISMATCH)         \
    X(REQUEST_ID_REUSED)     \
    X(LIMIT_REACHED)         \
    X(PAGE_TOKEN_INVALID)    \
    X(FILTER_INVALID)        \
    X(RESUME_TOKEN_INVALID)  \
    X(HISTORY_COMPACTED)     \
    X(CREDENTIALS_MISSING)   \
    X(PERMISSION_MISSING)    \
    X(TOKEN_INVALID)         \
    X(TOKEN_EXPIRED)         \
    X(TOKEN_USED)            \
    X(NO_LEADER)             \
    X(LEADER_CHANGED)        \
    X(NO_SPACE)              \
    X(OVERLOADED)            \
    X(SHUTTING_DOWN)         \
    X(CONFLICT)              \
    X(QUOTA_EXCEEDED)        \
    X(RATE_LIMITED)          \
    X(IDENTITY_REVOKED)      \
    X(GRANT_NOT_HELD)        \
    X(CHANGE_PENDING)        \
    X(WRONG_STATE)

enum pt_reason {
#define PT_REASON_ENUM(name) PT_REASON_##name,
    PT_REASONS(PT_REASON_ENUM)
#undef PT_REASON_ENUM
};

#define PT_ERROR_FIELD_SIZE 192
#define PT_ERROR_TEXT_SIZE 512
#define PT_ERROR_SUBJECT_SIZE 88 /* the name of an organization */

struct pt_error {
    enum pt_code code;
    enum pt_reason reason;
    bool denied;                         /* a refusal for want of a right, whatever the code says: it is recorded */
    uint32_t retry_ms;                   /* when a retry makes sense; 0: nothing is said */
    uint64_t limit, usage;               /* of QUOTA_EXCEEDED: the metric stands in field */
    char subject[PT_ERROR_SUBJECT_SIZE]; /* of QUOTA_EXCEEDED: whose limit it is; else "" */
    char field[PT_ERROR_FIELD_SIZE];     /* path of the field, or the file:line, or ""; cut short when longer */
    char text[PT_ERROR_TEXT_SIZE];       /* a sentence: what is wrong, and what would be right */
};

/* Nothing has failed. Cheaper than `= {0}`, which clears all of the text too: where an error is made ready for every
 * entry or call, and seldom used. */
static inline void pt_error_clear(struct pt_error *error)
{
    error->code = (enum pt_code)0;
    error->reason = (enum pt_reason)0;
    error->denied = false;
    error->retry_ms = 0;
    error->limit = error->usage = 0;
    error->subject[0] = error->field[0] = error->text[0] = '\0';
}

#define PT_MUST __attribute__((warn_unused_result))
#define PT_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Static text; "unknown code" for a number that is not one. */
const char *pt_code_name(enum pt_code code);
const char *pt_code_text(enum pt_code code);
/* The gRPC status for a code: itself below 100, else the closest. */
int pt_code_grpc(enum pt_code code);
/* The code of a gRPC status number; PT_UNKNOWN for one that does not exist. */
enum pt_code pt_code_from_grpc(int status);
const char *pt_reason_name(enum pt_reason reason);
/* PT_REASON_NONE when the name is not one. */
enum pt_reason pt_reason_from_name(const char *name);

/* Fill *reterr (may be NULL) and return `code`, so that a caller can `return pt_fail(...)`. field may be NULL. */
PT_PRINTF(5, 6)
enum pt_code pt_fail(struct pt_error *reterr, enum pt_code code, enum pt_reason reason, const char *field,
                     const char *format, ...);

/* From errno-like positive `number`: ENOSPC/EDQUOT -> PT_NO_SPACE, else PT_IO; the text ends with strerror. */
PT_PRINTF(4, 5)
enum pt_code pt_fail_errno(struct pt_error *reterr, int number, const char *place, const char *format, ...);

/* Put "prefix: " before the text; at most once per layer. Returns reterr->code (or `code` when reterr is NULL). */
PT_PRINTF(3, 4)
enum pt_code pt_wrap(struct pt_error *reterr, enum pt_code code, const char *format, ...);

/* Propagate: `PT_TRY(f(...));` returns the code of f from the calling function when it is not PT_OK. */
#define PT_TRY(call)                       \
    do {                                   \
        enum pt_code pt_try_code = (call); \
        if (pt_try_code != PT_OK) {        \
            return pt_try_code;            \
        }                                  \
    } while (0)

/* PT_AUTO(free) char *p = NULL;  -- freed when the scope ends. A cleanup pt_auto_<name> must exist. */
#define PT_AUTO(name) __attribute__((cleanup(pt_auto_##name)))
void pt_auto_free(void *pointer);
