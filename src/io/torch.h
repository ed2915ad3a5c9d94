/* PyTorch checkpoints in the ZIP format: a pickled mapping of names to tensors (pickle.h), and one member per storage. */
#ifndef BRN_IO_TORCH_H
#define BRN_IO_TORCH_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct brn_torch brn_torch;
enum { BRN_TORCH_RANK = 8 };

/** Open a checkpoint; nothing in it is executed. Sizes it claims are compared with the file's before anything is allocated
 *  for them. BRN_ERR_INPUT with the file, the byte and what was found; BRN_ERR_UNSUPPORTED in a build without libzip. */
brn_status brn_torch_open(brn_torch **file, const char *path);
void brn_torch_close(brn_torch *file);

size_t brn_torch_count(const brn_torch *file);

/** The rank of a tensor, and its sizes, which its storage has numbers for; rank -1 where there is none of this name. */
brn_status brn_torch_sizes(const brn_torch *file, const char *name, int *rank, size_t shape[static BRN_TORCH_RANK]);

/** A tensor of floats with this name and shape is there. */
brn_status brn_torch_check(const brn_torch *file, const char *name, int rank, const size_t *shape);

/** Copy it, row-major, as floats. */
brn_status brn_torch_read(brn_torch *file, const char *name, int rank, const size_t *shape, float *to);

#endif
