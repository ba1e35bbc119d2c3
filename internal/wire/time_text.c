#include "wire/time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_PER_DAY 86400
#define TIMESTAMP_MIN (-62135596800LL) /* 0001-01-01T00:00:00Z */
#define TIMESTAMP_MAX 253402300799LL   /* 9999-12-31T23:59:59Z */
#define DURATION_MAX 315576000000LL    /* 10,000 years: the limit of the protobuf type */

/* Days since 1970-01-01 of a day in the proleptic Gregorian calendar, counted in eras of 400 years from March on, so
 * that the leap day is the last day of a year. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    *ret_day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (unsigned)(month < 10 ? month + 3 : month - 9);
    *ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

/* ".123", ".123456" or ".123456789"; nothing for 0. nanos is not negative. */
static void format_fraction(int64_t nanos, char text[16])
{
    text[0] = '\0';
    if (nanos % 1000000 == 0) {
        if (nanos != 0) {
            (void)snprintf(text, 16, ".%03d", (int)(nanos / 1000000));
        }
    } else if (nanos % 1000 == 0) {
        (void)snprintf(text, 16, ".%06d", (int)(nanos / 1000));
    } else {
        (void)snprintf(text, 16, ".%09d", (int)nanos);
    }
}

bool pt_timestamp_format(int64_t seconds, int64_t nanos, char text[PT_TIME_TEXT_SIZE])
{
    if (seconds < TIMESTAMP_MIN || seconds > TIMESTAMP_MAX || nanos < 0 || nanos > 999999999) {
        return false;
    }
    int64_t days = seconds / SECONDS_PER_DAY;
    int64_t rest = seconds % SECONDS_PER_DAY;
    if (rest < 0) {
        days--;
        rest += SECONDS_PER_DAY;
    }
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    date_of(days, &year, &month, &day);
    char fraction[16];
    format_fraction(nanos, fraction);
    (void)snprintf(text, PT_TIME_TEXT_SIZE, "%04d-%02u-%02uT%02d:%02d:%02d%sZ", year, month, day, (int)(rest / 3600),
                   (int)(rest / 60 % 60), (int)(rest % 60), fraction);
    return true;
}

/* Exactly `digits` digits at *p. */
static bool take_number(const char **p, unsigned digits, unsigned *ret_number)
{
    unsigned number = 0;
    for (unsigned i = 0; i < digits; i++) {
        if ((*p)[i] < '0' || (*p)[i] > '9') {
            return false;
        }
        number = number * 10 + (unsigned)((*p)[i] - '0');
    }
    *p += digits;
    *ret_number = number;
    return true;
}

static bool take_char(const char **p, char c)
{
    if (**p != c) {
        return false;
    }
    (*p)++;
    return true;
}

/* Nothing, or a point and 1 to 9 digits. */
static bool take_fraction(const char **p, int32_t *ret_nanos)
{
    int32_t nanos = 0;
    if (take_char(p, '.')) {
        int32_t scale = 100000000;
        const char *start = *p;
        for (; **p >= '0' && **p <= '9' && scale > 0; (*p)++, scale /= 10) {
            nanos += (**p - '0') * scale;
        }
        if (*p == start) {
            return false;
        }
    }
    *ret_nanos = nanos;
    return true;
}

static bool take_zone(const char **p, int64_t *ret_offset_s)
{
    *ret_offset_s = 0;
    if (take_char(p, 'Z') || take_char(p, 'z')) {
        return true;
    }
    int sign = **p == '+' ? 1 : **p == '-' ? -1 : 0;
    unsigned hours = 0;
    unsigned minutes = 0;
    if (sign == 0) {
        return false;
    }
    (*p)++;
    if (!take_number(p, 2, &hours) || !take_char(p, ':') || !take_number(p, 2, &minutes) || hours > 23 ||
        minutes > 59) {
        return false;
    }
    *ret_offset_s = sign * (int64_t)(hours * 3600 + minutes * 60);
    return true;
}

