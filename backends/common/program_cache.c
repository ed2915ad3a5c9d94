#include "common/program_cache.h"
#include "core/memory.h"
#include "io/atomic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };

/* What stands before a program's bytes. The digest is that of the key, the check that of the bytes. */
typedef struct {
    char magic[16];
    brn_program_key key, check;
    uint64_t size;
} header;
static const char MAGIC[16] = "brenier program";

/* ---- files ------------------------------------------------------------------------------------- */

/* Make a folder and those above it; private, as the specification of the XDG folders asks. */
static bool make_folders(char *path)
{
    for (char *at = path + 1;; ++at) {
        if (*at && *at != '/') continue;
        const char end = *at;
        *at = '\0';
        const bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *at = end;
        if (!made || !end) return made;
    }
}

/* The folder, made where it is missing; false where there is none to be had. */
static bool cache_folder(char path[static PATH_BYTES])
{
    const char *base = getenv("XDG_CACHE_HOME"), *below = "";
    if (!base || base[0] != '/') { /* the specification: a relative path is to be ignored */
        base = getenv("HOME");
        below = "/.cache";
    }
    if (!base || base[0] != '/') return false;
    const int length = snprintf(path, PATH_BYTES, "%s%s/brenier/programs", base, below);
    return length < PATH_BYTES && make_folders(path);
}

static bool path_of(const char *kind, const brn_program_key *key, char path[static PATH_BYTES])
{
    char folder[PATH_BYTES];
    if (!cache_folder(folder)) return false;
    return snprintf(path, PATH_BYTES, "%s/%s-%016llx%016llx", folder, kind, (unsigned long long)key->high,
                    (unsigned long long)key->low) < PATH_BYTES;
}

static header header_of(const brn_program_key *key, const void *bytes, size_t size)
{
    header h = {.key = *key, .check = brn_program_key_start(), .size = size};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    brn_program_key_add(&h.check, bytes, size);
    return h;
}

/* The file's program if it is whole and has this key; a size that is not the file's is not trusted. */
static brn_status read_program(FILE *file, const brn_program_key *key, void **bytes, size_t *size)
{
    header found;
    struct stat s;
    if (fread(&found, sizeof found, 1, file) != 1 || fstat(fileno(file), &s) != 0 || !S_ISREG(s.st_mode)) return BRN_OK;
    if (s.st_size < 0 || (uint64_t)s.st_size < sizeof found || found.size != (uint64_t)s.st_size - sizeof found) return BRN_OK;
    void *block;
    BRN_TRY(brn_alloc_bytes(&block, found.size, 1, "cached program"));
    const bool whole = fread(block, 1, found.size, file) == found.size;
    const header expected = header_of(key, block, found.size);
    if (!whole || memcmp(&found, &expected, sizeof found) != 0) {
        free(block);
        return BRN_OK;
    }
    *bytes = block;
    *size = found.size;
    return BRN_OK;
}

brn_status brn_program_cache_load(const char *kind, const brn_program_key *key, void **bytes, size_t *size)
{
    char path[PATH_BYTES];
    *bytes = NULL;
    *size = 0;
    FILE *file = path_of(kind, key, path) ? fopen(path, "rbe") : NULL;
    if (!file) return BRN_OK;
    const brn_status status = read_program(file, key, bytes, size);
    fclose(file);
    return status;
}

bool brn_program_cache_store(const char *kind, const brn_program_key *key, const void *bytes, size_t size)
{
    char path[PATH_BYTES];
    brn_writer *writer;
    if (!path_of(kind, key, path) || brn_writer_open(&writer, path) != BRN_OK) return false;
    const header h = header_of(key, bytes, size);
    if (brn_writer_write(writer, &h, sizeof h) == BRN_OK && brn_writer_write(writer, bytes, size) == BRN_OK)
        return brn_writer_commit(writer) == BRN_OK;
    brn_writer_discard(writer);
    return false;
}

void brn_program_cache_drop(const char *kind, const brn_program_key *key)
{
    char path[PATH_BYTES];
    if (path_of(kind, key, path)) unlink(path);
}

void brn_program_cache_log(const char *kind, const char *text, char path[static PATH_BYTES])
{
    char folder[PATH_BYTES];
    path[0] = '\0';
    if (!cache_folder(folder) || snprintf(path, PATH_BYTES, "%s/%s.log", folder, kind) >= PATH_BYTES ||
        brn_write_file(path, text, strlen(text)) != BRN_OK)
        path[0] = '\0';
}
