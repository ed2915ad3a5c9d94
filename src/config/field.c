#include "config/field.h"
#include "config/number.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- the table --------------------------------------------------------------------------------- */

#define WORDS_BOOL(limits)   "true|false"
#define WORDS_INT(limits)    "integer in " limits
#define WORDS_INT64(limits)  "integer in " limits
#define WORDS_U64(limits)    "integer in " limits
#define WORDS_DOUBLE(limits) "number in " limits
#define WORDS_TEXT(limits)   limits
#define WORDS_CHOICE(limits) limits
#define WORDS_WIDTHS(limits) "up to 8 integers in " limits ", as in 64,64,32"
#define OR_AUTO              " or auto"
#define OR_GIVEN             ""

const brn_field brn_fields[BRN_FIELD_COUNT] = {
#define BRN_FIELD(type, member, automatic, limits, meaning)                                                  \
    {#member,                                                                                                \
     BRN_FIELD_##type,                                                                                       \
     sizeof(OR_##automatic) > 1,                                                                             \
     offsetof(brn_settings, member),                                                                         \
     sizeof(((brn_settings *)0)->member),                                                                    \
     limits,                                                                                                 \
     WORDS_##type(limits) OR_##automatic,                                                                    \
     meaning},
#include "config/fields.def"
};

/* The type column agrees with the structure. */
#define STORED_BOOL(member)   sizeof(bool)
#define STORED_INT(member)    sizeof(int)
#define STORED_INT64(member)  sizeof(int64_t)
#define STORED_U64(member)    sizeof(uint64_t)
#define STORED_DOUBLE(member) sizeof(double)
#define STORED_CHOICE(member) sizeof(int)
#define STORED_WIDTHS(member) sizeof(brn_widths)
#define STORED_TEXT(member)   sizeof(((brn_settings *)0)->member)
#define BRN_FIELD(type, member, automatic, limits, meaning)                                                  \
    _Static_assert(sizeof(((brn_settings *)0)->member) == STORED_##type(member), #member);
#include "config/fields.def"

_Static_assert(BRN_LAYERS_MAX == 8, "WORDS_WIDTHS names the number");

const brn_field *brn_field_find(const char *key)
{
    for (int i = 0; i < BRN_FIELD_COUNT; ++i)
        if (strcmp(brn_fields[i].key, key) == 0) return &brn_fields[i];
    return NULL;
}

/* ---- limits ------------------------------------------------------------------------------------ */

typedef struct interval {
    double low, high;
    bool open_low, open_high;
} interval;

/* "[0, 1)": the brackets say whether an end belongs to it. */
static interval limits_of(const brn_field *field)
{
    interval range = {0};
    const char *next = field->limits + 1;
    range.open_low = field->limits[0] == '(';
    brn_read_double(next, &next, &range.low);
    brn_read_double(next + 2, &next, &range.high);
    range.open_high = *next == ')';
    return range;
}

static bool below(interval range, double value)
{
    return range.open_low ? value <= range.low : value < range.low;
}

static bool inside(interval range, double value)
{
    return value >= range.low && value <= range.high && !below(range, value) &&
           !(range.open_high && value == range.high);
}

/* ---- choices ----------------------------------------------------------------------------------- */

/* Start of the i-th of "a|b|c" and its length; NULL if there are not so many. */
static const char *choice_name(const char *names, int i, int *length)
{
    for (; i > 0; --i) {
        names = strchr(names, '|');
        if (!names) return NULL;
        ++names;
    }
    *length = (int)strcspn(names, "|");
    return names;
}

static int choice_index(const char *names, const char *text)
{
    const char *name;
    for (int i = 0, length; (name = choice_name(names, i, &length)); ++i)
        if ((size_t)length == strlen(text) && memcmp(name, text, (size_t)length) == 0) return i;
    return -1;
}

/* ---- stored values ----------------------------------------------------------------------------- */

static const void *at(const brn_field *field, const brn_settings *settings)
{
    return (const char *)settings + field->offset;
}

static void store(const brn_field *field, brn_settings *settings, const void *value)
{
    memcpy((char *)settings + field->offset, value, field->size);
}

static double load_number(const brn_field *field, const brn_settings *settings)
{
    const void *value = at(field, settings);
    switch (field->type) {
    case BRN_FIELD_INT:
        return *(const int *)value;
    case BRN_FIELD_INT64:
        return (double)*(const int64_t *)value;
    case BRN_FIELD_DOUBLE:
        return *(const double *)value;
    default:
        return 0;
    }
}

static void store_number(const brn_field *field, brn_settings *settings, double value)
{
    if (field->type == BRN_FIELD_DOUBLE)
        store(field, settings, &value);
    else if (field->type == BRN_FIELD_INT64)
        store(field, settings, &(int64_t){(int64_t)value});
    else
        store(field, settings, &(int){(int)value});
}

static void store_auto(const brn_field *field, brn_settings *settings)
{
    if (field->type == BRN_FIELD_WIDTHS)
        store(field, settings, &(brn_widths){0});
    else if (field->type == BRN_FIELD_CHOICE)
        store_number(field, settings, -1);
    else
        store_number(field, settings, inside(limits_of(field), 0) ? -1 : 0);
}

bool brn_field_is_auto(const brn_field *field, const brn_settings *settings)
{
    if (!field->automatic) return false;
    const void *value = at(field, settings);
    if (field->type == BRN_FIELD_WIDTHS) return ((const brn_widths *)value)->count == 0;
    if (field->type == BRN_FIELD_CHOICE) return *(const int *)value == -1;
    return below(limits_of(field), load_number(field, settings));
}

void brn_field_fill(const brn_field *field, brn_settings *settings, double value)
{
    if (brn_field_is_auto(field, settings)) store_number(field, settings, value);
}

/* ---- text to value ----------------------------------------------------------------------------- */

static brn_status refuse(const brn_field *field, const char *text)
{
    return brn_fail(BRN_ERR_USAGE, "%s: expected %s, found \"%.80s\"", field->key, field->values, text);
}

static brn_status set_bool(const brn_field *field, brn_settings *settings, const char *text)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (int i = 0; i < 6; ++i)
        if (strcasecmp(text, words[i]) == 0) {
            store(field, settings, &(bool){i % 2 == 1});
            return BRN_OK;
        }
    return refuse(field, text);
}

static brn_status set_number(const brn_field *field, brn_settings *settings, const char *text)
{
    double real;
    int64_t whole;
    bool parsed =
        field->type == BRN_FIELD_DOUBLE ? brn_parse_double(text, &real) : brn_parse_int64(text, &whole);
    if (parsed && field->type != BRN_FIELD_DOUBLE) real = (double)whole;
    if (!parsed || !inside(limits_of(field), real)) return refuse(field, text);
    store_number(field, settings, real);
    return BRN_OK;
}

/* Length of the UTF-8 character at text, 0 where there is none. */
static int utf8_length(const unsigned char *text)
{
    int length = text[0] < 0x80   ? 1
                 : text[0] < 0xc2 ? 0
                 : text[0] < 0xe0 ? 2
                 : text[0] < 0xf0 ? 3
                 : text[0] < 0xf5 ? 4
                                  : 0;
    for (int i = 1; i < length; ++i)
        if ((text[i] & 0xc0) != 0x80) return 0;
    bool wrong = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
                 (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f);
    return wrong ? 0 : length;
}

/* Only text that a YAML file can hold is taken: what was set can always be saved. */
static brn_status set_text(const brn_field *field, brn_settings *settings, const char *text)
{
    char whole[BRN_FIELD_TEXT_MAX] = {0}; /* zeros behind the text: equal settings are equal bytes */
    size_t length = strlen(text);
    if (length >= field->size)
        return brn_fail(BRN_ERR_USAGE, "%s: expected at most %zu bytes, found %zu", field->key,
                        field->size - 1, length);
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        int bytes = utf8_length(c);
        if (bytes == 0 || *c < 0x20 || *c == 0x7f)
            return brn_fail(BRN_ERR_USAGE, "%s: byte %td (0x%02x) is not printable UTF-8", field->key,
                            (const char *)c - text, *c);
        c += bytes;
    }
    memcpy(whole, text, length);
    store(field, settings, whole);
    return BRN_OK;
}

