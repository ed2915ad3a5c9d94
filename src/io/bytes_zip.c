#include "io/bytes.h"

#include "core/memory.h"
#include "io/mapped.h"

#if BRN_HAVE_ZIP
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

/* Deflate cannot shrink by more than this, so a directory that claims more lies. */
#define DEFLATE_MAX_RATIO 1032

typedef struct member {
    zip_t *zip;
    zip_file_t *file; /* NULL: not opened yet */
    uint64_t index, at;
} member;

static brn_status zip_failed(const char *name, zip_error_t *error)
{
    if (zip_error_code_zip(error) == ZIP_ER_MEMORY) return brn_fail(BRN_ERR_MEMORY, "%s: cannot allocate for reading the archive", name);
    return brn_fail(BRN_ERR_INPUT, "%s: expected an intact member of an NPZ (ZIP) archive: %s", name, zip_error_strerror(error));
}

static brn_status reopen(brn_bytes *bytes, member *m)
{
    if (m->file) zip_fclose(m->file);
    m->at = 0;
    m->file = zip_fopen_index(m->zip, m->index, 0);
    return m->file ? BRN_OK : zip_failed(bytes->name, zip_get_error(m->zip));
}

static brn_status read_on(brn_bytes *bytes, member *m, void *dst, size_t n)
{
    char *to = dst;
    while (n > 0) {
        zip_int64_t got = zip_fread(m->file, to, n);
        if (got < 0) return zip_failed(bytes->name, zip_file_get_error(m->file));
        if (got == 0)
            return brn_fail(BRN_ERR_INPUT, "%s:byte %llu: the member ends here, its size was given as %llu",
                            bytes->name, (unsigned long long)m->at, (unsigned long long)bytes->size);
        to += got, n -= (size_t)got, m->at += (uint64_t)got;
    }
    if (m->at < bytes->size) return BRN_OK;
    char extra; /* reading the end makes libzip compare the checksum */
    zip_int64_t end = zip_fread(m->file, &extra, 1);
    if (end < 0) return zip_failed(bytes->name, zip_file_get_error(m->file));
    if (end > 0)
        return brn_fail(BRN_ERR_INPUT, "%s: the member is longer than its size was given", bytes->name);
    return BRN_OK;
}

static brn_status get_member(brn_bytes *bytes, uint64_t offset, void *dst, size_t n)
{
    member *m = bytes->handle;
    char skipped[4096];
    if (!m->file || offset < m->at) BRN_TRY(reopen(bytes, m));
    while (m->at < offset) {
        uint64_t gap = offset - m->at;
        BRN_TRY(read_on(bytes, m, skipped, gap < sizeof skipped ? (size_t)gap : sizeof skipped));
    }
    return read_on(bytes, m, dst, n);
}

static void close_member(brn_bytes *bytes)
{
    member *m = bytes->handle;
    if (m && m->file) zip_fclose(m->file);
    if (m && m->zip) zip_discard(m->zip);
    free(m);
}

/* ---- which member ------------------------------------------------------------------------------ */

/* Length of an array's name, which the member's has without ".npy"; -1 for other members. */
static int array_name(const char *member_name)
{
    size_t n = member_name ? strlen(member_name) : 0;
    return n > 4 && n < 65536 && strcmp(member_name + n - 4, ".npy") == 0 ? (int)n - 4 : -1;
}

static brn_status no_such_array(const brn_bytes *bytes, const member *m, const char *array)
{
    char list[256] = "";
    size_t used = 0;
    zip_int64_t entries = zip_get_num_entries(m->zip, 0);
    for (zip_int64_t i = 0; i < entries && used < 200; ++i) {
        const char *name = zip_get_name(m->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        int n = array_name(name);
        if (n >= 0)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%.*s", used ? ", " : "",
                                     n < 40 ? n : 40, name);
    }
    if (!used) return brn_fail(BRN_ERR_INPUT, "%s: expected arrays (members *.npy), found none", bytes->name);
    return brn_fail(BRN_ERR_INPUT, "%s: no array '%s', found %s", bytes->name, array, list);
}

