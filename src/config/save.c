/* Settings as YAML text, in the order of the table, each with its meaning; and into a file. */
#include "config/config.h"
#include "core/memory.h"
#include "io/atomic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMENT_COLUMN 40

/* YAML takes most of Unicode as it is; these characters of two and three bytes it folds or refuses. */
static int escaped_code(const unsigned char *c)
{
    int code = 0;
    if (c[0] == 0xc2 && c[1] < 0xa0) code = c[1];                                             /* controls */
    if (c[0] == 0xe2 && c[1] == 0x80 && (c[2] & 0xfe) == 0xa8) code = 0x2000 | (c[2] & 0x3f); /* line ends */
    if (c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf) code = 0xfeff;                          /* byte order */
    if (c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe) code = 0xffc0 | (c[2] & 0x3f); /* none at all */
    return code;
}

static int print_quoted(FILE *out, const char *text)
{
    int columns = fprintf(out, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c; ++c) {
        int code = escaped_code(c);
        if (code) {
            columns += fprintf(out, "\\u%04X", code);
            c += code < 0x100 ? 1 : 2;
        } else
            columns += fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    }
    return columns + fprintf(out, "\"");
}

/* Open the groups of `key` that the field before it had not; the indentation of its line. */
static int print_groups(FILE *out, const char *key, const char *before)
{
    int depth = 0;
    bool same = true;
    for (const char *start = key, *dot; (dot = strchr(start, '.')); start = dot + 1, ++depth) {
        same = same && strncmp(key, before, (size_t)(dot - key) + 1) == 0;
        if (!same) fprintf(out, "%*s%.*s:\n", 2 * depth, "", (int)(dot - start), start);
    }
    return 2 * depth;
}

static brn_status print_field(FILE *out, const brn_field *field, const char *before,
                              const brn_settings *settings)
{
    char value[BRN_FIELD_TEXT_MAX];
    const char *dot = strrchr(field->key, '.');
    BRN_TRY(brn_field_get(field, settings, value, sizeof value));
    int indent = print_groups(out, field->key, before);
    int columns = fprintf(out, "%*s%s: ", indent, "", dot ? dot + 1 : field->key);
    if (field->type == BRN_FIELD_TEXT)
        columns += print_quoted(out, value);
    else if (field->type == BRN_FIELD_WIDTHS && !brn_field_is_auto(field, settings))
        columns += fprintf(out, "[%s]", value);
    else
        columns += fprintf(out, "%s", value);
    fprintf(out, "%*s# %s (%s)\n", columns < COMMENT_COLUMN ? COMMENT_COLUMN - columns : 1, "",
            field->meaning, field->values);
    return BRN_OK;
}

brn_status brn_settings_text(const brn_settings *settings, char **text)
{
    size_t size;
    brn_status status = BRN_OK;
    *text = NULL;
    FILE *out = open_memstream(text, &size);
    if (!out) return brn_fail(BRN_ERR_MEMORY, "cannot allocate the text of the settings");
    for (int i = 0; status == BRN_OK && i < BRN_FIELD_COUNT; ++i)
        status = print_field(out, &brn_fields[i], i ? brn_fields[i - 1].key : "", settings);
    bool complete = !ferror(out);
    complete = fclose(out) == 0 && complete;
    if (status == BRN_OK && !complete)
        status = brn_fail(BRN_ERR_MEMORY, "cannot allocate the text of the settings");
    if (status == BRN_OK) return BRN_OK;
    free(*text);
    *text = NULL;
    return status;
}

brn_status brn_settings_save(const brn_settings *settings, const char *path)
{
    char *text;
    BRN_TRY(brn_settings_text(settings, &text));
    const brn_status status = brn_write_file(path, text, strlen(text));
    free(text);
    return status;
}
