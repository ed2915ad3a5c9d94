/* Several values of one setting. */
#include "sweep/grid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static brn_status refuse(const char *key, const char *text, const char *why)
{
    return brn_fail(BRN_ERR_USAGE, "%s=%.80s: %s", key, text, why);
}

/* Length of the value that starts here: to the next comma outside of brackets and quotes, -1 where those do not end. */
static long value_length(const char *at)
{
    const char *close = *at == '[' ? strchr(at, ']') : *at == '"' ? strchr(at + 1, '"') : NULL;
    if (*at == '[' || *at == '"') return close && (close[1] == ',' || !close[1]) ? close + 1 - at : -1;
    return (long)strcspn(at, ",");
}

/* "3..7" */
static bool is_range(const char *at, size_t length, long long *low, long long *high)
{
    char *end;
    errno = 0;
    *low = strtoll(at, &end, 10);
    if (end == at || strncmp(end, "..", 2) || !strchr("-0123456789", *at)) return false;
    const char *second = end + 2;
    *high = strtoll(second, &end, 10);
    return end != second && end == at + length && strchr("-0123456789", *second) && !errno;
}

static brn_status add_range(brn_texts *values, const char *key, const char *text, long long low, long long high)
{
    if (low > high) return brn_fail(BRN_ERR_USAGE, "%s=%.80s: the range runs backwards; write %lld..%lld", key, text, high, low);
    if (__builtin_sub_overflow(high, low, &(long long){0}) || high - low >= BRN_SWEEP_MAX)
        return brn_fail(BRN_ERR_USAGE, "%s=%.80s: a sweep has at most %d runs", key, text, BRN_SWEEP_MAX);
    for (long long v = low; v <= high; ++v) BRN_TRY(brn_texts_print(values, "%lld", v));
    return BRN_OK;
}

static brn_status add_value(brn_texts *values, const char *key, const char *text, const char *at, size_t length)
{
    long long low, high;
    if (!length) return refuse(key, text, "an empty value; write \"\" where none is meant");
    if (is_range(at, length, &low, &high)) return add_range(values, key, text, low, high);
    const bool wrapped = *at == '[' || *at == '"';
    return brn_texts_add(values, at + wrapped, length - 2 * wrapped);
}

static brn_status check_distinct(const brn_texts *values, const char *key, const char *text)
{
    for (int i = 1; i < values->count; ++i) {
        const brn_texts before = {values->text, i, i};
        if (brn_texts_have(&before, values->text[i]))
            return brn_fail(BRN_ERR_USAGE, "%s=%.80s: the value %.40s is given twice", key, text, values->text[i]);
    }
    return BRN_OK;
}

brn_status brn_values_split(brn_texts *values, const char *key, const char *text, bool list)
{
    if (list && *text && *text != '[') return brn_texts_add(values, text, strlen(text)); /* one list, as everywhere */
    for (const char *at = text;;) {
        const long length = value_length(at);
        if (length < 0) return refuse(key, text, "a bracket or quote is not closed, or something follows it");
        BRN_TRY(add_value(values, key, text, at, (size_t)length));
        at += length;
        if (!*at++) break;
    }
    return check_distinct(values, key, text);
}
