#include "io/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Powers of ten that a double holds exactly. */
static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { MAX_POWER = 22 };

static bool is_digit(const char *p, const char *end) { return p < end && *p >= '0' && *p <= '9'; }

/* ---- reading ----------------------------------------------------------------------------------- */

static const char *parse_word(const char *at, const char *end, double *value)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"nan", NAN}, {"infinity", INFINITY}, {"inf", INFINITY}};
    for (int i = 0; i < 3; ++i) {
        size_t n = strlen(words[i].word);
        if ((size_t)(end - at) < n || strncasecmp(at, words[i].word, n) != 0) continue;
        *value = words[i].value;
        return at + n;
    }
    return NULL;
}

typedef struct decimal {
    uint64_t digits; /* the first nineteen at most */
    int64_t exponent;
    bool cut; /* more digits follow */
} decimal;

static const char *parse_digits(const char *p, const char *end, decimal *d, int64_t step)
{
    for (; is_digit(p, end); ++p) {
        if (d->digits < 1000000000000000000u) {
            d->digits = 10 * d->digits + (uint64_t)(*p - '0');
            d->exponent += step;
        } else {
            d->exponent += step + 1;
            d->cut = true;
        }
    }
    return p;
}

static const char *parse_exponent(const char *at, const char *end, decimal *d)
{
    const char *p = at + 1;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) ++p;
    if (!is_digit(p, end)) return at; /* the letter is not part of the number */
    int64_t e = 0;
    for (; is_digit(p, end); ++p)
        if (e < 100000) e = 10 * e + (*p - '0');
    d->exponent += negative ? -e : e;
    return p;
}

/* What needs more than one rounding in double: long numbers and large exponents. */
static const char *parse_slowly(const char *at, const char *end, locale_t c_locale, double *value)
{
    char text[512];
    size_t n = (size_t)(end - at);
    if (n >= sizeof text) return NULL;
    memcpy(text, at, n);
    text[n] = '\0';
    *value = strtod_l(text, NULL, c_locale);
    return end;
}

const char *brn_parse_number(const char *at, const char *end, locale_t c_locale, double *value)
{
    decimal d = {0};
    const char *p = at;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) ++p;
    const char *first = p;
    p = parse_digits(p, end, &d, 0);
    size_t count = (size_t)(p - first);
    if (p < end && *p == '.') {
        const char *fraction = p + 1;
        p = parse_digits(fraction, end, &d, -1);
        count += (size_t)(p - fraction);
    }
    if (count == 0) return parse_word(first, end, value);
    if (p < end && (*p == 'e' || *p == 'E')) p = parse_exponent(p, end, &d);

    bool exact =
        !d.cut && d.digits <= (uint64_t)1 << 53 && d.exponent >= -MAX_POWER && d.exponent <= MAX_POWER;
    if (!exact && d.digits != 0) return parse_slowly(at, p, c_locale, value);
    double v = (double)d.digits; /* one rounding: Clinger's fast path */
    if (d.digits != 0) v = d.exponent < 0 ? v / power[-d.exponent] : v * power[d.exponent];
    *value = negative ? -v : v;
    return p;
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* v * 10^k in double, k from -30 to 53. Its few roundings are far below the half of a ninth digit
 * that tells two floats apart. */
static double scale(double v, int k)
{
    for (; k > MAX_POWER; k -= MAX_POWER) v *= power[MAX_POWER];
    for (; k < -MAX_POWER; k += MAX_POWER) v /= power[MAX_POWER];
    return k < 0 ? v / power[-k] : v * power[k];
}

/* Nine digits d and an exponent e with v = d * 10^(e - 8), v > 0. */
static uint32_t nine_digits(double v, int *e)
{
    *e = (int)floor(log10(v)); /* may be off by one */
    uint64_t digits = (uint64_t)(scale(v, 8 - *e) + 0.5);
    if (digits < 100000000u) digits = (uint64_t)(scale(v, 8 - --*e) + 0.5);
    if (digits >= 1000000000u) digits /= 10, ++*e;
    return (uint32_t)digits;
}

static char *put(char *at, const char *text, size_t n)
{
    memcpy(at, text, n);
    return at + n;
}

static char *put_fixed(char *at, const char *digits, int n, int e)
{
    if (e < 0) {
        at = put(at, "0.0000", (size_t)(1 - e));
        return put(at, digits, (size_t)n);
    }
    if (n <= e + 1) {
        at = put(at, digits, (size_t)n);
        return put(at, "00000000", (size_t)(e + 1 - n));
    }
    at = put(at, digits, (size_t)(e + 1));
    *at++ = '.';
    return put(at, digits + e + 1, (size_t)(n - e - 1));
}

static char *put_scientific(char *at, const char *digits, int n, int e)
{
    *at++ = digits[0];
    if (n > 1) *at++ = '.';
    at = put(at, digits + 1, (size_t)(n - 1));
    *at++ = 'e';
    *at++ = e < 0 ? '-' : '+';
    *at++ = (char)('0' + abs(e) / 10);
    *at++ = (char)('0' + abs(e) % 10);
    return at;
}

size_t brn_format_number(char text[BRN_NUMBER_TEXT], float value)
{
    char digits[9], *at = text;
    int e, n = 9;
    if (isnan(value)) return (size_t)(put(at, "nan", 3) - text);
    if (signbit(value)) *at++ = '-';
    if (isinf(value)) return (size_t)(put(at, "inf", 3) - text);
    if (value == 0.0f) return (size_t)(put(at, "0", 1) - text);
    uint32_t d = nine_digits(fabs((double)value), &e);
    for (int i = 8; i >= 0; --i, d /= 10) digits[i] = (char)('0' + d % 10);
    while (n > 1 && digits[n - 1] == '0') --n;
    at = e < -5 || e > 8 ? put_scientific(at, digits, n, e) : put_fixed(at, digits, n, e);
    return (size_t)(at - text);
}
