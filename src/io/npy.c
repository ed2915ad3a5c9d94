#include "io/npy.h"

#include "core/memory.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER 65536 /* a header of numbers needs about 100 bytes */

typedef struct cursor {
    const char *name, *text, *at, *end;
    size_t offset; /* of text in the file */
} cursor;

static brn_status expected(const cursor *c, const char *what)
{
    return brn_fail(BRN_ERR_INPUT, "%s:byte %zu: expected %s in the NPY header", c->name,
                    c->offset + (size_t)(c->at - c->text), what);
}

static void skip_spaces(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n')) ++c->at;
}

static bool take(cursor *c, char wanted)
{
    skip_spaces(c);
    if (c->at == c->end || *c->at != wanted) return false;
    ++c->at;
    return true;
}

static brn_status parse_string(cursor *c, char text[32])
{
    char quote = take(c, '\'') ? '\'' : take(c, '"') ? '"' : '\0';
    const char *end = quote ? memchr(c->at, quote, (size_t)(c->end - c->at)) : NULL;
    if (!end || end - c->at >= 32) return expected(c, "a short text in quotes");
    memcpy(text, c->at, (size_t)(end - c->at));
    text[end - c->at] = '\0';
    c->at = end + 1;
    return BRN_OK;
}

static brn_status parse_descr(cursor *c, brn_npy *npy)
{
    char text[32];
    if (take(c, '['))
        return brn_fail(BRN_ERR_INPUT, "%s: holds records, expected numbers of one type", c->name);
    BRN_TRY(parse_string(c, text));
    const char *type = text + (text[0] && strchr("<>|=", text[0]) ? 1 : 0);
    static const char *const known[] = {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};
    if (*type == 'O')
        return brn_fail(
            BRN_ERR_INPUT,
            "%s: holds Python objects (dtype object), which are never unpickled; expected numbers, "
            "as a.astype('<f4') gives",
            c->name);
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
        if (strcmp(type, known[i]) != 0) continue;
        npy->kind = type[0];
        npy->item = (unsigned)(type[1] - '0');
        if (text[0] == '>' && npy->item > 1)
            return brn_fail(
                BRN_ERR_INPUT,
                "%s: big-endian numbers (dtype '%s'), expected little-endian: save a.astype('<%s')", c->name,
                text, type);
        return BRN_OK;
    }
    return brn_fail(BRN_ERR_INPUT,
                    "%s: dtype '%s', expected float32, float64, integers or bool: save a.astype('<f4')",
                    c->name, text);
}

static brn_status parse_order(cursor *c, brn_npy *npy)
{
    skip_spaces(c);
    size_t left = (size_t)(c->end - c->at);
    npy->fortran = left >= 4 && memcmp(c->at, "True", 4) == 0;
    if (!npy->fortran && (left < 5 || memcmp(c->at, "False", 5) != 0)) return expected(c, "True or False");
    c->at += npy->fortran ? 4 : 5;
    return BRN_OK;
}

static brn_status parse_size(cursor *c, uint64_t *size)
{
    skip_spaces(c);
    if (c->at == c->end || *c->at < '0' || *c->at > '9') return expected(c, "a size >= 0");
    for (*size = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; ++c->at)
        if (__builtin_mul_overflow(*size, 10u, size) ||
            __builtin_add_overflow(*size, (unsigned)(*c->at - '0'), size))
            return expected(c, "a size below 2^64");
    take(c, 'L'); /* Python 2 */
    return BRN_OK;
}

static brn_status parse_shape(cursor *c, brn_npy *npy)
{
    npy->rank = 0;
    if (!take(c, '(')) return expected(c, "'('");
    while (!take(c, ')')) {
        if (npy->rank == BRN_NPY_RANK)
            return brn_fail(BRN_ERR_INPUT, "%s: five dimensions or more, expected two for rows of numbers, three or four for pictures", c->name);
        BRN_TRY(parse_size(c, &npy->shape[npy->rank++]));
        if (take(c, ',')) continue;
        if (!take(c, ')')) return expected(c, "',' or ')'");
        break;
    }
    if (npy->rank == 0)
        return brn_fail(BRN_ERR_INPUT, "%s: a single number, expected an array of one or two dimensions",
                        c->name);
    npy->rows = npy->shape[0], npy->cols = 1;
    for (int i = 1; i < npy->rank; ++i)
        if (__builtin_mul_overflow(npy->cols, npy->shape[i], &npy->cols))
            return brn_fail(BRN_ERR_INPUT, "%s: the size of its shape overflows", c->name);
    return BRN_OK;
}

