#include "sweep/texts.h"
#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

brn_status brn_texts_add(brn_texts *texts, const char *text, size_t length)
{
    char *copy;
    BRN_TRY(BRN_GROW(&texts->text, &texts->capacity, texts->count, 1, "list of texts"));
    BRN_TRY(BRN_ALLOC(&copy, length + 1, "text"));
    memcpy(copy, text, length);
    texts->text[texts->count++] = copy;
    return BRN_OK;
}

brn_status brn_texts_print(brn_texts *texts, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof text) return brn_fail(BRN_ERR_USAGE, "%.80s...: too long", text);
    return brn_texts_add(texts, text, (size_t)length);
}

bool brn_texts_have(const brn_texts *texts, const char *text)
{
    for (int i = 0; i < texts->count; ++i)
        if (!strcmp(texts->text[i], text)) return true;
    return false;
}

void brn_texts_free(brn_texts *texts)
{
    for (int i = 0; i < texts->count; ++i) free(texts->text[i]);
    free(texts->text);
    *texts = (brn_texts){0};
}

const char *brn_texts_value(const brn_texts *texts, const char *key)
{
    const size_t n = strlen(key);
    for (int i = texts->count - 1; i >= 0; --i)
        if (!strncmp(texts->text[i], key, n) && texts->text[i][n] == '=') return texts->text[i] + n + 1;
    return NULL;
}
