/* log.csv of a run folder. Its columns are found by their names, so that logs of other versions are read too. */
#include "config/number.h"
#include "core/memory.h"
#include "io/lines.h"
#include <brenier/run.h>

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t at;
} columns[] = {
    {"step", 0}, /* stored apart, being an integer */
    {"seconds", offsetof(brn_log_line, seconds)},
    {"loss", offsetof(brn_log_line, loss)},
    {"dual", offsetof(brn_log_line, dual)},
    {"l2_uvp", offsetof(brn_log_line, l2_uvp)},
    {"evaluations", offsetof(brn_log_line, evaluations)},
};
enum { COLUMNS = sizeof columns / sizeof *columns, NEEDED = 5, CELLS_MOST = 64 };

typedef struct {
    brn_lines file;
    int cells, column[CELLS_MOST]; /* of each cell: the number in `columns`, -1 = another */
    brn_log_line *lines;
    size_t count, capacity;
} reader;

static brn_status damaged(const reader *r, const char *what)
{
    return brn_fail(BRN_ERR_INPUT, "%s:%llu: %s: the file is damaged", r->file.path, (unsigned long long)r->file.number, what);
}

static brn_status read_header(reader *r)
{
    const char *line;
    size_t n;
    int found = 0;
    BRN_TRY(brn_lines_next(&r->file, &line, &n));
    if (!line) return brn_fail(BRN_ERR_INPUT, "%s: empty: the file is damaged", r->file.path);
    for (const char *cell = line, *end = line + n; cell <= end; ++r->cells) {
        const char *comma = memchr(cell, ',', (size_t)(end - cell));
        const size_t length = (size_t)((comma ? comma : end) - cell);
        if (r->cells == CELLS_MOST) return damaged(r, "too many columns");
        r->column[r->cells] = -1;
        for (int k = 0; k < COLUMNS; ++k)
            if (strlen(columns[k].name) == length && !memcmp(columns[k].name, cell, length)) r->column[r->cells] = k, found += k < NEEDED;
        cell += length + 1;
    }
    return found == NEEDED ? BRN_OK : damaged(r, "the columns of a log are missing");
}

/* An empty cell is a number that is not known. */
static brn_status read_cell(const reader *r, const char *cell, size_t length, int column, brn_log_line *to)
{
    char text[64];
    double value = NAN;
    if (length >= sizeof text) return damaged(r, "expected a number");
    memcpy(text, cell, length);
    text[length] = 0;
    if (length && !brn_parse_double(text, &value) && strcmp(text, "inf") && strcmp(text, "-inf")) return damaged(r, "expected a number");
    if (column == 0) {
        if (!(value >= 0 && value <= 0x1p53)) return damaged(r, "expected the number of a step");
        to->step = (int64_t)value;
    } else if (column > 0) memcpy((char *)to + columns[column].at, &value, sizeof value);
    return BRN_OK;
}

static brn_status read_line(reader *r, const char *line, size_t n)
{
    brn_log_line one = {0, NAN, NAN, NAN, NAN, NAN};
    int cells = 0;
    for (const char *cell = line, *end = line + n; cell <= end; ++cells) {
        const char *comma = memchr(cell, ',', (size_t)(end - cell));
        const size_t length = (size_t)((comma ? comma : end) - cell);
        if (cells == r->cells) return damaged(r, "more cells than columns");
        BRN_TRY(read_cell(r, cell, length, r->column[cells], &one));
        cell += length + 1;
    }
    if (cells < r->cells) return damaged(r, "fewer cells than columns");
    if (r->count && one.step <= r->lines[r->count - 1].step) return damaged(r, "the steps do not increase");
    BRN_TRY(BRN_GROW(&r->lines, &r->capacity, r->count, 1, "log"));
    r->lines[r->count++] = one;
    return BRN_OK;
}

static brn_status read_lines(reader *r)
{
    const char *line;
    size_t n;
    BRN_TRY(read_header(r));
    for (;;) {
        BRN_TRY(brn_lines_next(&r->file, &line, &n));
        if (!line) return BRN_OK;
        if (r->file.start + n == r->file.size) return damaged(r, "the last line has no end"); /* logs are written whole */
        BRN_TRY(read_line(r, line, n));
    }
}

brn_status brn_run_log(const brn_run *run, brn_log_line **lines, size_t *count)
{
    char path[BRN_PATH_MAX + 32];
    reader r = {0};
    *lines = NULL;
    *count = 0;
    snprintf(path, sizeof path, "%s/log.csv", run->folder);
    if (access(path, F_OK)) {
        if (run->state != BRN_RUN_FINISHED) return BRN_OK;
        return brn_fail(BRN_ERR_INPUT, "%s: missing, though the run is finished: the run folder is damaged", path);
    }
    BRN_TRY(brn_lines_open(&r.file, path));
    const brn_status status = read_lines(&r);
    brn_lines_close(&r.file);
    if (status == BRN_OK) *lines = r.lines, *count = r.count;
    else free(r.lines);
    return status;
}