static brn_status set_widths(const brn_field *field, brn_settings *settings, const char *text)
{
    brn_widths widths = {0};
    interval range = limits_of(field);
    for (const char *next = text;; ++next) {
        char one[24];
        size_t length = strcspn(next, ",");
        int64_t value;
        while (length && *next == ' ') ++next, --length; /* "64, 64, 32" */
        if (length >= sizeof one || widths.count == BRN_LAYERS_MAX) return refuse(field, text);
        memcpy(one, next, length);
        one[length] = '\0';
        if (!brn_parse_int64(one, &value) || !inside(range, (double)value)) return refuse(field, text);
        widths.width[widths.count++] = (int)value;
        next += length;
        if (*next == '\0') break;
    }
    store(field, settings, &widths);
    return BRN_OK;
}

brn_status brn_field_set(const brn_field *field, brn_settings *settings, const char *text)
{
    if (field->automatic && strcmp(text, "auto") == 0) {
        store_auto(field, settings);
        return BRN_OK;
    }
    switch (field->type) {
    case BRN_FIELD_BOOL:
        return set_bool(field, settings, text);
    case BRN_FIELD_TEXT:
        return set_text(field, settings, text);
    case BRN_FIELD_WIDTHS:
        return set_widths(field, settings, text);
    case BRN_FIELD_U64: {
        uint64_t value;
        if (!brn_parse_u64(text, &value)) return refuse(field, text);
        store(field, settings, &value);
        return BRN_OK;
    }
    case BRN_FIELD_CHOICE: {
        int value = choice_index(field->limits, text);
        if (value < 0) return refuse(field, text);
        store(field, settings, &value);
        return BRN_OK;
    }
    default:
        return set_number(field, settings, text);
    }
}

