/* Pickled mappings from names to tensors, as PyTorch writes its state dictionaries, without running anything in them:
 * a small machine that knows the opcodes of plain data, and of all the functions and classes a pickle may name only
 *
 *     collections.OrderedDict   torch._utils._rebuild_tensor_v2   torch._utils._rebuild_parameter
 *     torch.FloatStorage        torch.DoubleStorage        torch.LongStorage
 *
 * whose effect is written out here. Any other name is refused, by name. */
#ifndef BRN_IO_PICKLE_H
#define BRN_IO_PICKLE_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BRN_PICKLE_RANK = 8, BRN_PICKLE_MAX = 1 << 18 /* bytes of a pickle; what is made of it is bounded by that */ };

typedef enum { BRN_PICKLED_FLOAT, BRN_PICKLED_DOUBLE, BRN_PICKLED_INTEGER } brn_pickled_type;

/** A view of a storage, which is an array in another file; nothing is known yet but what the pickle claims. */
typedef struct brn_pickled_tensor {
    const char *name, *storage; /* not terminated: */
    size_t name_length, storage_length;
    brn_pickled_type type;
    uint64_t storage_count, offset;
    int rank;
    uint64_t shape[BRN_PICKLE_RANK], stride[BRN_PICKLE_RANK];
} brn_pickled_tensor;

/** Read the pickle bytes[0..size), which outlive the result; `name` begins the lines of failures, followed by
 *  ":byte N". Release the tensors with free(). */
brn_status brn_pickle_tensors(const unsigned char *bytes, size_t size, const char *name, brn_pickled_tensor **tensors, size_t *count);

#endif
