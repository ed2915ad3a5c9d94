#include "io/torch.h"

#include "core/memory.h"
#include "io/mapped.h"
#include "io/pickle.h"

#include <string.h>

#if BRN_HAVE_ZIP
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zip.h>

enum { NAME = 320 };

struct brn_torch {
    char *path;
    uint64_t size;     /* of the file */
    zip_t *zip;
    char root[256];    /* folder of all members, with the slash */
    unsigned char *pickle;
    brn_pickled_tensor *tensor;
    size_t tensors;
};

/* ---- members ------------------------------------------------------------------------------------ */

static brn_status find_root(brn_torch *f)
{
    const zip_int64_t entries = zip_get_num_entries(f->zip, 0);
    for (zip_int64_t i = 0; i < entries; ++i) {
        const char *name = zip_get_name(f->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW), *slash = name ? strchr(name, '/') : NULL;
        const size_t length = slash ? (size_t)(slash - name) + 1 : 0;
        if (!length || length >= sizeof f->root || (i && (length != strlen(f->root) || memcmp(name, f->root, length))))
            return brn_fail(BRN_ERR_INPUT, "%s: expected the members of a PyTorch checkpoint in one folder of the archive", f->path);
        memcpy(f->root, name, length);
        f->root[length] = 0;
    }
    return entries > 0 ? BRN_OK : brn_fail(BRN_ERR_INPUT, "%s: an archive without members", f->path);
}

/* Stored members only: what one claims to hold is no more than the file has. */
static brn_status stat_member(const brn_torch *f, const char *name, zip_uint64_t *index, uint64_t *size)
{
    char full[NAME];
    zip_stat_t s;
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    snprintf(full, sizeof full, "%s%s", f->root, name);
    const zip_int64_t found = zip_name_locate(f->zip, full, ZIP_FL_ENC_RAW);
    if (found < 0) return brn_fail(BRN_ERR_INPUT, "%s: no member '%s': not a PyTorch checkpoint of this format", f->path, name);
    zip_stat_init(&s);
    if (zip_stat_index(f->zip, (zip_uint64_t)found, 0, &s) != 0 || (s.valid & needed) != needed)
        return brn_fail(BRN_ERR_INPUT, "%s: the archive does not give the size of '%s'", f->path, name);
    if (s.comp_method != ZIP_CM_STORE || s.size != s.comp_size || s.size > f->size)
        return brn_fail(BRN_ERR_INPUT, "%s: '%s' has %llu bytes in %llu: expected it uncompressed and inside the file", f->path, name,
                        (unsigned long long)s.size, (unsigned long long)s.comp_size);
    *index = (zip_uint64_t)found;
    *size = s.size;
    return BRN_OK;
}

/* All of a member, whose checksum is then verified. */
static brn_status read_member(brn_torch *f, const char *name, zip_uint64_t index, uint64_t size, void *to)
{
    char extra;
    zip_file_t *file = zip_fopen_index(f->zip, index, 0);
    const zip_int64_t got = file ? zip_fread(file, to, size) : -1;
    const zip_int64_t end = got == (zip_int64_t)size ? zip_fread(file, &extra, 1) : -1;
    if (file) zip_fclose(file);
    return end == 0 ? BRN_OK : brn_fail(BRN_ERR_INPUT, "%s: '%s' cannot be read: damaged, or shorter than the archive says", f->path, name);
}

static brn_status check_version(brn_torch *f)
{
    zip_uint64_t index;
    uint64_t size;
    char text[8] = "";
    BRN_TRY(stat_member(f, "version", &index, &size));
    if (size && size < sizeof text) BRN_TRY(read_member(f, "version", index, size, text));
    text[strcspn(text, "\n")] = 0;
    if (size < 1 || size > 2 || strcmp(text, "3"))
        return brn_fail(BRN_ERR_INPUT, "%s: 'version' is \"%.7s\", expected \"3\"", f->path, text[0] >= '0' && text[0] <= '9' ? text : "");
    return BRN_OK;
}

static brn_status read_pickle(brn_torch *f)
{
    char name[2 * NAME + 16];
    zip_uint64_t index;
    uint64_t size;
    BRN_TRY(stat_member(f, "data.pkl", &index, &size));
    if (size > BRN_PICKLE_MAX)
        return brn_fail(BRN_ERR_INPUT, "%s: 'data.pkl' has %llu bytes, expected %d at most", f->path, (unsigned long long)size, BRN_PICKLE_MAX);
    BRN_TRY(BRN_ALLOC(&f->pickle, size, "pickle"));
    BRN_TRY(read_member(f, "data.pkl", index, size, f->pickle));
    snprintf(name, sizeof name, "%.600s[data.pkl]", f->path);
    return brn_pickle_tensors(f->pickle, size, name, &f->tensor, &f->tensors);
}

