#include "io/pickle_machine.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *module, *name;
} allowed[] = {
    [G_DICT] = {"collections", "OrderedDict"},
    [G_TENSOR] = {"torch._utils", "_rebuild_tensor_v2"},
    [G_PARAMETER] = {"torch._utils", "_rebuild_parameter"},
    [G_FLOAT] = {"torch", "FloatStorage"},
    [G_DOUBLE] = {"torch", "DoubleStorage"},
    [G_LONG] = {"torch", "LongStorage"}, /* counters of batches */
};
enum { GLOBALS = sizeof allowed / sizeof *allowed };

static brn_status push_integer(brn_pickle_machine *m, int width, bool negative)
{
    uint64_t n;
    BRN_TRY(brn_pickle_number(m, width, &n));
    return brn_pickle_push(m, (brn_pickle_value){.kind = V_NUMBER, .number = negative ? (int32_t)(uint32_t)n : (int64_t)n});
}

/* LONG1: two's complement, little-endian. */
static brn_status push_long(brn_pickle_machine *m)
{
    uint64_t width, n;
    BRN_TRY(brn_pickle_number(m, 1, &width));
    if (width > 8) return brn_pickle_bad(m, "a number of %llu bytes", (unsigned long long)width);
    BRN_TRY(brn_pickle_number(m, (int)width, &n));
    if (width && width < 8 && n >> (8 * width - 1)) n |= ~(uint64_t)0 << 8 * width;
    return brn_pickle_push(m, (brn_pickle_value){.kind = V_NUMBER, .number = (int64_t)n});
}

static brn_status push_text(brn_pickle_machine *m, int width)
{
    uint64_t length;
    const unsigned char *b;
    BRN_TRY(brn_pickle_number(m, width, &length));
    if (length > m->size) return brn_pickle_bad(m, "a text of %llu bytes", (unsigned long long)length);
    BRN_TRY(brn_pickle_take(m, (size_t)length, &b));
    return brn_pickle_push(m, (brn_pickle_value){.kind = V_TEXT, .text = (const char *)b, .length = (size_t)length});
}

/* ---- names -------------------------------------------------------------------------------------- */

static bool is_text(const char *text, size_t length, const char *word) { return strlen(word) == length && !memcmp(text, word, length); }

static brn_status push_global(brn_pickle_machine *m, const char *module, size_t module_length, const char *name, size_t name_length)
{
    for (int i = 0; i < GLOBALS; ++i)
        if (is_text(module, module_length, allowed[i].module) && is_text(name, name_length, allowed[i].name))
            return brn_pickle_push(m, (brn_pickle_value){.kind = V_GLOBAL, .id = (brn_pickle_global)i});
    return brn_pickle_bad(m, "names %.*s.%.*s, which is not allowed: only tensors in an ordered dictionary are read, nothing is run",
               module_length < 60 ? (int)module_length : 60, module, name_length < 60 ? (int)name_length : 60, name);
}

static brn_status take_line(brn_pickle_machine *m, const char **line, size_t *length)
{
    const unsigned char *end = memchr(m->bytes + m->at, '\n', m->size - m->at);
    *line = (const char *)m->bytes + m->at;
    *length = 0;
    if (!end) return brn_pickle_bad(m, "a name without an end");
    *length = (size_t)(end - (m->bytes + m->at));
    m->at += *length + 1;
    return BRN_OK;
}

static brn_status global_in_lines(brn_pickle_machine *m)
{
    const char *module, *name;
    size_t module_length, name_length;
    BRN_TRY(take_line(m, &module, &module_length));
    BRN_TRY(take_line(m, &name, &name_length));
    return push_global(m, module, module_length, name, name_length);
}

static brn_status global_on_stack(brn_pickle_machine *m)
{
    uint32_t name, module;
    BRN_TRY(brn_pickle_pop(m, &name));
    BRN_TRY(brn_pickle_pop(m, &module));
    const brn_pickle_value *a = &m->values[module], *b = &m->values[name];
    if (a->kind != V_TEXT || b->kind != V_TEXT) return brn_pickle_bad(m, "a name that is no text");
    return push_global(m, a->text, a->length, b->text, b->length);
}

/* ---- what the allowed names do ------------------------------------------------------------------ */

