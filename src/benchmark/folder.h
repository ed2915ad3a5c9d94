/* A clone of the published benchmark's repository. */
#ifndef BRN_BENCHMARK_FOLDER_H
#define BRN_BENCHMARK_FOLDER_H

#include "core/error.h"
#include <brenier/settings.h>

/** The folder `inside` of a clone, or `clone` itself where it has none. */
brn_status brn_clone_folder(const char *clone, const char *inside, char folder[static BRN_PATH_MAX + 64]);

/** Where converted pairs come from, as metadata. */
#define BRN_PUBLISHED                                                                                        \
    {"source", "https://github.com/iamalexkorotin/Wasserstein2Benchmark"},                                   \
    {"licence", "MIT, Copyright (c) 2021 Alexander Korotin"},                                                \
    {"citation", "Korotin, Li, Genevay, Solomon, Filippov, Burnaev: Do Neural Optimal Transport Solvers Work? " \
                 "A Continuous Wasserstein-2 Benchmark, NeurIPS 2021, arXiv:2106.01954"},                    \
    {"converted_by", "brenier"}

#endif
