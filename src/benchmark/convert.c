/* The published pairs, from a clone of their repository. */
#include "benchmark/folder.h"
#include "benchmark/frozen.h"
#include "core/memory.h"
#include "io/torch.h"
#include <brenier/benchmark.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char FOLDER[] = "benchmarks/Mix3toMix10";
enum { STANDARD_POINTS = 1 << 18, MOST_DIM = 4096 };

brn_status brn_clone_folder(const char *clone, const char *inside, char folder[static BRN_PATH_MAX + 64])
{
    struct stat s;
    if (strlen(clone) >= BRN_PATH_MAX) return brn_fail(BRN_ERR_INPUT, "%.80s...: the path is too long", clone);
    snprintf(folder, BRN_PATH_MAX + 64, "%s/%s", clone, inside);
    if (stat(folder, &s) || !S_ISDIR(s.st_mode)) snprintf(folder, BRN_PATH_MAX + 64, "%s", clone);
    return BRN_OK;
}

/* The n of "<n>_v1.pt", else 0. */
static int dimension_of(const char *name)
{
    char *end;
    const long n = name[0] >= '1' && name[0] <= '9' ? strtol(name, &end, 10) : 0;
    return n > 0 && n <= MOST_DIM && !strcmp(end, "_v1.pt") ? (int)n : 0;
}

static int by_size(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

brn_status brn_benchmark_list(const char *clone, int *n, int capacity, int *count)
{
    char folder[BRN_PATH_MAX + 64];
    *count = 0;
    BRN_TRY(brn_clone_folder(clone, FOLDER, folder));
    DIR *dir = opendir(folder);
    if (!dir) return brn_fail(BRN_ERR_INPUT, "%s: expected a clone of the benchmark's repository: %s", clone, strerror(errno));
    for (const struct dirent *e; (e = readdir(dir));) {
        const int found = dimension_of(e->d_name);
        if (!found) continue;
        if (*count < capacity) n[*count] = found;
        ++*count;
    }
    closedir(dir);
    qsort(n, (size_t)(*count < capacity ? *count : capacity), sizeof *n, by_size);
    return *count ? BRN_OK : brn_fail(BRN_ERR_INPUT, "%s: expected checkpoints <n>_v1.pt and <n>_v2.pt in it or in its %s", clone, FOLDER);
}

/* ---- one network ------------------------------------------------------------------------------- */

/* The checkpoint's name and sizes of one of our tensors: quadratic_decomposed is n x 1 x h, all others are as ours. */
typedef struct {
    char name[64];
    int rank;
    size_t shape[3];
} original;

static original original_of(const brn_frozen_tensor *t)
{
    original o = {.rank = t->in ? 2 : 1, .shape = {(size_t)t->out, (size_t)t->in}};
    const char *number = strchr(t->name, '.');
    const int l = number ? number[1] - '0' : 0;
    if (!strncmp(t->name, "quad", 4)) {
        snprintf(o.name, sizeof o.name, "quadratic_layers.%d.quadratic_decomposed", l);
        o.rank = 3, o.shape[0] = (size_t)t->in, o.shape[1] = 1, o.shape[2] = (size_t)t->out;
    } else if (!strncmp(t->name, "conv", 4)) snprintf(o.name, sizeof o.name, "convex_layers.%d.weight", l - 1);
    else if (!strcmp(t->name, "out")) {
        snprintf(o.name, sizeof o.name, "final_layer.weight");
        o.rank = 2, o.shape[0] = 1, o.shape[1] = (size_t)t->out;
    } else snprintf(o.name, sizeof o.name, "quadratic_layers.%d.%s", l, t->in ? "weight" : "bias");
    return o;
}

static brn_status read_tensor(brn_torch *file, const brn_frozen_tensor *t, float *to)
{
    const original o = original_of(t);
    if (o.rank != 3) return brn_torch_read(file, o.name, o.rank, o.shape, to);
    const size_t in = (size_t)t->in, out = (size_t)t->out;
    float *turned;
    BRN_TRY(BRN_ALLOC(&turned, in * out, "network"));
    const brn_status status = brn_torch_read(file, o.name, o.rank, o.shape, turned);
    for (size_t k = 0; k < in * out && status == BRN_OK; ++k) to[k] = turned[k % in * out + k / in];
    free(turned);
    return status;
}

static brn_status check_file(const brn_torch *file, const brn_frozen *f, const char *path)
{
    for (int i = 0; i < BRN_FROZEN_TENSORS; ++i) {
        const original o = original_of(&f->tensor[i]);
        BRN_TRY(brn_torch_check(file, o.name, o.rank, o.shape));
    }
    if (brn_torch_count(file) == BRN_FROZEN_TENSORS) return BRN_OK;
    return brn_fail(BRN_ERR_INPUT, "%s: %zu tensors, expected the %d of a network of dimension %d", path, brn_torch_count(file), BRN_FROZEN_TENSORS, f->n);
}

static brn_status read_part(brn_frozen *f, int v, const char *folder)
{
    char path[BRN_PATH_MAX + 96];
    brn_torch *file;
    snprintf(path, sizeof path, "%s/%d_v%d.pt", folder, f->n, v + 1);
    BRN_TRY(brn_torch_open(&file, path));
    brn_status status = check_file(file, f, path);
    for (int i = 0; i < BRN_FROZEN_TENSORS && status == BRN_OK; ++i) status = read_tensor(file, &f->tensor[i], f->part[v] + f->tensor[i].at);
    brn_torch_close(file);
    return status == BRN_OK ? brn_frozen_check(f, v, path) : status;
}

brn_status brn_benchmark_convert(const char *clone, int n, int threads, const char *path)
{
    static const brn_st_pair metadata[] = {{"pair", "Mix3toMix10"}, BRN_PUBLISHED};
    char folder[BRN_PATH_MAX + 64], *beside;
    brn_frozen f;
    brn_status status;
    BRN_TRY(brn_eval_path(path, &beside));
    free(beside);
    BRN_TRY(brn_clone_folder(clone, FOLDER, folder));
    BRN_TRY(brn_frozen_create(&f, n, 0));
    for (int v = 0; v < BRN_FROZEN_PARTS; ++v) BRN_GO(read_part(&f, v, folder));
    BRN_GO(brn_frozen_standardise(&f, threads, STANDARD_POINTS));
    status = brn_frozen_write(&f, threads, path, metadata, sizeof metadata / sizeof *metadata);
done:
    brn_frozen_free(&f);
    return status;
}