/* Clearer lines than libzip's for what people meet: pointers of Git LFS, and the format before the ZIP one. */
static brn_status look_at_file(brn_torch *f)
{
    static const char lfs[] = "version https://git-lfs";
    char start[sizeof lfs] = "";
    int fd;
    BRN_TRY(brn_open_regular(f->path, &fd, &f->size));
    const ssize_t got = read(fd, start, sizeof lfs - 1);
    close(fd);
    if (got == (ssize_t)sizeof lfs - 1 && !memcmp(start, lfs, sizeof lfs - 1))
        return brn_fail(BRN_ERR_INPUT, "%s: a pointer of Git LFS, not the file itself: run \"git lfs pull\" in the clone", f->path);
    if (got < 2 || start[0] != 'P' || start[1] != 'K')
        return brn_fail(BRN_ERR_INPUT, "%s: expected a PyTorch checkpoint in its ZIP format (torch.save since version 1.6)", f->path);
    return BRN_OK;
}

static brn_status open_parts(brn_torch *f, const char *path)
{
    int code = 0;
    BRN_TRY(brn_strdup(&f->path, path));
    BRN_TRY(look_at_file(f));
    f->zip = zip_open(path, ZIP_RDONLY, &code);
    if (!f->zip)
        return brn_fail(code == ZIP_ER_MEMORY ? BRN_ERR_MEMORY : BRN_ERR_INPUT, "%s: expected an intact ZIP archive", path);
    BRN_TRY(find_root(f));
    BRN_TRY(check_version(f));
    return read_pickle(f);
}

brn_status brn_torch_open(brn_torch **file, const char *path)
{
    brn_torch *f;
    *file = NULL;
    BRN_TRY(BRN_ALLOC(&f, 1, "checkpoint"));
    const brn_status status = open_parts(f, path);
    if (status == BRN_OK) *file = f;
    else brn_torch_close(f);
    return status;
}

void brn_torch_close(brn_torch *f)
{
    if (!f) return;
    if (f->zip) zip_discard(f->zip);
    free(f->path), free(f->pickle), free(f->tensor);
    free(f);
}

size_t brn_torch_count(const brn_torch *f) { return f->tensors; }

/* ---- tensors ------------------------------------------------------------------------------------ */

/* NULL where there is none. */
static brn_status look_up(const brn_torch *f, const char *name, const brn_pickled_tensor **found)
{
    *found = NULL;
    for (size_t i = 0; i < f->tensors; ++i) {
        const brn_pickled_tensor *t = &f->tensor[i];
        if (t->name_length != strlen(name) || memcmp(t->name, name, t->name_length)) continue;
        if (*found) return brn_fail(BRN_ERR_INPUT, "%s: two tensors are named '%s'", f->path, name);
        *found = t;
    }
    return BRN_OK;
}

static brn_status find(const brn_torch *f, const char *name, const brn_pickled_tensor **found)
{
    BRN_TRY(look_up(f, name, found));
    if (!*found) return brn_fail(BRN_ERR_INPUT, "%s: no tensor '%s'", f->path, name);
    return (*found)->type == BRN_PICKLED_INTEGER ? brn_fail(BRN_ERR_INPUT, "%s: tensor '%s' holds integers, expected floats", f->path, name) : BRN_OK;
}

static void print_sizes(char text[static 128], int rank, const uint64_t *shape)
{
    size_t used = 0;
    *text = 0;
    for (int i = 0; i < rank && used < 100; ++i) used += (size_t)snprintf(text + used, 128 - used, "%s%llu", i ? " x " : "", (unsigned long long)shape[i]);
}

/* The view lies inside its storage, and is no larger than it. */
static brn_status check_view(const brn_torch *f, const char *name, const brn_pickled_tensor *t)
{
    uint64_t last = t->offset, count = 1;
    bool fits = true, empty = false;
    for (int i = 0; i < t->rank; ++i) {
        uint64_t span = 0;
        if (!t->shape[i]) empty = true;
        else fits = fits && !__builtin_mul_overflow(t->shape[i] - 1, t->stride[i], &span) && !__builtin_add_overflow(last, span, &last);
        fits = fits && !__builtin_mul_overflow(count, t->shape[i], &count);
    }
    if (empty || !fits || count > t->storage_count || last >= t->storage_count)
        return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s' reaches past its storage of %llu numbers", f->path, name, (unsigned long long)t->storage_count);
    return BRN_OK;
}