/* ('storage', FloatStorage, key, location, number of elements) */
static brn_status push_storage(brn_pickle_machine *m)
{
    uint32_t id;
    BRN_TRY(brn_pickle_pop(m, &id));
    const brn_pickle_value *t = &m->values[id];
    if (t->kind != V_TUPLE || t->count != 5) return brn_pickle_bad(m, "a reference to something other than a storage");
    const brn_pickle_value *word = &m->values[brn_pickle_item(m, id, 0)], *type = &m->values[brn_pickle_item(m, id, 1)];
    const brn_pickle_value *key = &m->values[brn_pickle_item(m, id, 2)], *count = &m->values[brn_pickle_item(m, id, 4)];
    if (word->kind != V_TEXT || !is_text(word->text, word->length, "storage") || type->kind != V_GLOBAL ||
        type->id < G_FLOAT || key->kind != V_TEXT || count->kind != V_NUMBER || count->number < 0)
        return brn_pickle_bad(m, "a reference to something other than a storage");
    for (size_t i = 0; i < key->length; ++i)
        if (key->text[i] < '0' || key->text[i] > '9') return brn_pickle_bad(m, "a storage whose key is no number");
    if (!key->length || key->length > 20) return brn_pickle_bad(m, "a storage whose key is no number");
    const brn_pickled_type of = type->id == G_FLOAT ? BRN_PICKLED_FLOAT : type->id == G_DOUBLE ? BRN_PICKLED_DOUBLE : BRN_PICKLED_INTEGER;
    return brn_pickle_push(m, (brn_pickle_value){.kind = V_STORAGE, .text = key->text, .length = key->length, .elements = (uint64_t)count->number, .type = of});
}

