/* The machine behind pickle.c: its values, its stack, and the bytes it reads. */
#ifndef BRN_IO_PICKLE_MACHINE_H
#define BRN_IO_PICKLE_MACHINE_H

#include "io/pickle.h"

typedef enum { V_NONE, V_NUMBER, V_TEXT, V_TUPLE, V_LIST, V_DICT, V_GLOBAL, V_STORAGE, V_TENSOR, V_MARK } brn_pickle_kind;

typedef enum { G_DICT, G_TENSOR, G_PARAMETER, G_FLOAT, G_DOUBLE, G_LONG } brn_pickle_global;

/* Values are never changed but for containers that grow; nothing walks through containers in containers, so that depth and
 * cycles cost nothing. Numbers of values and cells stand for pointers. */
typedef struct {
    brn_pickle_kind kind;
    uint32_t first, last, count; /* containers: cells; a dictionary's keys and values take turns */
    union {
        int64_t number;
        brn_pickle_global id;
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
    brn_pickled_type type;
} brn_pickle_value;

typedef struct {
    uint32_t value, next;
} brn_pickle_cell;

typedef struct {
    const unsigned char *bytes;
    size_t size, at;
    const char *name;
    brn_pickle_value *values;
    brn_pickle_cell *cells;
    uint32_t *stack, *memo;
    size_t value_count, cell_count, depth, memo_count, value_room, cell_room, stack_room, memo_room;
} brn_pickle_machine;

enum { NOTHING = 0 }; /* value 0 and cell 0 are not used */

/** "name:byte N: ..." as BRN_ERR_INPUT. */
brn_status brn_pickle_bad(const brn_pickle_machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Room for one more entry of a list of `used`. */
brn_status brn_pickle_room(void *list, size_t size, size_t used, size_t *room);
/** A value onto the stack, */
brn_status brn_pickle_push(brn_pickle_machine *m, brn_pickle_value v);
/** one that exists already; */
brn_status brn_pickle_push_again(brn_pickle_machine *m, uint32_t number);
/** and off it, above the last mark only. */
brn_status brn_pickle_pop(brn_pickle_machine *m, uint32_t *number);
/** One more item of a container. */
brn_status brn_pickle_add(brn_pickle_machine *m, uint32_t container, uint32_t item);
/** Where the items begin that the last mark started. */
brn_status brn_pickle_mark(const brn_pickle_machine *m, size_t *first);
/** The i-th item of a container, NOTHING beyond its end; only short ones are asked. */
uint32_t brn_pickle_item(const brn_pickle_machine *m, uint32_t container, uint32_t i);
/** The next bytes of the pickle, */
brn_status brn_pickle_take(brn_pickle_machine *m, size_t count, const unsigned char **bytes);
/** or as many of them as a little-endian number. */
brn_status brn_pickle_number(brn_pickle_machine *m, int width, uint64_t *number);

#endif