bool pt_timestamp_parse(const char *text, int64_t *ret_seconds, int32_t *ret_nanos)
{
    unsigned year, month, day, hour, minute, second;
    int32_t nanos = 0;
    int64_t offset_s = 0;
    const char *p = text;
    if (!take_number(&p, 4, &year) || !take_char(&p, '-') || !take_number(&p, 2, &month) || !take_char(&p, '-') ||
        !take_number(&p, 2, &day) || (*p != 'T' && *p != 't' && *p != ' ')) {
        return false;
    }
    p++;
    if (!take_number(&p, 2, &hour) || !take_char(&p, ':') || !take_number(&p, 2, &minute) || !take_char(&p, ':') ||
        !take_number(&p, 2, &second) || !take_fraction(&p, &nanos) || !take_zone(&p, &offset_s) || *p != '\0') {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    int64_t days = days_of((int64_t)year, month, day);
    int same_year = 0;
    unsigned same_month = 0;
    unsigned same_day = 0;
    date_of(days, &same_year, &same_month, &same_day);
    int64_t seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset_s;
    /* The 31st of a short month comes back as the 1st of the next. */
    if (same_month != month || same_day != day || seconds < TIMESTAMP_MIN || seconds > TIMESTAMP_MAX) {
        return false;
    }
    *ret_seconds = seconds;
    *ret_nanos = nanos;
    return true;
}

bool pt_duration_format(int64_t seconds, int64_t nanos, char text[PT_TIME_TEXT_SIZE])
{
    if (seconds < -DURATION_MAX || seconds > DURATION_MAX || nanos < -999999999 || nanos > 999999999 ||
        (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) {
        return false;
    }
    const char *sign = seconds < 0 || nanos < 0 ? "-" : "";
    char fraction[16];
    format_fraction(nanos < 0 ? -nanos : nanos, fraction);
    (void)snprintf(text, PT_TIME_TEXT_SIZE, "%s%" PRId64 "%ss", sign, seconds < 0 ? -seconds : seconds, fraction);
    return true;
}

bool pt_duration_parse(const char *text, int64_t *ret_seconds, int32_t *ret_nanos)
{
    const char *p = text;
    bool negative = take_char(&p, '-');
    int64_t seconds = 0;
    int32_t nanos = 0;
    const char *start = p;
    for (; *p >= '0' && *p <= '9' && seconds <= DURATION_MAX; p++) {
        seconds = seconds * 10 + (*p - '0');
    }
    if (p == start || seconds > DURATION_MAX || !take_fraction(&p, &nanos) || strcmp(p, "s") != 0) {
        return false;
    }
    *ret_seconds = negative ? -seconds : seconds;
    *ret_nanos = negative ? -nanos : nanos;
    return true;
}

/* ---- base64 --------------------------------------------------------------------------------------------------- */

void pt_base64_write(struct pt_bytes data, struct pt_buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < data.size; i += 3) {
        uint32_t group = (uint32_t)data.data[i] << 16;
        group |= i + 1 < data.size ? (uint32_t)data.data[i + 1] << 8 : 0;
        group |= i + 2 < data.size ? (uint32_t)data.data[i + 2] : 0;
        pt_buf_append_u8(out, (uint8_t)digits[group >> 18]);
        pt_buf_append_u8(out, (uint8_t)digits[group >> 12 & 63]);
        pt_buf_append_u8(out, i + 1 < data.size ? (uint8_t)digits[group >> 6 & 63] : '=');
        pt_buf_append_u8(out, i + 2 < data.size ? (uint8_t)digits[group & 63] : '=');
    }
}

static int digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool pt_base64_read(struct pt_bytes text, struct pt_buf *out)
{
    size_t size = text.size;
    if (size % 4 == 0) {
        size -= size > 0 && text.data[size - 1] == '=';
        size -= size < text.size && text.data[size - 1] == '=';
    }
    if (size % 4 == 1) {
        return false;
    }
    uint32_t group = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = digit_of(text.data[i]);
        if (digit < 0) {
            return false;
        }
        group = group << 6 | (uint32_t)digit;
        if (i % 4 == 3) {
            const uint8_t three[] = {(uint8_t)(group >> 16), (uint8_t)(group >> 8), (uint8_t)group};
            pt_buf_append(out, three, sizeof(three));
            group = 0;
        }
    }
    /* 2 digits leave one byte, 3 leave two; the bits that remain must be 0, or two texts would mean the same. */
    if (size % 4 == 2) {
        pt_buf_append_u8(out, (uint8_t)(group >> 4));
        return (group & 0xf) == 0;
    }
    if (size % 4 == 3) {
        pt_buf_append_u8(out, (uint8_t)(group >> 10));
        pt_buf_append_u8(out, (uint8_t)(group >> 2));
        return (group & 0x3) == 0;
    }
    return true;
}
