/* Numbers as text, whatever the locale. */
#ifndef BRN_IO_NUMBER_H
#define BRN_IO_NUMBER_H

#include <locale.h>
#include <stddef.h>

/** Parse the decimal number that begins at `at`, correctly rounded: [+-]digits[.digits][e[+-]digits],
 *  or nan, inf or infinity in any case, so that they can be told from other words. A number too
 *  large gives Inf.
 *  @param c_locale [in] newlocale(LC_ALL_MASK, "C", 0)
 *  @return the end of the number, at most `end`; NULL if there is none */
const char *brn_parse_number(const char *at, const char *end, locale_t c_locale, double *value);

/** Bytes that brn_format_number may write. */
#define BRN_NUMBER_TEXT 24

/** Write a float with nine significant digits at most, enough to read back the same float; returns
 *  the number of bytes. No zero follows. */
size_t brn_format_number(char text[BRN_NUMBER_TEXT], float value);

#endif
