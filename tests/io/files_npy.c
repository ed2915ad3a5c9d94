#include "io/files.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#if BRN_HAVE_ZIP
#include <zip.h>
#endif

size_t make_npy(unsigned char *out, int version, const char *dictionary, const void *data, size_t n)
{
    uint32_t length = (uint32_t)strlen(dictionary);
    size_t start = version == 1 ? 10 : 12;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (unsigned char)version, out[7] = 0;
    memcpy(out + 8, &length, start - 8);
    memcpy(out + start, dictionary, length);
    if (n) memcpy(out + start + length, data, n);
    return start + length + n;
}

const char *put_npy(const folder *f, const char *name, const char *dictionary, const void *data, size_t n)
{
    unsigned char bytes[65536];
    cr_assert_lt(n, sizeof bytes - 4096);
    return put_bytes(f, name, bytes, make_npy(bytes, 1, dictionary, data, n));
}

#if BRN_HAVE_ZIP
void add_to_npz(const char *path, const char *member, const void *bytes, size_t n, int method)
{
    zip_t *zip = zip_open(path, ZIP_CREATE, NULL);
    cr_assert(zip);
    zip_source_t *source = zip_source_buffer(zip, bytes, n, 0);
    zip_int64_t index = zip_file_add(zip, member, source, ZIP_FL_ENC_UTF_8);
    cr_assert(index >= 0 && zip_set_file_compression(zip, (zip_uint64_t)index, method, 0) == 0);
    cr_assert_eq(zip_close(zip), 0);
}
#endif
