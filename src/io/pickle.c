#include "io/pickle.h"
#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what stands on the machine's stack ------------------------------------------------------- */

typedef enum { V_NONE, V_NUMBER, V_TEXT, V_TUPLE, V_LIST, V_DICT, V_GLOBAL, V_STORAGE, V_TENSOR, V_MARK } value_kind;

typedef enum { G_DICT, G_TENSOR, G_PARAMETER, G_FLOAT, G_DOUBLE } global;

static const struct {
    const char *module, *name;
} allowed[] = {
    [G_DICT] = {"collections", "OrderedDict"},
    [G_TENSOR] = {"torch._utils", "_rebuild_tensor_v2"},
    [G_PARAMETER] = {"torch._utils", "_rebuild_parameter"},
    [G_FLOAT] = {"torch", "FloatStorage"},
    [G_DOUBLE] = {"torch", "DoubleStorage"},
};
enum { GLOBALS = sizeof allowed / sizeof *allowed };

/* Values are never changed but for containers that grow; nothing walks through containers in containers, so that depth and
 * cycles cost nothing. Numbers of values and cells stand for pointers. */
typedef struct {
    value_kind kind;
    uint32_t first, last, count; /* containers: cells; a dictionary's keys and values take turns */
    union {
        int64_t number;
        global id;
        struct {
            const char *text;
            size_t length;
        };
        struct {
            uint32_t storage;       /* the value with key and element type */
            uint32_t offset, shape, stride;
        };
    };
    uint64_t elements; /* V_STORAGE */
    bool f64;
} value;

typedef struct {
    uint32_t value, next;
} cell;

typedef struct {
    const unsigned char *bytes;
    size_t size, at;
    const char *name;
    value *values;
    cell *cells;
    uint32_t *stack, *memo;
    size_t value_count, cell_count, depth, memo_count, value_room, cell_room, stack_room, memo_room;
} machine;

enum { NOTHING = 0 }; /* value 0 and cell 0 are not used */

__attribute__((format(printf, 2, 3))) static brn_status bad(const machine *m, const char *format, ...)
{
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    for (char *c = what; *c; ++c)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f) *c = '?';
    return brn_fail(BRN_ERR_INPUT, "%s:byte %zu: %s", m->name, m->at, what);
}

/* Every list holds at most as many entries as the pickle has bytes: rooms double up to a bound known before. */
static brn_status make_room(void *list, size_t size, size_t used, size_t *room)
{
    if (used < *room) return BRN_OK;
    void **old = list, *larger;
    const size_t more = 2 * *room + 64;
    BRN_TRY(brn_alloc_bytes(&larger, more, size, "pickle"));
    if (used) memcpy(larger, *old, used * size);
    free(*old);
    *old = larger;
    *room = more;
    return BRN_OK;
}

static brn_status push_number_of(machine *m, uint32_t number)
{
    BRN_TRY(make_room(&m->stack, sizeof *m->stack, m->depth, &m->stack_room));
    m->stack[m->depth++] = number;
    return BRN_OK;
}

static brn_status push(machine *m, value v)
{
    BRN_TRY(make_room(&m->values, sizeof *m->values, m->value_count, &m->value_room));
    m->values[m->value_count] = v;
    return push_number_of(m, (uint32_t)m->value_count++);
}

static brn_status pop(machine *m, uint32_t *number)
{
    *number = NOTHING;
    if (!m->depth || m->values[m->stack[m->depth - 1]].kind == V_MARK) return bad(m, "nothing is left on the stack");
    *number = m->stack[--m->depth];
    return BRN_OK;
}

static brn_status add_to(machine *m, uint32_t container, uint32_t item)
{
    BRN_TRY(make_room(&m->cells, sizeof *m->cells, m->cell_count, &m->cell_room));
    const uint32_t number = (uint32_t)m->cell_count++;
    value *c = &m->values[container];
    m->cells[number] = (cell){item, NOTHING};
    if (c->last) m->cells[c->last].next = number;
    else c->first = number;
    c->last = number;
    ++c->count;
    return BRN_OK;
}

