#include "core/error.h"

#include <brenier/version.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char last_error[1024];

const char *brn_status_name(brn_status status)
{
    switch (status) {
#define BRN_STATUS_NAME(name, code, text)                                                                    \
    case BRN_##name: return #name;
        BRN_STATUS_LIST(BRN_STATUS_NAME)
#undef BRN_STATUS_NAME
    }
    return "?";
}

const char *brn_status_text(brn_status status)
{
    switch (status) {
#define BRN_STATUS_TEXT(name, code, text)                                                                    \
    case BRN_##name: return text;
        BRN_STATUS_LIST(BRN_STATUS_TEXT)
#undef BRN_STATUS_TEXT
    }
    return "unknown status";
}

const char *brn_last_error(void) { return last_error; }

const char *brn_version(void) { return BRN_VERSION; }

/* Text that came from a file may hold control characters: one failure stays one line. */
static void keep_one_line(char *text)
{
    for (; *text; ++text)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
}

brn_status brn_fail(brn_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[sizeof last_error]; /* an argument may be last_error itself */
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    keep_one_line(text);
    memcpy(last_error, text, sizeof text);
    return status;
}

brn_status brn_fail_in(brn_status status, const char *format, ...)
{
    va_list args;
    char prefix[sizeof last_error / 2];
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    return brn_fail(status, "%s: %s", prefix, last_error);
}

brn_status brn_fail_copy(brn_status status, const char *text) { return brn_fail(status, "%s", text); }