static brn_status parse_dictionary(cursor *c, brn_npy *npy)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4 };
    int seen = 0;
    if (!take(c, '{')) return expected(c, "'{'");
    while (!take(c, '}')) {
        char key[32];
        BRN_TRY(parse_string(c, key));
        if (!take(c, ':')) return expected(c, "':'");
        int which = strcmp(key, "descr") == 0           ? DESCR
                    : strcmp(key, "fortran_order") == 0 ? ORDER
                    : strcmp(key, "shape") == 0         ? SHAPE
                                                        : 0;
        if (!which || (seen & which)) return expected(c, "descr, fortran_order and shape once each");
        seen |= which;
        BRN_TRY(which == DESCR   ? parse_descr(c, npy)
                : which == ORDER ? parse_order(c, npy)
                                 : parse_shape(c, npy));
        if (take(c, ',')) continue;
        if (!take(c, '}')) return expected(c, "',' or '}'");
        break;
    }
    skip_spaces(c);
    if (c->at != c->end) return expected(c, "nothing after '}'");
    return seen == (DESCR | ORDER | SHAPE) ? BRN_OK : expected(c, "descr, fortran_order and shape");
}

static brn_status check_shape(const brn_npy *npy, const brn_bytes *bytes)
{
    size_t numbers, needed, there = bytes->size - npy->data;
    unsigned long long rows = npy->rows, cols = npy->cols;
    if (rows == 0)
        return brn_fail(BRN_ERR_INPUT, "%s: no rows (shape %llu x %llu), expected at least one", bytes->name,
                        rows, cols);
    if (cols == 0)
        return brn_fail(BRN_ERR_INPUT, "%s: no columns (shape %llu x %llu), expected at least one",
                        bytes->name, rows, cols);
    if (!brn_mul_size(rows, cols, &numbers) || !brn_mul_size(numbers, npy->item, &needed))
        return brn_fail(BRN_ERR_INPUT, "%s: the size of shape %llu x %llu overflows", bytes->name, rows,
                        cols);
    if (needed != there)
        return brn_fail(BRN_ERR_INPUT,
                        "%s: shape %llu x %llu of %c%u needs %zu bytes after the header, found %zu%s",
                        bytes->name, rows, cols, npy->kind, npy->item, needed, there,
                        there < needed ? " (truncated?)" : "");
    if (cols > INT_MAX)
        return brn_fail(BRN_ERR_INPUT, "%s: %llu columns, expected at most %d", bytes->name, cols, INT_MAX);
    return BRN_OK;
}

brn_status brn_npy_parse(brn_npy *npy, brn_bytes *bytes)
{
    brn_status status;
    unsigned char prefix[12] = {0};
    char *text = NULL;
    *npy = (brn_npy){0};
    if (bytes->size == 0)
        return brn_fail(BRN_ERR_INPUT, "%s: the file is empty, expected an NPY array", bytes->name);
    BRN_TRY(bytes->get(bytes, 0, prefix, bytes->size < 12 ? (size_t)bytes->size : 12));
    if (bytes->size < 12 || memcmp(prefix, BRN_NPY_MAGIC, 6) != 0)
        return brn_fail(BRN_ERR_INPUT, "%s:byte 0: expected an NPY array (\\x93NUMPY), found something else",
                        bytes->name);
    if (prefix[6] < 1 || prefix[6] > 3)
        return brn_fail(BRN_ERR_INPUT, "%s:byte 6: NPY version %d.%d, expected 1 to 3", bytes->name,
                        prefix[6], prefix[7]);
    uint32_t length = (uint32_t)(prefix[8] | prefix[9] << 8);
    size_t start = 10;
    if (prefix[6] > 1) memcpy(&length, prefix + 8, 4), start = 12;
    if (length > MAX_HEADER || length > bytes->size - start)
        return brn_fail(
            BRN_ERR_INPUT, "%s:byte 8: NPY header of %u bytes claimed, expected at most %llu", bytes->name,
            length,
            (unsigned long long)(bytes->size - start < MAX_HEADER ? bytes->size - start : MAX_HEADER));
    BRN_TRY(BRN_ALLOC(&text, length, "NPY header"));
    BRN_GO(bytes->get(bytes, start, text, length));
    npy->data = start + length;
    BRN_GO(parse_dictionary(&(cursor){bytes->name, text, text, text + length, start}, npy));
    status = check_shape(npy, bytes);
done:
    free(text);
    return status;
}

