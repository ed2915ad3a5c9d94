#include <brenier/table.h>

#include "core/memory.h"
#include "io/atomic.h"
#include "io/npy.h"
#include "io/number.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#if BRN_HAVE_ZIP
#include <zip.h>
#endif

typedef enum format { FORMAT_NPY, FORMAT_NPZ, FORMAT_CSV } format;

struct brn_table_writer {
    brn_writer *file;
    format format;
    char *path;
    int cols;
    uint64_t rows;
};

static brn_status format_of(const char *path, format *found)
{
    static const char *const endings[] = {
        [FORMAT_NPY] = ".npy", [FORMAT_NPZ] = ".npz", [FORMAT_CSV] = ".csv"};
    size_t n = strlen(path);
    for (int i = 0; i < 3; ++i)
        if (n > 4 && strcasecmp(path + n - 4, endings[i]) == 0) {
            *found = (format)i;
            return BRN_OK;
        }
    return brn_fail(BRN_ERR_USAGE, "%s: expected a name that ends with .npy, .npz or .csv", path);
}

/* ---- headers ----------------------------------------------------------------------------------- */

static brn_status write_name(brn_writer *file, const char *name)
{
    if (strpbrk(name, "\r\n"))
        return brn_fail(BRN_ERR_USAGE, "column name '%s': expected a single line", name);
    if (*name && !strpbrk(name, "\",;# \t")) return brn_writer_write(file, name, strlen(name));
    BRN_TRY(brn_writer_write(file, "\"", 1));
    for (; *name; ++name) BRN_TRY(brn_writer_write(file, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1));
    return brn_writer_write(file, "\"", 1);
}

static brn_status write_names(const brn_table_writer *w, const char *const *names)
{
    for (int i = 0; names && i < w->cols; ++i) {
        BRN_TRY(write_name(w->file, names[i]));
        BRN_TRY(brn_writer_write(w->file, i + 1 < w->cols ? "," : "\n", 1));
    }
    return BRN_OK;
}

brn_status brn_table_create(brn_table_writer **writer, const char *path, int cols, const char *const *names)
{
    brn_status status;
    brn_table_writer *w = NULL;
    char header[BRN_NPY_HEADER];
    *writer = NULL;
    if (cols < 1) return brn_fail(BRN_ERR_USAGE, "%s: %d columns, expected at least one", path, cols);
    BRN_TRY(BRN_ALLOC(&w, 1, "table writer"));
    w->cols = cols;
    BRN_GO(format_of(path, &w->format));
    if (w->format == FORMAT_NPZ && !BRN_HAVE_ZIP)
        BRN_GO(brn_fail(BRN_ERR_UNSUPPORTED,
                        "%s: NPZ files need a build with libzip (Debian: libzip-dev); NPY files do not",
                        path));
    BRN_GO(brn_strdup(&w->path, path));
    BRN_GO(brn_writer_open(&w->file, path));
    if (w->format == FORMAT_CSV) {
        BRN_GO(write_names(w, names));
    } else {
        brn_npy_format(header, 0, cols); /* written again when the rows are counted */
        BRN_GO(brn_writer_write(w->file, header, sizeof header));
    }
    *writer = w;
    return BRN_OK;
done:
    brn_table_discard(w);
    return status;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static brn_status write_text(const brn_table_writer *w, const float *rows, size_t n)
{
    char text[BRN_NUMBER_TEXT + 1];
    for (size_t i = 0; i < n; ++i)
        for (int k = 0; k < w->cols; ++k) {
            size_t length = brn_format_number(text, *rows++);
            text[length++] = k + 1 < w->cols ? ',' : '\n';
            BRN_TRY(brn_writer_write(w->file, text, length));
        }
    return BRN_OK;
}

brn_status brn_table_write(brn_table_writer *w, const float *rows, size_t n)
{
    BRN_TRY(w->format == FORMAT_CSV ? write_text(w, rows, n)
                                    : brn_writer_write(w->file, rows, n * (size_t)w->cols * sizeof *rows));
    w->rows += n;
    return BRN_OK;
}

/* ---- the end ----------------------------------------------------------------------------------- */

#if BRN_HAVE_ZIP
/* Put the array in `path` into an archive of that name. libzip writes a file of its own and renames
 * it at the end; the open stream still reads the array. */
static brn_status archive(const brn_table_writer *w, const char *path)
{
    brn_status status = BRN_OK;
    int code = 0;
    zip_error_t error;
    zip_int64_t index = -1;
    FILE *array = fopen(path, "rb");
    zip_error_init(&error);
    zip_t *zip = array ? zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code) : NULL;
    zip_source_t *source = zip ? zip_source_filep_create(array, 0, -1, &error) : NULL;
    if (source)
        index = zip_file_add(zip, "arr_0.npy", source, ZIP_FL_ENC_UTF_8);
    else if (array)
        fclose(array);
    if (source && index < 0) zip_source_free(source);
    /* Stored, and with a fixed date: the same rows give the same file. */
    if (index < 0 || zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(zip, (zip_uint64_t)index, 0, 0x21, 0) != 0 || zip_close(zip) != 0) {
        status = brn_fail(BRN_ERR_DISK, "%s: writing the archive failed: %s", w->path,
                          zip ? zip_strerror(zip) : "cannot open it");
        if (zip) zip_discard(zip);
    }
    zip_error_fini(&error);
    return status;
}
#else
static brn_status archive(const brn_table_writer *w, const char *path)
{
    (void)path; /* brn_table_create let no such writer come to be */
    return brn_fail(BRN_ERR_INTERNAL, "%s: no libzip", w->path);
}
#endif

static brn_status complete(const brn_table_writer *w)
{
    char header[BRN_NPY_HEADER];
    const char *path;
    if (w->format == FORMAT_CSV) return BRN_OK;
    brn_npy_format(header, w->rows, w->cols);
    BRN_TRY(brn_writer_patch(w->file, 0, header, sizeof header));
    if (w->format == FORMAT_NPY) return BRN_OK;
    BRN_TRY(brn_writer_release(w->file, &path));
    BRN_TRY(archive(w, path));
    return brn_writer_retake(w->file);
}

brn_status brn_table_commit(brn_table_writer *w)
{
    brn_status status = complete(w);
    if (status == BRN_OK) {
        status = brn_writer_commit(w->file);
        w->file = NULL;
    }
    brn_table_discard(w);
    return status;
}

void brn_table_discard(brn_table_writer *w)
{
    if (!w) return;
    brn_writer_discard(w->file);
    free(w->path);
    free(w);
}