static brn_status find_member(const brn_bytes *bytes, member *m, const char *array, const char **found)
{
    zip_int64_t entries = zip_get_num_entries(m->zip, 0);
    *found = NULL;
    for (zip_int64_t i = 0; i < entries; ++i) {
        const char *name = zip_get_name(m->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        int n = array_name(name);
        if (n < 0) continue;
        if (*found && strcmp(*found, name) == 0)
            return brn_fail(BRN_ERR_INPUT, "%s: two members are named '%.200s'", bytes->name, name);
        if (*found || (array && (strlen(array) != (size_t)n || memcmp(array, name, (size_t)n) != 0)))
            continue;
        *found = name;
        m->index = (uint64_t)i;
    }
    return *found ? BRN_OK : no_such_array(bytes, m, array);
}

/* What the directory claims must be possible for an archive of this length: only then may memory be
 * allocated for it. */
static brn_status check_sizes(brn_bytes *bytes, const member *m, uint64_t archive_size)
{
    zip_stat_t s;
    zip_stat_init(&s);
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(m->zip, m->index, 0, &s) != 0 || (s.valid & needed) != needed)
        return brn_fail(BRN_ERR_INPUT, "%s: the archive does not give its size", bytes->name);
    if (s.comp_method != ZIP_CM_STORE && s.comp_method != ZIP_CM_DEFLATE)
        return brn_fail(BRN_ERR_INPUT, "%s: ZIP compression method %d, expected stored or deflated",
                        bytes->name, s.comp_method);
    uint64_t ratio = s.comp_method == ZIP_CM_STORE ? 1 : DEFLATE_MAX_RATIO;
    if (s.comp_size > archive_size || s.size / ratio > s.comp_size)
        return brn_fail(BRN_ERR_INPUT,
                        "%s: size of %llu bytes claimed, which %llu compressed bytes cannot hold",
                        bytes->name, (unsigned long long)s.size, (unsigned long long)s.comp_size);
    bytes->size = s.size;
    return BRN_OK;
}

static brn_status name_member(brn_bytes *bytes, const char *path, const char *member_name)
{
    size_t length = strlen(path) + strlen(member_name) + 3;
    free(bytes->name);
    BRN_TRY(BRN_ALLOC(&bytes->name, length, "name"));
    snprintf(bytes->name, length, "%s[%.*s]", path, array_name(member_name), member_name);
    return BRN_OK;
}

brn_status brn_bytes_zip(brn_bytes *bytes, const char *path, const char *array)
{
    brn_status status;
    int fd, code = 0;
    uint64_t archive_size;
    const char *found;
    member *m = NULL;
    *bytes = (brn_bytes){.sequential = true, .get = get_member, .close = close_member};
    BRN_TRY(brn_open_regular(path, &fd, &archive_size)); /* clearer lines than libzip's, and never a folder */
    close(fd);
    BRN_GO(BRN_ALLOC(&m, 1, "archive"));
    bytes->handle = m;
    BRN_GO(brn_strdup(&bytes->name, path));
    m->zip = zip_open(path, ZIP_RDONLY, &code);
    if (!m->zip) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        status = code == ZIP_ER_MEMORY ? zip_failed(path, &error)
                                       : brn_fail(BRN_ERR_INPUT, "%s: expected an NPZ (ZIP) archive: %s", path,
                                                  zip_error_strerror(&error));
        zip_error_fini(&error);
        goto done;
    }
    BRN_GO(find_member(bytes, m, array, &found));
    BRN_GO(name_member(bytes, path, found));
    BRN_GO(check_sizes(bytes, m, archive_size));
    return BRN_OK;
done:
    brn_bytes_close(bytes);
    return status;
}

#else

brn_status brn_bytes_zip(brn_bytes *bytes, const char *path, const char *array)
{
    (void)array;
    *bytes = (brn_bytes){0};
    return brn_fail(BRN_ERR_UNSUPPORTED,
                    "%s: NPZ files need a build with libzip (Debian: libzip-dev); NPY files do not", path);
}

#endif
