/*
 * Assertions for programmer errors. On in every build, release included; never for input.
 */
#pragma once

/* Print where and what, then abort. Never returns. */
__attribute__((noreturn, cold)) void pt_assert_failed(const char *file, int line, const char *what);

#define pt_assert(condition) \
    (__builtin_expect(!!(condition), 1) ? (void)0 : pt_assert_failed(__FILE__, __LINE__, #condition))

/* For a place that cannot be reached. */
#define pt_unreachable() pt_assert_failed(__FILE__, __LINE__, "unreachable")
