/* A YAML file into settings: nested groups become dotted keys, then brn_field_set. Of YAML only what
 * settings need is taken: one document of mappings, scalars and lists of scalars. Anchors, aliases,
 * tags and repeated keys are refused, so a file cannot grow, loop or contradict itself. */
#include "config/config.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#define DEPTH_MAX 4
#define KEY_MAX   128
#define GROUP_MAX 16

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; replaced by next() */
    const char *name, *bytes;
    size_t size;
    brn_settings *settings;
    bool presets; /* first pass: the preset, and nothing else, is applied */
    bool seen[BRN_FIELD_COUNT];
    char group[GROUP_MAX][KEY_MAX]; /* groups opened so far */
    int groups;
} reader;

/* ---- events ------------------------------------------------------------------------------------ */

/* Put the position in front of the line that brn_fail has left. */
static brn_status at_mark(const reader *r, yaml_mark_t mark, brn_status status)
{
    return brn_fail_in(status, "%s:%zu:%zu", r->name, mark.line + 1, mark.column + 1);
}

static brn_status refuse(const reader *r, yaml_mark_t mark, const char *line)
{
    brn_fail(BRN_ERR_INPUT, "%s", line);
    return at_mark(r, mark, BRN_ERR_INPUT);
}

/* The position of a byte: errors of the decoder come without a mark. */
static yaml_mark_t mark_of(const reader *r, size_t offset)
{
    yaml_mark_t mark = {0};
    for (; mark.index < offset && mark.index < r->size; ++mark.index) {
        ++mark.column;
        if (r->bytes[mark.index] == '\n') ++mark.line, mark.column = 0;
    }
    return mark;
}

static brn_status parser_error(const reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return brn_fail(BRN_ERR_MEMORY, "%s: cannot allocate for reading YAML", r->name);
    yaml_mark_t mark = p->error == YAML_READER_ERROR ? mark_of(r, p->problem_offset) : p->problem_mark;
    brn_fail(BRN_ERR_INPUT, "not YAML: %s", p->problem ? p->problem : "unknown problem");
    return at_mark(r, mark, BRN_ERR_INPUT);
}

static brn_status next(reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event)) return parser_error(r);
    const yaml_event_t *e = &r->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_SCALAR_EVENT) anchor = e->data.scalar.anchor, tag = e->data.scalar.tag;
    if (e->type == YAML_SEQUENCE_START_EVENT)
        anchor = e->data.sequence_start.anchor, tag = e->data.sequence_start.tag;
    if (e->type == YAML_MAPPING_START_EVENT)
        anchor = e->data.mapping_start.anchor, tag = e->data.mapping_start.tag;
    if (e->type == YAML_ALIAS_EVENT || anchor)
        return refuse(r, e->start_mark, "anchors and aliases are not used in settings");
    if (tag) return refuse(r, e->start_mark, "tags are not used in settings");
    if (e->type == YAML_SCALAR_EVENT && strlen((char *)e->data.scalar.value) != e->data.scalar.length)
        return refuse(r, e->start_mark, "a value holds a NUL character");
    return BRN_OK;
}

static const char *scalar(const reader *r) { return (const char *)r->event.data.scalar.value; }