static bool is_sizes(const brn_pickle_machine *m, uint32_t tuple, uint32_t count)
{
    const brn_pickle_value *t = &m->values[tuple];
    if (t->kind != V_TUPLE || t->count != count) return false;
    for (uint32_t c = t->first; c; c = m->cells[c].next) {
        const brn_pickle_value *size = &m->values[m->cells[c].value];
        if (size->kind != V_NUMBER || size->number < 0) return false;
    }
    return true;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
static brn_status push_tensor(brn_pickle_machine *m, uint32_t args)
{
    if (m->values[args].count < 4) return brn_pickle_bad(m, "a tensor without sizes");
    const uint32_t storage = brn_pickle_item(m, args, 0), offset = brn_pickle_item(m, args, 1), shape = brn_pickle_item(m, args, 2), stride = brn_pickle_item(m, args, 3);
    if (m->values[storage].kind != V_STORAGE || m->values[offset].kind != V_NUMBER || m->values[offset].number < 0)
        return brn_pickle_bad(m, "a tensor without a storage");
    const uint32_t rank = m->values[shape].count;
    if (rank > BRN_PICKLE_RANK || !is_sizes(m, shape, rank) || !is_sizes(m, stride, rank)) return brn_pickle_bad(m, "a tensor with impossible sizes");
    return brn_pickle_push(m, (brn_pickle_value){.kind = V_TENSOR, .storage = storage, .offset = offset, .shape = shape, .stride = stride});
}

static brn_status reduce(brn_pickle_machine *m)
{
    uint32_t args, function;
    BRN_TRY(brn_pickle_pop(m, &args));
    BRN_TRY(brn_pickle_pop(m, &function));
    if (m->values[function].kind != V_GLOBAL || m->values[args].kind != V_TUPLE) return brn_pickle_bad(m, "a call of something that is no function");
    switch (m->values[function].id) {
    case G_DICT:
        if (m->values[args].count) return brn_pickle_bad(m, "an ordered dictionary made from something");
        return brn_pickle_push(m, (brn_pickle_value){.kind = V_DICT});
    case G_TENSOR: return push_tensor(m, args);
    case G_PARAMETER: {
        const uint32_t tensor = brn_pickle_item(m, args, 0);
        return tensor && m->values[tensor].kind == V_TENSOR ? brn_pickle_push_again(m, tensor) : brn_pickle_bad(m, "a parameter that is no tensor");
    }
    default: return brn_pickle_bad(m, "a call of a storage class");
    }
}

/* ---- containers --------------------------------------------------------------------------------- */

static brn_status push_tuple(brn_pickle_machine *m, size_t first, size_t drop)
{
    const size_t end = m->depth;
    BRN_TRY(brn_pickle_push(m, (brn_pickle_value){.kind = V_TUPLE}));
    const uint32_t tuple = m->stack[end];
    for (size_t i = first; i < end; ++i) BRN_TRY(brn_pickle_add(m, tuple, m->stack[i]));
    m->depth = first - drop;
    return brn_pickle_push_again(m, tuple);
}

static brn_status tuple_of(brn_pickle_machine *m, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (m->depth <= i || m->values[m->stack[m->depth - 1 - i]].kind == V_MARK) return brn_pickle_bad(m, "nothing is left on the stack");
    return push_tuple(m, m->depth - count, 0);
}

static brn_status tuple_of_marked(brn_pickle_machine *m)
{
    size_t first;
    BRN_TRY(brn_pickle_mark(m, &first));
    return push_tuple(m, first, 1);
}

/* The items from `first` on into the container below them (and below the mark, which goes too). */
static brn_status fill(brn_pickle_machine *m, size_t first, size_t drop, brn_pickle_kind kind)
{
    if (first < 1 + drop) return brn_pickle_bad(m, "items without a container");
    const uint32_t container = m->stack[first - drop - 1];
    if (m->values[container].kind != kind) return brn_pickle_bad(m, "items for something that holds none");
    if (kind == V_DICT && (m->depth - first) % 2) return brn_pickle_bad(m, "a key without a value");
    for (size_t i = first; i < m->depth; ++i) BRN_TRY(brn_pickle_add(m, container, m->stack[i]));
    m->depth = first - drop;
    return BRN_OK;
}

static brn_status fill_one(brn_pickle_machine *m, size_t items, brn_pickle_kind kind)
{
    for (size_t i = 0; i < items; ++i)
        if (m->depth <= i || m->values[m->stack[m->depth - 1 - i]].kind == V_MARK) return brn_pickle_bad(m, "nothing is left on the stack");
    return fill(m, m->depth - items, 0, kind);
}

static brn_status fill_marked(brn_pickle_machine *m, brn_pickle_kind kind)
{
    size_t first;
    BRN_TRY(brn_pickle_mark(m, &first));
    return fill(m, first, 1, kind);
}

/* BUILD hangs attributes on an object; those of a dictionary (_metadata) are of no use here. */
static brn_status build(brn_pickle_machine *m)
{
    uint32_t state;
    BRN_TRY(brn_pickle_pop(m, &state));
    if (!m->depth || m->values[m->stack[m->depth - 1]].kind != V_DICT) return brn_pickle_bad(m, "attributes of something other than a dictionary");
    return BRN_OK;
}

/* ---- memory ------------------------------------------------------------------------------------- */

static brn_status memorise(brn_pickle_machine *m, uint64_t place)
{
    if (!m->depth || m->values[m->stack[m->depth - 1]].kind == V_MARK) return brn_pickle_bad(m, "nothing to remember");
    if (place >= m->size) return brn_pickle_bad(m, "place %llu of the memory", (unsigned long long)place); /* writers count from 0 */
    while (m->memo_count <= place) {
        BRN_TRY(brn_pickle_room(&m->memo, sizeof *m->memo, m->memo_count, &m->memo_room));
        m->memo[m->memo_count++] = NOTHING;
    }
    m->memo[place] = m->stack[m->depth - 1];
    return BRN_OK;
}

static brn_status put(brn_pickle_machine *m, int width)
{
    uint64_t place;
    BRN_TRY(brn_pickle_number(m, width, &place));
    return memorise(m, place);
}

static brn_status get(brn_pickle_machine *m, int width)
{
    uint64_t place;
    BRN_TRY(brn_pickle_number(m, width, &place));
    if (place >= m->memo_count || !m->memo[place]) return brn_pickle_bad(m, "place %llu of the memory is empty", (unsigned long long)place);
    return brn_pickle_push_again(m, m->memo[place]);
}

static brn_status check_protocol(brn_pickle_machine *m)
{
    uint64_t version;
    BRN_TRY(brn_pickle_number(m, 1, &version));
    return version <= 5 ? BRN_OK : brn_pickle_bad(m, "protocol %llu, expected 5 at most", (unsigned long long)version);
}

/* ---- the machine -------------------------------------------------------------------------------- */

static brn_status run_opcode(brn_pickle_machine *m, unsigned char op)
{
    uint64_t ignored;
    switch (op) {
    case 0x80: return check_protocol(m);
    case 0x95: return brn_pickle_number(m, 8, &ignored); /* FRAME: a length of bytes to read ahead */
    case '(': return brn_pickle_push(m, (brn_pickle_value){.kind = V_MARK});
    case 'N': return brn_pickle_push(m, (brn_pickle_value){.kind = V_NONE});
    case 0x88: return brn_pickle_push(m, (brn_pickle_value){.kind = V_NUMBER, .number = 1});
    case 0x89: return brn_pickle_push(m, (brn_pickle_value){.kind = V_NUMBER, .number = 0});
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
    case ')': return brn_pickle_push(m, (brn_pickle_value){.kind = V_TUPLE});
    case ']': return brn_pickle_push(m, (brn_pickle_value){.kind = V_LIST});
    case '}': return brn_pickle_push(m, (brn_pickle_value){.kind = V_DICT});
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
    default: return brn_pickle_bad(m, "the opcode 0x%02x is not allowed", op);
    }
}

static brn_status run(brn_pickle_machine *m)
{
    for (;;) {
        const unsigned char *op;
        BRN_TRY(brn_pickle_take(m, 1, &op));
        if (*op == '.') return BRN_OK;
        BRN_TRY(run_opcode(m, *op));
    }
}

/* ---- the result --------------------------------------------------------------------------------- */

static void copy_sizes(const brn_pickle_machine *m, uint32_t tuple, uint64_t sizes[static BRN_PICKLE_RANK])
{
    int i = 0;
    for (uint32_t c = m->values[tuple].first; c; c = m->cells[c].next) sizes[i++] = (uint64_t)m->values[m->cells[c].value].number;
}

static brn_status list_tensor(const brn_pickle_machine *m, const brn_pickle_value *key, const brn_pickle_value *v, brn_pickled_tensor *t)
{
    if (key->kind != V_TEXT || v->kind != V_TENSOR) return brn_pickle_bad(m, "something other than a tensor with a name");
    const brn_pickle_value *s = &m->values[v->storage];
    *t = (brn_pickled_tensor){.name = key->text, .name_length = key->length, .storage = s->text, .storage_length = s->length, .type = s->type,
                              .storage_count = s->elements, .offset = (uint64_t)m->values[v->offset].number, .rank = (int)m->values[v->shape].count};
    copy_sizes(m, v->shape, t->shape);
    copy_sizes(m, v->stride, t->stride);
    return BRN_OK;
}

static brn_status list_tensors(const brn_pickle_machine *m, brn_pickled_tensor **tensors, size_t *count)
{
    const brn_pickle_value *top = m->depth == 1 ? &m->values[m->stack[0]] : NULL;
    if (!top || top->kind != V_DICT) return brn_pickle_bad(m, "expected one dictionary of tensors");
    BRN_TRY(BRN_ALLOC(tensors, top->count / 2, "list of tensors"));
    *count = 0;
    for (uint32_t c = top->first; c; c = m->cells[m->cells[c].next].next) {
        const brn_pickle_value *key = &m->values[m->cells[c].value], *v = &m->values[m->cells[m->cells[c].next].value];
        BRN_TRY(list_tensor(m, key, v, &(*tensors)[(*count)++]));
    }
    return BRN_OK;
}

brn_status brn_pickle_tensors(const unsigned char *bytes, size_t size, const char *name, brn_pickled_tensor **tensors, size_t *count)
{
    brn_pickle_machine m = {.bytes = bytes, .size = size, .name = name, .value_count = 1, .cell_count = 1};
    brn_status status;
    *tensors = NULL;
    if (size > BRN_PICKLE_MAX) return brn_fail(BRN_ERR_INPUT, "%s: a pickle of %zu bytes, expected %d at most", name, size, BRN_PICKLE_MAX);
    BRN_GO(brn_pickle_room(&m.values, sizeof *m.values, 0, &m.value_room));
    BRN_GO(brn_pickle_room(&m.cells, sizeof *m.cells, 0, &m.cell_room));
    BRN_GO(run(&m));
    status = list_tensors(&m, tensors, count);
done:
    free(m.values), free(m.cells), free(m.stack), free(m.memo);
    if (status != BRN_OK) free(*tensors), *tensors = NULL;
    return status;
}