/* Where the items begin that the last mark started. */
static brn_status find_mark(const machine *m, size_t *first)
{
    for (*first = m->depth; *first > 0; --*first)
        if (m->values[m->stack[*first - 1]].kind == V_MARK) return BRN_OK;
    return bad(m, "items without a mark");
}

/* The i-th item of a container; only short ones are asked. */
static uint32_t item_of(const machine *m, uint32_t container, uint32_t i)
{
    uint32_t number = m->values[container].first;
    while (i-- && number) number = m->cells[number].next;
    return number ? m->cells[number].value : NOTHING;
}

/* ---- bytes -------------------------------------------------------------------------------------- */

static brn_status take(machine *m, size_t count, const unsigned char **bytes)
{
    *bytes = m->bytes + m->at;
    if (count > m->size - m->at) return bad(m, "%zu bytes are announced, the pickle ends after %zu", count, m->size - m->at);
    m->at += count;
    return BRN_OK;
}

static brn_status take_number(machine *m, int width, uint64_t *number)
{
    const unsigned char *b;
    BRN_TRY(take(m, (size_t)width, &b));
    *number = 0;
    for (int i = 0; i < width; ++i) *number |= (uint64_t)b[i] << 8 * i;
    return BRN_OK;
}

static brn_status push_integer(machine *m, int width, bool negative)
{
    uint64_t n;
    BRN_TRY(take_number(m, width, &n));
    return push(m, (value){.kind = V_NUMBER, .number = negative ? (int32_t)(uint32_t)n : (int64_t)n});
}

/* LONG1: two's complement, little-endian. */
static brn_status push_long(machine *m)
{
    uint64_t width, n;
    BRN_TRY(take_number(m, 1, &width));
    if (width > 8) return bad(m, "a number of %llu bytes", (unsigned long long)width);
    BRN_TRY(take_number(m, (int)width, &n));
    if (width && width < 8 && n >> (8 * width - 1)) n |= ~(uint64_t)0 << 8 * width;
    return push(m, (value){.kind = V_NUMBER, .number = (int64_t)n});
}

static brn_status push_text(machine *m, int width)
{
    uint64_t length;
    const unsigned char *b;
    BRN_TRY(take_number(m, width, &length));
    if (length > m->size) return bad(m, "a text of %llu bytes", (unsigned long long)length);
    BRN_TRY(take(m, (size_t)length, &b));
    return push(m, (value){.kind = V_TEXT, .text = (const char *)b, .length = (size_t)length});
}

/* ---- names -------------------------------------------------------------------------------------- */

static bool is_text(const char *text, size_t length, const char *word) { return strlen(word) == length && !memcmp(text, word, length); }

static brn_status push_global(machine *m, const char *module, size_t module_length, const char *name, size_t name_length)
{
    for (int i = 0; i < GLOBALS; ++i)
        if (is_text(module, module_length, allowed[i].module) && is_text(name, name_length, allowed[i].name))
            return push(m, (value){.kind = V_GLOBAL, .id = (global)i});
    return bad(m, "names %.*s.%.*s, which is not allowed: only tensors in an ordered dictionary are read, nothing is run",
               module_length < 60 ? (int)module_length : 60, module, name_length < 60 ? (int)name_length : 60, name);
}

static brn_status take_line(machine *m, const char **line, size_t *length)
{
    const unsigned char *end = memchr(m->bytes + m->at, '\n', m->size - m->at);
    *line = (const char *)m->bytes + m->at;
    *length = 0;
    if (!end) return bad(m, "a name without an end");
    *length = (size_t)(end - (m->bytes + m->at));
    m->at += *length + 1;
    return BRN_OK;
}

static brn_status global_in_lines(machine *m)
{
    const char *module, *name;
    size_t module_length, name_length;
    BRN_TRY(take_line(m, &module, &module_length));
    BRN_TRY(take_line(m, &name, &name_length));
    return push_global(m, module, module_length, name, name_length);
}

static brn_status global_on_stack(machine *m)
{
    uint32_t name, module;
    BRN_TRY(pop(m, &name));
    BRN_TRY(pop(m, &module));
    const value *a = &m->values[module], *b = &m->values[name];
    if (a->kind != V_TEXT || b->kind != V_TEXT) return bad(m, "a name that is no text");
    return push_global(m, a->text, a->length, b->text, b->length);
}

