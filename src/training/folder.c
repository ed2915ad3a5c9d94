#include "training/folder.h"
#include "config/number.h"
#include "core/memory.h"
#include "io/atomic.h"
#include "io/number.h"
#include "io/path.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char HEADER[] = "step,seconds,loss,dual,l2_uvp,evaluations_per_row,iterations_per_row,failed_rows,evaluations\n";

static bool exists(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0;
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

/* Two trainings in one folder would overwrite each other's checkpoints. File systems without locks have none here. */
static brn_status lock(brn_folder *f, const char *path)
{
    f->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->lock < 0 || flock(f->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return BRN_OK;
    return brn_fail(BRN_ERR_INPUT, "%s: another training works in this folder", path);
}

/* What an earlier call left. Without its checkpoint it is about nothing. */
static brn_status read_result(brn_folder *f)
{
    brn_result r;
    if (!f->checkpoint) {
        if (unlink(f->result) && errno != ENOENT)
            return brn_fail(BRN_ERR_DISK, "%s: cannot be removed: %s", f->result, strerror(errno));
        return BRN_OK;
    }
    BRN_TRY(brn_result_read(f->result, &r, NULL));
    f->finished = r.state == BRN_RUN_FINISHED;
    return BRN_OK;
}

brn_status brn_folder_open(brn_folder *f, const brn_settings *settings, bool resume)
{
    *f = (brn_folder){.used = settings->out[0] != 0, .lock = -1};
    if (!f->used) return resume ? brn_fail(BRN_ERR_USAGE, "nothing to resume: no run folder is given (out=DIR)") : BRN_OK;
    snprintf(f->config, sizeof f->config, "%s/config.yaml", settings->out);
    snprintf(f->log, sizeof f->log, "%s/log.csv", settings->out);
    snprintf(f->latest, sizeof f->latest, "%s/latest.safetensors", settings->out);
    snprintf(f->best, sizeof f->best, "%s/best.safetensors", settings->out);
    snprintf(f->result, sizeof f->result, "%s/result.json", settings->out);
    f->checkpoint = exists(f->latest);
    if (resume && !f->checkpoint) return brn_fail(BRN_ERR_INPUT, "%s: nothing to resume: there is no latest.safetensors", settings->out);
    BRN_TRY(brn_make_folder(settings->out));
    BRN_TRY(lock(f, settings->out));
    if (exists(f->config)) BRN_TRY(same_settings(f, settings));
    else if (f->checkpoint)
        return brn_fail(BRN_ERR_USAGE, "%s holds a checkpoint without its config.yaml; choose another folder (out=)", settings->out);
    BRN_TRY(read_result(f));
    return brn_settings_save(settings, f->config);
}

void brn_folder_close(brn_folder *f)
{
    free(f->text);
    if (f->used && f->lock >= 0) close(f->lock);
    *f = (brn_folder){.lock = -1};
}

static brn_status append(brn_folder *f, const char *line, size_t length)
{
    BRN_TRY(BRN_GROW(&f->text, &f->capacity, f->length, length, "log"));
    memcpy(f->text + f->length, line, length);
    f->length += length;
    return BRN_OK;
}

/* The time up to `step`: of the log's last line, or where the run stopped between two of them as that call says. */
static brn_status find_seconds(brn_folder *f, int64_t step)
{
    brn_result r;
    if (!f->used || !step) return BRN_OK;
    BRN_TRY(brn_result_read(f->result, &r, NULL));
    if (r.state != BRN_RUN_NEW && r.step == step) f->seconds = r.seconds;
    return BRN_OK;
}

brn_status brn_folder_rewind(brn_folder *f, int64_t step)
{
    f->length = 0;
    f->seconds = 0;
    BRN_TRY(append(f, HEADER, sizeof HEADER - 1));
    FILE *log = step > 0 && f->used ? fopen(f->log, "r") : NULL;
    char line[512];
    brn_status status = BRN_OK;
    while (log && status == BRN_OK && fgets(line, sizeof line, log)) {
        char *end;
        const long long at = strtoll(line, &end, 10);
        if (end != line && *end == ',' && at <= step && strchr(line, '\n')) {
            const char *rest;
            brn_read_double(end + 1, &rest, &f->seconds);
            status = append(f, line, strlen(line));
        }
    }
    if (log) fclose(log);
    return status == BRN_OK ? find_seconds(f, step) : status;
}

/* An unknown number is an empty cell. */
static void cell(char *text, size_t size, double v)
{
    const size_t at = strlen(text);
    char number[BRN_NUMBER_TEXT] = "";
    if (!isnan(v)) number[brn_format_number(number, (float)v)] = 0;
    snprintf(text + at, size - at, ",%s", number);
}

brn_status brn_folder_log(brn_folder *f, const brn_progress *p, int64_t evaluations)
{
    if (!f->used) return BRN_OK;
    char line[512];
    snprintf(line, sizeof line, "%lld", (long long)p->step);
    const double cells[] = {p->seconds, p->loss, p->dual, p->l2_uvp, p->evaluations_per_row, p->iterations_per_row, p->failed_rows};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; ++i) cell(line, sizeof line, cells[i]);
    snprintf(line + strlen(line), sizeof line - strlen(line), ",%lld\n", (long long)evaluations);
    BRN_TRY(append(f, line, strlen(line)));
    return brn_write_file(f->log, f->text, f->length);
}

brn_status brn_folder_finish(brn_folder *f, const brn_result *result)
{
    if (!f->used || (f->finished && result->state == BRN_RUN_FINISHED)) return BRN_OK;
    return brn_result_write(f->result, result);
}