/* ---- pictures ---------------------------------------------------------------------------------- */

static bool is_channels(uint64_t size) { return size == 1 || size == 3; }

/* Which axis counts channels: the last or the first that may, and of two the one that leaves squares; 0: none. */
static int channel_axis(const uint64_t *shape)
{
    const bool last = is_channels(shape[3]), first = is_channels(shape[1]);
    if (last && first) return shape[1] == shape[2] || shape[2] != shape[3] ? 3 : 1;
    return last ? 3 : first ? 1 : 0;
}

brn_status brn_npy_image_of(brn_npy_image *image, const brn_npy *npy, const char *name)
{
    *image = (brn_npy_image){0};
    if (npy->rank < 3) return BRN_OK;
    const uint64_t *shape = npy->shape;
    const int channel = npy->rank == 4 ? channel_axis(shape) : 3, line = channel == 1 ? 2 : 1, pixel = line + 1;
    if (!channel)
        return brn_fail(BRN_ERR_INPUT, "%s: shape %llu x %llu x %llu x %llu, expected pictures of one channel or three, last or in front of height and width",
                        name, (unsigned long long)shape[0], (unsigned long long)shape[1], (unsigned long long)shape[2], (unsigned long long)shape[3]);
    if (npy->kind != 'f' && (npy->kind != 'u' || npy->item != 1))
        return brn_fail(BRN_ERR_INPUT, "%s: pictures of %c%u, expected bytes (0 to 255) or floats (-1 to 1)", name, npy->kind, npy->item);
    size_t stride[BRN_NPY_RANK] = {0}, step = 1;
    for (int i = 1; i < BRN_NPY_RANK; ++i) {
        const int axis = npy->fortran ? i : BRN_NPY_RANK - i;
        if (axis >= npy->rank) continue;
        stride[axis] = step;
        step *= shape[axis];
    }
    *image = (brn_npy_image){.channels = npy->rank == 4 ? (int)shape[channel] : 1, .height = (int)shape[line], .width = (int)shape[pixel],
                             .channel_stride = stride[channel], .line_stride = stride[line], .pixel_stride = stride[pixel]};
    return BRN_OK;
}

/* ---- numbers ----------------------------------------------------------------------------------- */

#define DECODE(kind, type)                                                                                   \
    case kind << 8 | sizeof(type):                                                                           \
        for (size_t i = 0; i < n; ++i) {                                                                     \
            type number;                                                                                     \
            memcpy(&number, raw + i * sizeof number, sizeof number);                                         \
            out[i] = (float)number;                                                                          \
        }                                                                                                    \
        break;

void brn_npy_decode(const brn_npy *npy, const unsigned char *raw, size_t n, float *out)
{
    switch ((unsigned)npy->kind << 8 | npy->item) {
        DECODE('f', float)
        DECODE('f', double)
        DECODE('i', int8_t)
        DECODE('i', int16_t)
        DECODE('i', int32_t)
        DECODE('i', int64_t)
        DECODE('u', uint8_t)
        DECODE('u', uint16_t)
        DECODE('u', uint32_t)
        DECODE('u', uint64_t)
    default: /* bool */
        for (size_t i = 0; i < n; ++i) out[i] = raw[i] != 0;
    }
}

double brn_npy_value(const brn_npy *npy, const unsigned char *raw)
{
    float rounded;
    double exact;
    if (npy->kind == 'f' && npy->item == 8) {
        memcpy(&exact, raw, sizeof exact);
        return exact;
    }
    brn_npy_decode(npy, raw, 1, &rounded);
    return rounded;
}

void brn_npy_format(char header[BRN_NPY_HEADER], uint64_t rows, int cols)
{
    enum { START = 10 };
    memset(header, ' ', BRN_NPY_HEADER);
    memcpy(header, BRN_NPY_MAGIC "\x01\x00", 8);
    header[8] = BRN_NPY_HEADER - START, header[9] = 0;
    int used = snprintf(header + START, BRN_NPY_HEADER - START,
                        "{'descr': '<f4', 'fortran_order': False, 'shape': (%llu, %d), }",
                        (unsigned long long)rows, cols);
    header[START + used] = ' '; /* was the zero */
    header[BRN_NPY_HEADER - 1] = '\n';
}