/* "key:" with nothing behind it. */
static bool is_empty(const reader *r)
{
    return r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0 &&
           r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* ---- values ------------------------------------------------------------------------------------ */

static brn_status apply(reader *r, const brn_field *field, const char *text, yaml_mark_t mark)
{
    bool preset = strcmp(field->key, "preset") == 0;
    if (preset != r->presets) return BRN_OK;
    brn_status status =
        preset ? brn_settings_preset(r->settings, text) : brn_field_set(field, r->settings, text);
    return status == BRN_OK ? BRN_OK : at_mark(r, mark, BRN_ERR_INPUT);
}

/* [64, 64, 32] as "64,64,32". */
static brn_status read_list(reader *r, const brn_field *field)
{
    yaml_mark_t start = r->event.start_mark;
    char text[KEY_MAX] = "";
    size_t used = 0;
    if (field->type != BRN_FIELD_WIDTHS) {
        brn_fail(BRN_ERR_INPUT, "%s: expected %s, found a list", field->key, field->values);
        return at_mark(r, start, BRN_ERR_INPUT);
    }
    for (;;) {
        BRN_TRY(next(r));
        if (r->event.type == YAML_SEQUENCE_END_EVENT) break;
        if (r->event.type != YAML_SCALAR_EVENT)
            return refuse(r, r->event.start_mark, "a list may hold plain values only");
        size_t length = r->event.data.scalar.length;
        if (used + length + 2 > sizeof text) return refuse(r, r->event.start_mark, "the list is too long");
        if (used) text[used++] = ',';
        memcpy(text + used, scalar(r), length + 1);
        used += length;
    }
    return apply(r, field, text, start);
}

static brn_status read_field(reader *r, const brn_field *field, const char *key, yaml_mark_t key_mark)
{
    bool *seen = &r->seen[field - brn_fields];
    if (*seen) {
        brn_fail(BRN_ERR_INPUT, "%s is given twice", key);
        return at_mark(r, key_mark, BRN_ERR_INPUT);
    }
    *seen = true;
    if (r->event.type == YAML_SCALAR_EVENT) return apply(r, field, scalar(r), r->event.start_mark);
    if (r->event.type == YAML_SEQUENCE_START_EVENT) return read_list(r, field);
    brn_fail(BRN_ERR_INPUT, "%s: expected %s, found a group", key, field->values);
    return at_mark(r, r->event.start_mark, BRN_ERR_INPUT);
}

/* ---- groups ------------------------------------------------------------------------------------ */

static bool is_group(const char *key)
{
    size_t length = strlen(key);
    for (int i = 0; i < BRN_FIELD_COUNT; ++i)
        if (strncmp(brn_fields[i].key, key, length) == 0 && brn_fields[i].key[length] == '.') return true;
    return false;
}

static brn_status read_mapping(reader *r, const char *group, int depth);

static brn_status read_group(reader *r, const char *key, yaml_mark_t key_mark, int depth)
{
    for (int i = 0; i < r->groups; ++i)
        if (strcmp(r->group[i], key) == 0) {
            brn_fail(BRN_ERR_INPUT, "group %s is given twice", key);
            return at_mark(r, key_mark, BRN_ERR_INPUT);
        }
    if (r->groups == GROUP_MAX) return refuse(r, key_mark, "too many groups");
    strcpy(r->group[r->groups++], key);
    if (is_empty(r)) return BRN_OK;
    if (r->event.type == YAML_MAPPING_START_EVENT) return read_mapping(r, key, depth + 1);
    brn_fail(BRN_ERR_INPUT, "%s is a group of settings, found a single value or list", key);
    return at_mark(r, r->event.start_mark, BRN_ERR_INPUT);
}

/* The dotted key of the current event below `group`. */
static brn_status read_key(reader *r, const char *group, char key[static KEY_MAX])
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return refuse(r, r->event.start_mark, "expected the name of a setting, found a group or list");
    size_t length = strlen(group), more = r->event.data.scalar.length;
    if (length + more + 2 > KEY_MAX)
        return refuse(r, r->event.start_mark, "the name is longer than that of any setting");
    memcpy(key, group, length);
    if (length) key[length++] = '.';
    memcpy(key + length, scalar(r), more + 1);
    return BRN_OK;
}

/* brn_config_find has left its line about a setting; where a group of settings follows, one is meant. */
static brn_status unknown(reader *r, const char *key, yaml_mark_t mark)
{
    BRN_TRY(next(r));
    if (r->event.type == YAML_MAPPING_START_EVENT) {
        int length;
        const char *nearest = brn_group_nearest(key, &length);
        brn_fail(BRN_ERR_USAGE, "unknown group of settings \"%.80s\"; did you mean \"%.*s\"?", key, length, nearest);
    }
    return at_mark(r, mark, BRN_ERR_USAGE);
}