static brn_status check(const brn_torch *f, const char *name, int rank, const size_t *shape, const brn_pickled_tensor **found)
{
    char has[128], wants[128];
    uint64_t wanted[BRN_PICKLE_RANK] = {0};
    BRN_TRY(find(f, name, found));
    bool same = (*found)->rank == rank;
    for (int i = 0; i < rank; ++i) {
        wanted[i] = shape[i];
        same = same && (*found)->shape[i] == shape[i];
    }
    print_sizes(has, (*found)->rank, (*found)->shape);
    print_sizes(wants, rank, wanted);
    if (!same) return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s' has the sizes %s, expected %s", f->path, name, has, wants);
    return check_view(f, name, *found);
}

/* Where the numbers of a storage are, of which there are as many as announced. */
static brn_status find_storage(const brn_torch *f, const brn_pickled_tensor *t, char member[static NAME], zip_uint64_t *index, uint64_t *size)
{
    snprintf(member, NAME, "data/%.*s", (int)t->storage_length, t->storage);
    BRN_TRY(stat_member(f, member, index, size));
    const size_t width = t->type == BRN_PICKLED_FLOAT ? sizeof(float) : sizeof(double);
    if (*size % width || *size / width != t->storage_count)
        return brn_fail(BRN_ERR_INPUT, "%s: '%s' has %llu bytes, %llu numbers are announced", f->path, member, (unsigned long long)*size,
                        (unsigned long long)t->storage_count);
    return BRN_OK;
}

brn_status brn_torch_sizes(const brn_torch *f, const char *name, int *rank, size_t shape[static BRN_TORCH_RANK])
{
    const brn_pickled_tensor *t;
    char member[NAME];
    zip_uint64_t index;
    uint64_t size;
    *rank = -1;
    BRN_TRY(look_up(f, name, &t));
    if (!t) return BRN_OK;
    BRN_TRY(check_view(f, name, t));
    BRN_TRY(find_storage(f, t, member, &index, &size));
    *rank = t->rank;
    for (int i = 0; i < t->rank; ++i) shape[i] = t->shape[i];
    return BRN_OK;
}

brn_status brn_torch_check(const brn_torch *f, const char *name, int rank, const size_t *shape)
{
    const brn_pickled_tensor *t;
    return check(f, name, rank, shape, &t);
}

static void copy_view(const brn_pickled_tensor *t, const void *storage, float *to)
{
    uint64_t at[BRN_PICKLE_RANK] = {0}, from = t->offset;
    for (size_t k = 0;; ++k) {
        to[k] = t->type == BRN_PICKLED_DOUBLE ? (float)((const double *)storage)[from] : ((const float *)storage)[from];
        int axis = t->rank - 1;
        for (; axis >= 0 && ++at[axis] == t->shape[axis]; --axis) {
            from -= (t->shape[axis] - 1) * t->stride[axis];
            at[axis] = 0;
        }
        if (axis < 0) return;
        from += t->stride[axis];
    }
}

brn_status brn_torch_read(brn_torch *f, const char *name, int rank, const size_t *shape, float *to)
{
    const brn_pickled_tensor *t;
    char member[NAME];
    zip_uint64_t index;
    uint64_t size;
    void *storage;
    BRN_TRY(check(f, name, rank, shape, &t));
    BRN_TRY(find_storage(f, t, member, &index, &size));
    BRN_TRY(brn_alloc_bytes(&storage, t->storage_count, size / t->storage_count, "storage"));
    const brn_status status = read_member(f, member, index, size, storage);
    if (status == BRN_OK) copy_view(t, storage, to);
    free(storage);
    return status;
}

#else

brn_status brn_torch_open(brn_torch **file, const char *path)
{
    *file = NULL;
    return brn_fail(BRN_ERR_UNSUPPORTED, "%s: PyTorch checkpoints need a build with libzip (Debian: libzip-dev)", path);
}
void brn_torch_close(brn_torch *file) { (void)file; }
size_t brn_torch_count(const brn_torch *file) { (void)file; return 0; }
brn_status brn_torch_sizes(const brn_torch *file, const char *name, int *rank, size_t shape[static BRN_TORCH_RANK])
{
    (void)file, (void)name, (void)rank, (void)shape;
    return BRN_ERR_UNSUPPORTED;
}
brn_status brn_torch_check(const brn_torch *file, const char *name, int rank, const size_t *shape)
{
    (void)file, (void)name, (void)rank, (void)shape;
    return BRN_ERR_UNSUPPORTED;
}
brn_status brn_torch_read(brn_torch *file, const char *name, int rank, const size_t *shape, float *to)
{
    (void)file, (void)name, (void)rank, (void)shape, (void)to;
    return BRN_ERR_UNSUPPORTED;
}

#endif
