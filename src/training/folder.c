#include "training/folder.h"
#include "core/memory.h"
#include "io/atomic.h"
#include "io/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char HEADER[] = "step,seconds,loss,dual,l2_uvp,evaluations_per_row,iterations_per_row,failed_rows\n";

static bool exists(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0;
}

/* mkdir -p */
static brn_status make_folder(const char *path)
{
    char part[BRN_PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = part + 1;; ++slash) {
        if (*slash && *slash != '/') continue;
        const char kept = *slash;
        *slash = 0;
        if (mkdir(part, 0777) && errno != EEXIST) return brn_fail(BRN_ERR_DISK, "%s: cannot make the run folder: %s", part, strerror(errno));
        *slash = kept;
        if (!kept) break;
    }
    struct stat s;
    if (stat(path, &s) || !S_ISDIR(s.st_mode)) return brn_fail(BRN_ERR_DISK, "%s: not a folder", path);
    return BRN_OK;
}

/* Where and with how many threads a training runs does not change what it is. */
static bool matters(const char *key) { return strcmp(key, "out") && strcmp(key, "threads") && strcmp(key, "device"); }

static brn_status same_settings(const brn_folder *folder, const brn_settings *wanted)
{
    brn_settings found = *wanted;
    BRN_TRY(brn_settings_load(&found, folder->config));
    for (int i = 0; i < brn_settings_count(); ++i) {
        const char *key, *values, *meaning;
        char a[2 * BRN_PATH_MAX], b[2 * BRN_PATH_MAX];
        BRN_TRY(brn_settings_describe(i, &key, &values, &meaning));
        if (!matters(key)) continue;
        BRN_TRY(brn_settings_get(&found, key, a, sizeof a));
        BRN_TRY(brn_settings_get(wanted, key, b, sizeof b));
        if (strcmp(a, b))
            return brn_fail(BRN_ERR_USAGE, "%s holds another run: %s is %s there, %s here; choose another folder (out=) or remove that one",
                            wanted->out, key, a, b);
    }
    return BRN_OK;
}

brn_status brn_folder_open(brn_folder *f, const brn_settings *settings, bool resume)
{
    *f = (brn_folder){.used = settings->out[0] != 0};
    if (!f->used) return resume ? brn_fail(BRN_ERR_USAGE, "nothing to resume: no run folder is given (out=DIR)") : BRN_OK;
    snprintf(f->config, sizeof f->config, "%s/config.yaml", settings->out);
    snprintf(f->log, sizeof f->log, "%s/log.csv", settings->out);
    snprintf(f->latest, sizeof f->latest, "%s/latest.safetensors", settings->out);
    snprintf(f->best, sizeof f->best, "%s/best.safetensors", settings->out);
    f->checkpoint = exists(f->latest);
    if (resume && !f->checkpoint) return brn_fail(BRN_ERR_INPUT, "%s: nothing to resume: there is no latest.safetensors", settings->out);
    BRN_TRY(make_folder(settings->out));
    if (exists(f->config)) BRN_TRY(same_settings(f, settings));
    else if (f->checkpoint)
        return brn_fail(BRN_ERR_USAGE, "%s holds a checkpoint without its config.yaml; choose another folder (out=)", settings->out);
    return brn_settings_save(settings, f->config);
}

void brn_folder_close(brn_folder *f)
{
    free(f->text);
    *f = (brn_folder){0};
}

static brn_status append(brn_folder *f, const char *line, size_t length)
{
    if (f->length + length > f->capacity) {
        char *larger;
        const size_t capacity = 2 * (f->length + length) + 4096;
        BRN_TRY(BRN_ALLOC(&larger, capacity, "log"));
        if (f->length) memcpy(larger, f->text, f->length);
        free(f->text);
        f->text = larger;
        f->capacity = capacity;
    }
    memcpy(f->text + f->length, line, length);
    f->length += length;
    return BRN_OK;
}

brn_status brn_folder_rewind(brn_folder *f, int64_t step)
{
    f->length = 0;
    BRN_TRY(append(f, HEADER, sizeof HEADER - 1));
    FILE *log = step > 0 && f->used ? fopen(f->log, "r") : NULL;
    char line[512];
    brn_status status = BRN_OK;
    while (log && status == BRN_OK && fgets(line, sizeof line, log)) {
        char *end;
        const long long at = strtoll(line, &end, 10);
        if (end != line && *end == ',' && at <= step && strchr(line, '\n')) status = append(f, line, strlen(line));
    }
    if (log) fclose(log);
    return status;
}

/* An unknown number is an empty cell. */
static void cell(char *text, size_t size, double v)
{
    const size_t at = strlen(text);
    char number[BRN_NUMBER_TEXT] = "";
    if (!isnan(v)) number[brn_format_number(number, (float)v)] = 0;
    snprintf(text + at, size - at, ",%s", number);
}

brn_status brn_folder_log(brn_folder *f, const brn_progress *p)
{
    if (!f->used) return BRN_OK;
    char line[512];
    snprintf(line, sizeof line, "%lld", (long long)p->step);
    const double cells[] = {p->seconds, p->loss, p->dual, p->l2_uvp, p->evaluations_per_row, p->iterations_per_row, p->failed_rows};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; ++i) cell(line, sizeof line, cells[i]);
    strcat(line, "\n");
    BRN_TRY(append(f, line, strlen(line)));
    return brn_write_file(f->log, f->text, f->length);
}