/* From a mapping's start event to its end event. */
static brn_status read_mapping(reader *r, const char *group, int depth)
{
    if (depth > DEPTH_MAX) return refuse(r, r->event.start_mark, "groups are nested too deeply");
    for (;;) {
        BRN_TRY(next(r));
        if (r->event.type == YAML_MAPPING_END_EVENT) break;
        char key[KEY_MAX];
        const brn_field *field;
        yaml_mark_t mark = r->event.start_mark;
        BRN_TRY(read_key(r, group, key));
        if (is_group(key)) {
            BRN_TRY(next(r));
            BRN_TRY(read_group(r, key, mark, depth));
        } else if (brn_config_find(key, &field) == BRN_OK) {
            BRN_TRY(next(r));
            BRN_TRY(read_field(r, field, key, mark));
        } else
            return unknown(r, key, mark);
    }
    return BRN_OK;
}

/* ---- the document ------------------------------------------------------------------------------ */

static brn_status read_stream(reader *r)
{
    BRN_TRY(next(r)); /* start of the stream */
    BRN_TRY(next(r));
    if (r->event.type == YAML_STREAM_END_EVENT) return BRN_OK; /* nothing but comments */
    BRN_TRY(next(r));
    if (r->event.type == YAML_MAPPING_START_EVENT)
        BRN_TRY(read_mapping(r, "", 1));
    else if (!is_empty(r))
        return refuse(r, r->event.start_mark,
                      "expected settings as \"name: value\" lines, found a single value or list");
    BRN_TRY(next(r)); /* end of the document */
    BRN_TRY(next(r));
    if (r->event.type != YAML_STREAM_END_EVENT)
        return refuse(r, r->event.start_mark, "a second document begins");
    return BRN_OK;
}

static brn_status read_pass(brn_settings *settings, const char *bytes, size_t size, const char *name,
                            bool presets)
{
    reader r = {.name = name, .bytes = bytes, .size = size, .settings = settings, .presets = presets};
    if (!yaml_parser_initialize(&r.parser))
        return brn_fail(BRN_ERR_MEMORY, "%s: cannot allocate for reading YAML", name);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, size);
    brn_status status = read_stream(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return status;
}

brn_status brn_config_parse(brn_settings *settings, const char *bytes, size_t size, const char *name)
{
    brn_settings changed = *settings;
    const char *nul = memchr(bytes, '\0', size);
    if (nul) {
        reader r = {.name = name, .bytes = bytes, .size = size};
        return refuse(&r, mark_of(&r, (size_t)(nul - bytes)), "a NUL byte: this is not a text file");
    }
    BRN_TRY(read_pass(&changed, bytes, size, name, true));
    BRN_TRY(read_pass(&changed, bytes, size, name, false));
    *settings = changed;
    return BRN_OK;
}

/* ---- the file ---------------------------------------------------------------------------------- */

static brn_status read_bytes(int file, const char *path, size_t size, char *bytes)
{
    for (size_t done = 0; done < size;) {
        ssize_t count = read(file, bytes + done, size - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return brn_fail(BRN_ERR_INPUT, "%s: cannot read: %s", path, strerror(errno));
        if (count == 0) return brn_fail(BRN_ERR_INPUT, "%s: ends after %zu of %zu bytes", path, done, size);
        done += (size_t)count;
    }
    return BRN_OK;
}

brn_status brn_settings_load(brn_settings *settings, const char *path)
{
    brn_status status = BRN_OK;
    char *bytes = NULL;
    struct stat s;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block */
    if (file < 0) return brn_fail(BRN_ERR_INPUT, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(file, &s) != 0 || !S_ISREG(s.st_mode))
        status = brn_fail(BRN_ERR_INPUT, "%s: not a regular file", path);
    else if (s.st_size > BRN_CONFIG_FILE_MAX)
        status = brn_fail(BRN_ERR_INPUT, "%s: %lld bytes, a configuration has at most %d", path,
                          (long long)s.st_size, BRN_CONFIG_FILE_MAX);
    if (status != BRN_OK) goto done;
    BRN_GO(BRN_ALLOC(&bytes, (size_t)s.st_size, "configuration"));
    BRN_GO(read_bytes(file, path, (size_t)s.st_size, bytes));
    BRN_GO(brn_config_parse(settings, bytes, (size_t)s.st_size, path));
done:
    close(file);
    free(bytes);
    return status;
}
