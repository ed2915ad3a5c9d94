/* A growing list of texts. */
#ifndef BRN_SWEEP_TEXTS_H
#define BRN_SWEEP_TEXTS_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct brn_texts {
    char **text; /* each allocated */
    int count;
    size_t capacity;
} brn_texts;

/** Append a copy of text[0..length). */
brn_status brn_texts_add(brn_texts *texts, const char *text, size_t length);
/** Append printf-formatted text, at most 4 KiB. */
brn_status brn_texts_print(brn_texts *texts, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool brn_texts_have(const brn_texts *texts, const char *text);
void brn_texts_free(brn_texts *texts);

/** Among "key=value" texts the value of a key, of the last one that has it; NULL where none has. */
const char *brn_texts_value(const brn_texts *texts, const char *key);

#endif