/* ---- what the allowed names do ------------------------------------------------------------------ */

/* ('storage', FloatStorage, key, location, number of elements) */
static brn_status push_storage(machine *m)
{
    uint32_t id;
    BRN_TRY(pop(m, &id));
    const value *t = &m->values[id];
    if (t->kind != V_TUPLE || t->count != 5) return bad(m, "a reference to something other than a storage");
    const value *word = &m->values[item_of(m, id, 0)], *type = &m->values[item_of(m, id, 1)];
    const value *key = &m->values[item_of(m, id, 2)], *count = &m->values[item_of(m, id, 4)];
    if (word->kind != V_TEXT || !is_text(word->text, word->length, "storage") || type->kind != V_GLOBAL ||
        (type->id != G_FLOAT && type->id != G_DOUBLE) || key->kind != V_TEXT || count->kind != V_NUMBER || count->number < 0)
        return bad(m, "a reference to something other than a storage");
    for (size_t i = 0; i < key->length; ++i)
        if (key->text[i] < '0' || key->text[i] > '9') return bad(m, "a storage whose key is no number");
    if (!key->length || key->length > 20) return bad(m, "a storage whose key is no number");
    return push(m, (value){.kind = V_STORAGE, .text = key->text, .length = key->length, .elements = (uint64_t)count->number, .f64 = type->id == G_DOUBLE});
}

