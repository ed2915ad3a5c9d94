#include "io/path.h"

#include <brenier/settings.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

bool brn_has_ending(const char *path, const char *ending)
{
    const size_t n = strlen(path), k = strlen(ending);
    return n >= k && !strcasecmp(path + n - k, ending);
}

brn_status brn_make_folder(const char *path)
{
    char part[BRN_PATH_MAX] = {0};
    struct stat s;
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) return brn_fail(BRN_ERR_DISK, "%.80s...: the path is too long", path);
    for (char *slash = part + 1;; ++slash) {
        if (*slash && *slash != '/') continue;
        const char kept = *slash;
        *slash = 0;
        if (mkdir(part, 0777) && errno != EEXIST) return brn_fail(BRN_ERR_DISK, "%s: cannot make the folder: %s", part, strerror(errno));
        *slash = kept;
        if (!kept) break;
    }
    if (stat(path, &s) || !S_ISDIR(s.st_mode)) return brn_fail(BRN_ERR_DISK, "%s: not a folder", path);
    return BRN_OK;
}