/* ---- value to text ----------------------------------------------------------------------------- */

static brn_status get_widths(const brn_field *field, const brn_widths *widths, char *text)
{
    if (widths->count < 0 || widths->count > BRN_LAYERS_MAX)
        return brn_fail(BRN_ERR_USAGE, "%s: holds %d widths, at most %d are possible", field->key,
                        widths->count, BRN_LAYERS_MAX);
    for (int i = 0; i < widths->count; ++i) text += sprintf(text, i ? ",%d" : "%d", widths->width[i]);
    return BRN_OK;
}

static brn_status get_choice(const brn_field *field, int value, char *text)
{
    int length = 0;
    const char *name = value < 0 ? NULL : choice_name(field->limits, value, &length);
    if (!name)
        return brn_fail(BRN_ERR_USAGE, "%s: holds %d, expected one of %s", field->key, value, field->values);
    memcpy(text, name, (size_t)length);
    text[length] = '\0';
    return BRN_OK;
}

brn_status brn_field_get(const brn_field *field, const brn_settings *settings, char *text, size_t size)
{
    const void *value = at(field, settings);
    char whole[BRN_FIELD_TEXT_MAX] = "auto";
    if (!brn_field_is_auto(field, settings)) switch (field->type) {
        case BRN_FIELD_BOOL:
            strcpy(whole, *(const bool *)value ? "true" : "false");
            break;
        case BRN_FIELD_INT:
            sprintf(whole, "%d", *(const int *)value);
            break;
        case BRN_FIELD_INT64:
            sprintf(whole, "%lld", (long long)*(const int64_t *)value);
            break;
        case BRN_FIELD_U64:
            sprintf(whole, "%llu", (unsigned long long)*(const uint64_t *)value);
            break;
        case BRN_FIELD_DOUBLE:
            brn_print_double(*(const double *)value, whole);
            break;
        case BRN_FIELD_CHOICE:
            BRN_TRY(get_choice(field, *(const int *)value, whole));
            break;
        case BRN_FIELD_WIDTHS:
            BRN_TRY(get_widths(field, value, whole));
            break;
        case BRN_FIELD_TEXT:
            if (!memchr(value, '\0', field->size))
                return brn_fail(BRN_ERR_USAGE, "%s: the text has no end", field->key);
            strcpy(whole, value);
        }
    size_t length = strlen(whole);
    if (length >= size)
        return brn_fail(BRN_ERR_USAGE, "%s: its text needs %zu bytes, there are %zu", field->key, length + 1,
                        size);
    memcpy(text, whole, length + 1);
    return BRN_OK;
}

/* A value is valid when its own text would be accepted: the limits are applied in one place. */
brn_status brn_field_check(const brn_field *field, const brn_settings *settings)
{
    char text[BRN_FIELD_TEXT_MAX];
    brn_settings scratch;
    BRN_TRY(brn_field_get(field, settings, text, sizeof text));
    return brn_field_set(field, &scratch, text);
}
