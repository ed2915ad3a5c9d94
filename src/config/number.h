/* Numbers as text, the same under every locale of the embedding program. */
#ifndef BRN_CONFIG_NUMBER_H
#define BRN_CONFIG_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/** Read a double from the start of text (no leading space); *end is set behind it. */
bool brn_read_double(const char *text, const char **end, double *value);

/** The whole text must be one number. Integers may also be written as 1e5. */
bool brn_parse_double(const char *text, double *value);
bool brn_parse_int64(const char *text, int64_t *value);
bool brn_parse_u64(const char *text, uint64_t *value);

/** Shortest text that reads back as exactly this value. */
void brn_print_double(double value, char text[static 32]);

#endif
