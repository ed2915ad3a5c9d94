/* Which way of multiplying was the fastest on a device, by classes of sizes; kept beside the compiled programs. */
#ifndef BRN_OPENCL_CHOICE_H
#define BRN_OPENCL_CHOICE_H

#include "opencl/opencl.h"

/** Sizes of a class are between two powers of two; those above the last one are in the last class. */
enum { BRN_OPENCL_CLASSES = 21 };

typedef struct brn_opencl_choices {
    unsigned char way[4][BRN_OPENCL_CLASSES][BRN_OPENCL_CLASSES][BRN_OPENCL_CLASSES]; /* 1 + the way; 0: not known */
} brn_opencl_choices;

/** The place of a product's choice. */
unsigned char *brn_opencl_choice(brn_opencl_choices *choices, const brn_gemm_args *args);

/** What is kept for this device and driver; nothing where there is no file, or one that is not whole. */
brn_status brn_opencl_choices_load(brn_opencl_choices *choices, const brn_opencl *cl);
/** True if they are on disk now. */
bool brn_opencl_choices_store(const brn_opencl_choices *choices, const brn_opencl *cl);

#endif
