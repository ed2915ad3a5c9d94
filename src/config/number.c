#include "config/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The "C" locale is a constant of the C library: making it costs nothing and cannot be affected by
 * setlocale, which would turn the decimal point into a comma. */
static locale_t enter_c_locale(locale_t *c)
{
    *c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return *c ? uselocale(*c) : (locale_t)0;
}

static void leave_c_locale(locale_t c, locale_t former)
{
    if (!c) return;
    uselocale(former);
    freelocale(c);
}

static bool starts_number(const char *text)
{
    if (*text == '-' || *text == '+') ++text;
    return (*text >= '0' && *text <= '9') || *text == '.';
}

bool brn_read_double(const char *text, const char **end, double *value)
{
    if (!starts_number(text)) return false;
    locale_t c, former = enter_c_locale(&c);
    char *stop;
    *value = strtod(text, &stop);
    leave_c_locale(c, former);
    *end = stop;
    return stop != text;
}

bool brn_parse_double(const char *text, double *value)
{
    const char *end;
    if (text[strspn(text, "0123456789+-.eE")] != '\0') return false; /* strtod also takes 0x10 */
    return brn_read_double(text, &end, value) && *end == '\0';
}

bool brn_parse_int64(const char *text, int64_t *value)
{
    if (!starts_number(text)) return false;
    char *end;
    errno = 0;
    long long exact = strtoll(text, &end, 10);
    if (*end == '\0' && end != text) {
        *value = exact;
        return errno == 0;
    }
    double real;
    if (!brn_parse_double(text, &real) || real != floor(real) || fabs(real) > 9007199254740992.0)
        return false;
    *value = (int64_t)real;
    return true;
}

bool brn_parse_u64(const char *text, uint64_t *value)
{
    if (*text < '0' || *text > '9') return false; /* strtoull would negate "-1" */
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

void brn_print_double(double value, char text[static 32])
{
    locale_t c, former = enter_c_locale(&c);
    for (int digits = 1; digits <= 17; ++digits) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    leave_c_locale(c, former);
}