static bool is_sizes(const machine *m, uint32_t tuple, uint32_t count)
{
    const value *t = &m->values[tuple];
    if (t->kind != V_TUPLE || t->count != count) return false;
    for (uint32_t c = t->first; c; c = m->cells[c].next) {
        const value *size = &m->values[m->cells[c].value];
        if (size->kind != V_NUMBER || size->number < 0) return false;
    }
    return true;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
static brn_status push_tensor(machine *m, uint32_t args)
{
    if (m->values[args].count < 4) return bad(m, "a tensor without sizes");
    const uint32_t storage = item_of(m, args, 0), offset = item_of(m, args, 1), shape = item_of(m, args, 2), stride = item_of(m, args, 3);
    if (m->values[storage].kind != V_STORAGE || m->values[offset].kind != V_NUMBER || m->values[offset].number < 0)
        return bad(m, "a tensor without a storage");
    const uint32_t rank = m->values[shape].count;
    if (rank > BRN_PICKLE_RANK || !is_sizes(m, shape, rank) || !is_sizes(m, stride, rank)) return bad(m, "a tensor with impossible sizes");
    return push(m, (value){.kind = V_TENSOR, .storage = storage, .offset = offset, .shape = shape, .stride = stride});
}

static brn_status reduce(machine *m)
{
    uint32_t args, function;
    BRN_TRY(pop(m, &args));
    BRN_TRY(pop(m, &function));
    if (m->values[function].kind != V_GLOBAL || m->values[args].kind != V_TUPLE) return bad(m, "a call of something that is no function");
    switch (m->values[function].id) {
    case G_DICT:
        if (m->values[args].count) return bad(m, "an ordered dictionary made from something");
        return push(m, (value){.kind = V_DICT});
    case G_TENSOR: return push_tensor(m, args);
    case G_PARAMETER: {
        const uint32_t tensor = item_of(m, args, 0);
        return tensor && m->values[tensor].kind == V_TENSOR ? push_number_of(m, tensor) : bad(m, "a parameter that is no tensor");
    }
    default: return bad(m, "a call of a storage class");
    }
}

/* ---- containers --------------------------------------------------------------------------------- */

static brn_status push_tuple(machine *m, size_t first, size_t drop)
{
    const size_t end = m->depth;
    BRN_TRY(push(m, (value){.kind = V_TUPLE}));
    const uint32_t tuple = m->stack[end];
    for (size_t i = first; i < end; ++i) BRN_TRY(add_to(m, tuple, m->stack[i]));
    m->depth = first - drop;
    return push_number_of(m, tuple);
}

static brn_status tuple_of(machine *m, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (m->depth <= i || m->values[m->stack[m->depth - 1 - i]].kind == V_MARK) return bad(m, "nothing is left on the stack");
    return push_tuple(m, m->depth - count, 0);
}

static brn_status tuple_of_marked(machine *m)
{
    size_t first;
    BRN_TRY(find_mark(m, &first));
    return push_tuple(m, first, 1);
}

/* The items from `first` on into the container below them (and below the mark, which goes too). */
static brn_status fill(machine *m, size_t first, size_t drop, value_kind kind)
{
    if (first < 1 + drop) return bad(m, "items without a container");
    const uint32_t container = m->stack[first - drop - 1];
    if (m->values[container].kind != kind) return bad(m, "items for something that holds none");
    if (kind == V_DICT && (m->depth - first) % 2) return bad(m, "a key without a value");
    for (size_t i = first; i < m->depth; ++i) BRN_TRY(add_to(m, container, m->stack[i]));
    m->depth = first - drop;
    return BRN_OK;
}

static brn_status fill_one(machine *m, size_t items, value_kind kind)
{
    for (size_t i = 0; i < items; ++i)
        if (m->depth <= i || m->values[m->stack[m->depth - 1 - i]].kind == V_MARK) return bad(m, "nothing is left on the stack");
    return fill(m, m->depth - items, 0, kind);
}

static brn_status fill_marked(machine *m, value_kind kind)
{
    size_t first;
    BRN_TRY(find_mark(m, &first));
    return fill(m, first, 1, kind);
}

/* BUILD hangs attributes on an object; those of a dictionary (_metadata) are of no use here. */
static brn_status build(machine *m)
{
    uint32_t state;
    BRN_TRY(pop(m, &state));
    if (!m->depth || m->values[m->stack[m->depth - 1]].kind != V_DICT) return bad(m, "attributes of something other than a dictionary");
    return BRN_OK;
}

/* ---- memory ------------------------------------------------------------------------------------- */

static brn_status memorise(machine *m, uint64_t place)
{
    if (!m->depth || m->values[m->stack[m->depth - 1]].kind == V_MARK) return bad(m, "nothing to remember");
    if (place >= m->size) return bad(m, "place %llu of the memory", (unsigned long long)place); /* writers count from 0 */
    while (m->memo_count <= place) {
        BRN_TRY(make_room(&m->memo, sizeof *m->memo, m->memo_count, &m->memo_room));
        m->memo[m->memo_count++] = NOTHING;
    }
    m->memo[place] = m->stack[m->depth - 1];
    return BRN_OK;
}

static brn_status put(machine *m, int width)
{
    uint64_t place;
    BRN_TRY(take_number(m, width, &place));
    return memorise(m, place);
}

static brn_status get(machine *m, int width)
{
    uint64_t place;
    BRN_TRY(take_number(m, width, &place));
    if (place >= m->memo_count || !m->memo[place]) return bad(m, "place %llu of the memory is empty", (unsigned long long)place);
    return push_number_of(m, m->memo[place]);
}

static brn_status check_protocol(machine *m)
{
    uint64_t version;
    BRN_TRY(take_number(m, 1, &version));
    return version <= 5 ? BRN_OK : bad(m, "protocol %llu, expected 5 at most", (unsigned long long)version);
}

/* ---- the machine -------------------------------------------------------------------------------- */

static brn_status run_opcode(machine *m, unsigned char op)
{
    uint64_t ignored;
    switch (op) {
    case 0x80: return check_protocol(m);
    case 0x95: return take_number(m, 8, &ignored); /* FRAME: a length of bytes to read ahead */
    case '(': return push(m, (value){.kind = V_MARK});
    case 'N': return push(m, (value){.kind = V_NONE});
    case 0x88: return push(m, (value){.kind = V_NUMBER, .number = 1});
    case 0x89: return push(m, (value){.kind = V_NUMBER, .number = 0});
    case 'J': return push_integer(m, 4, true);
    case 'K': return push_integer(m, 1, false);
    case 'M': return push_integer(m, 2, false);
    case 0x8a: return push_long(m);
    case 'X': return push_text(m, 4);
    case 0x8c: return push_text(m, 1);
    case 'c': return global_in_lines(m);
    case 0x93: return global_on_stack(m);
    case 'Q': return push_storage(m);
    case 'R': return reduce(m);
    case 'b': return build(m);
    case ')': return push(m, (value){.kind = V_TUPLE});
    case ']': return push(m, (value){.kind = V_LIST});
    case '}': return push(m, (value){.kind = V_DICT});
    case 0x85: return tuple_of(m, 1);
    case 0x86: return tuple_of(m, 2);
    case 0x87: return tuple_of(m, 3);
    case 't': return tuple_of_marked(m);
    case 'a': return fill_one(m, 1, V_LIST);
    case 's': return fill_one(m, 2, V_DICT);
    case 'e': return fill_marked(m, V_LIST);
    case 'u': return fill_marked(m, V_DICT);
    case 'q': return put(m, 1);
    case 'r': return put(m, 4);
    case 0x94: return memorise(m, m->memo_count);
    case 'h': return get(m, 1);
    case 'j': return get(m, 4);
    default: return bad(m, "the opcode 0x%02x is not allowed", op);
    }
}

static brn_status run(machine *m)
{
    for (;;) {
        const unsigned char *op;
        BRN_TRY(take(m, 1, &op));
        if (*op == '.') return BRN_OK;
        BRN_TRY(run_opcode(m, *op));
    }
}

/* ---- the result --------------------------------------------------------------------------------- */

static void copy_sizes(const machine *m, uint32_t tuple, uint64_t sizes[static BRN_PICKLE_RANK])
{
    int i = 0;
    for (uint32_t c = m->values[tuple].first; c; c = m->cells[c].next) sizes[i++] = (uint64_t)m->values[m->cells[c].value].number;
}

static brn_status list_tensor(const machine *m, const value *key, const value *v, brn_pickled_tensor *t)
{
    if (key->kind != V_TEXT || v->kind != V_TENSOR) return bad(m, "something other than a tensor with a name");
    const value *s = &m->values[v->storage];
    *t = (brn_pickled_tensor){.name = key->text, .name_length = key->length, .storage = s->text, .storage_length = s->length, .f64 = s->f64,
                              .storage_count = s->elements, .offset = (uint64_t)m->values[v->offset].number, .rank = (int)m->values[v->shape].count};
    copy_sizes(m, v->shape, t->shape);
    copy_sizes(m, v->stride, t->stride);
    return BRN_OK;
}

static brn_status list_tensors(const machine *m, brn_pickled_tensor **tensors, size_t *count)
{
    const value *top = m->depth == 1 ? &m->values[m->stack[0]] : NULL;
    if (!top || top->kind != V_DICT) return bad(m, "expected one dictionary of tensors");
    BRN_TRY(BRN_ALLOC(tensors, top->count / 2, "list of tensors"));
    *count = 0;
    for (uint32_t c = top->first; c; c = m->cells[m->cells[c].next].next) {
        const value *key = &m->values[m->cells[c].value], *v = &m->values[m->cells[m->cells[c].next].value];
        BRN_TRY(list_tensor(m, key, v, &(*tensors)[(*count)++]));
    }
    return BRN_OK;
}

brn_status brn_pickle_tensors(const unsigned char *bytes, size_t size, const char *name, brn_pickled_tensor **tensors, size_t *count)
{
    machine m = {.bytes = bytes, .size = size, .name = name, .value_count = 1, .cell_count = 1};
    brn_status status;
    *tensors = NULL;
    if (size > BRN_PICKLE_MAX) return brn_fail(BRN_ERR_INPUT, "%s: a pickle of %zu bytes, expected %d at most", name, size, BRN_PICKLE_MAX);
    BRN_GO(make_room(&m.values, sizeof *m.values, 0, &m.value_room));
    BRN_GO(make_room(&m.cells, sizeof *m.cells, 0, &m.cell_room));
    BRN_GO(run(&m));
    status = list_tensors(&m, tensors, count);
done:
    free(m.values), free(m.cells), free(m.stack), free(m.memo);
    if (status != BRN_OK) free(*tensors), *tensors = NULL;
    return status;
}
