/* Rows of a CSV file. */
#include "io/rows.h"

#include "core/memory.h"
#include "io/lines.h"
#include "io/number.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS (1 << 20)

typedef struct csv {
    char *path;
    brn_lines lines;
    char separator; /* ' ' stands for any run of spaces and tabs */
    int cols;
    char **names, *name_text;
    locale_t c_locale;
    uint64_t first_start, first_number; /* of the first row's line */
    uint64_t row;                       /* rows read since */
    uint64_t empty_line;                /* number of an empty line after a row, or 0 */
} csv;

/* ---- cells of one line ------------------------------------------------------------------------- */

typedef struct cells {
    const char *at, *end;
    char separator;
    bool more;
} cells;

typedef struct cell {
    const char *text; /* without the quotes around it and the spaces around those */
    size_t n;
    bool quoted, broken; /* broken: no closing quote, or text after it */
} cell;

static bool is_space(char c, char separator) { return c == ' ' || (c == '\t' && separator != '\t'); }

static const char *skip_spaces(const char *at, const char *end, char separator)
{
    while (at < end && is_space(*at, separator)) ++at;
    return at;
}

static cells cells_of(const char *line, size_t n, char separator)
{
    cells it = {line, line + n, separator, true};
    if (separator == ' ') it.at = skip_spaces(it.at, it.end, ' ');
    return it;
}

/* At the first byte after a cell: step over the separator. */
static void end_cell(cells *it)
{
    bool spaces = it->separator == ' ';
    it->more = it->at < it->end;
    if (!it->more) return;
    it->at = spaces ? skip_spaces(it->at, it->end, ' ') : it->at + 1;
    if (spaces) it->more = it->at < it->end;
}

static bool at_separator(const cells *it)
{
    return it->at == it->end || (it->separator == ' ' ? is_space(*it->at, ' ') : *it->at == it->separator);
}

static void quoted_cell(cells *it, cell *c)
{
    c->quoted = true;
    c->text = ++it->at;
    while (it->at < it->end && (*it->at != '"' || (it->at + 1 < it->end && it->at[1] == '"')))
        it->at += *it->at == '"' ? 2 : 1;
    c->n = (size_t)(it->at - c->text);
    c->broken = it->at == it->end;
    if (it->at < it->end) ++it->at;
    if (it->separator != ' ') it->at = skip_spaces(it->at, it->end, it->separator);
    c->broken = c->broken || !at_separator(it);
    while (!at_separator(it)) ++it->at;
}

static bool next_cell(cells *it, cell *c)
{
    if (!it->more) return false;
    *c = (cell){0};
    it->at = skip_spaces(it->at, it->end, it->separator);
    if (it->at < it->end && *it->at == '"') {
        quoted_cell(it, c);
    } else {
        c->text = it->at;
        while (!at_separator(it)) ++it->at;
        c->n = (size_t)(it->at - c->text);
        while (c->n > 0 && is_space(c->text[c->n - 1], it->separator)) --c->n;
    }
    end_cell(it);
    return true;
}

static int count_cells(const csv *f, const char *line, size_t n)
{
    int count = 0;
    cell c;
    cells it = cells_of(line, n, f->separator);
    while (count <= MAX_COLUMNS && next_cell(&it, &c)) ++count;
    return count;
}

static bool is_number(const csv *f, const cell *c, double *value)
{
    return c->n > 0 && !c->broken &&
           brn_parse_number(c->text, c->text + c->n, f->c_locale, value) == c->text + c->n;
}

/* ---- rows -------------------------------------------------------------------------------------- */

/* The next line that holds a row; NULL after the last. */
static brn_status next_row(csv *f, const char **line, size_t *n)
{
    for (;;) {
        BRN_TRY(brn_lines_next(&f->lines, line, n));
        if (!*line) return BRN_OK;
        const char *first = skip_spaces(*line, *line + *n, ' ');
        if (first == *line + *n) {
            if (f->row > 0 && !f->empty_line) f->empty_line = f->lines.number;
        } else if (*first != '#') {
            if (!f->empty_line) return BRN_OK;
            return brn_fail(BRN_ERR_INPUT, "%s:%llu: empty line between rows", f->path,
                            (unsigned long long)f->empty_line);
        }
    }
}

static brn_status bad_cell(const csv *f, int column, const cell *c)
{
    char name[80] = "", found[40] = "an empty cell";
    double value;
    if (f->names) snprintf(name, sizeof name, " (\"%.60s\")", f->names[column]);
    if (c->n > 0 || c->broken) {
        char shown[25] = {0}; /* bytes of unknown encoding */
        for (size_t i = 0; i < c->n && i < 24; ++i)
            shown[i] = c->text[i] >= 0x20 && c->text[i] < 0x7f ? c->text[i] : '?';
        snprintf(found, sizeof found, "\"%s\"%s", shown,
                 c->broken   ? " in unpaired quotes"
                 : c->n > 24 ? "..."
                             : "");
    }
    bool too_large = is_number(f, c, &value);
    return brn_fail(BRN_ERR_INPUT, "%s:%llu:%d: expected %s in column %d%s, found %s", f->path,
                    (unsigned long long)f->lines.number, column + 1,
                    too_large ? "a finite float" : "a number", column + 1, name, found);
}

static brn_status parse_row(const csv *f, const char *line, size_t n, float *out)
{
    cell c;
    cells it = cells_of(line, n, f->separator);
    int count = 0;
    double value;
    for (; count < f->cols && next_cell(&it, &c); ++count) {
        if (!is_number(f, &c, &value)) break;
        out[count] = (float)value;
        if (!isfinite(out[count])) break;
    }
    if (count == f->cols && !it.more) return BRN_OK;
    int found = count_cells(f, line, n);
    if (found == f->cols) return bad_cell(f, count, &c);
    return brn_fail(BRN_ERR_INPUT, "%s:%llu: expected %d columns, found %d", f->path,
                    (unsigned long long)f->lines.number, f->cols, found);
}

static brn_status read_rows(brn_rows *rows, float *out, size_t max, size_t *got)
{
    csv *f = rows->source;
    const char *line;
    size_t n;
    for (*got = 0; *got < max; ++*got) {
        BRN_TRY(next_row(f, &line, &n));
        if (!line) {
            rows->count = (int64_t)f->row;
            return BRN_OK;
        }
        BRN_TRY(parse_row(f, line, n, out + *got * (size_t)f->cols));
        ++f->row;
    }
    return BRN_OK;
}

static brn_status rewind_rows(brn_rows *rows)
{
    csv *f = rows->source;
    brn_lines_seek(&f->lines, f->first_start, f->first_number);
    f->row = f->empty_line = 0;
    return BRN_OK;
}

/* Lines only, their cells are not looked at. A row of d cells takes 2d - 1 bytes at least: the count
 * ends with the first shorter line, at which reading will fail, so that memory for the counted rows
 * never exceeds twice the file. */
static brn_status count_rows(brn_rows *rows)
{
    csv *f = rows->source;
    const char *line;
    size_t n, shortest = 2 * (size_t)f->cols - 1;
    BRN_TRY(rewind_rows(rows));
    do {
        BRN_TRY(next_row(f, &line, &n));
        if (line) ++f->row;
    } while (line && n >= shortest);
    rows->count = (int64_t)f->row;
    return rewind_rows(rows);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static char find_separator(const char *line, size_t n)
{
    static const char candidates[] = ";\t,"; /* a comma may also be part of a name or a number */
    bool quoted = false, seen[3] = {false};
    for (size_t i = 0; i < n; ++i) {
        if (line[i] == '"') quoted = !quoted;
        for (int k = 0; k < 3; ++k) seen[k] = seen[k] || (!quoted && line[i] == candidates[k]);
    }
    for (int k = 0; k < 3; ++k)
        if (seen[k]) return candidates[k];
    return ' ';
}

static bool looks_like_header(const csv *f, const char *line, size_t n)
{
    cell c;
    double value;
    cells it = cells_of(line, n, f->separator);
    while (next_cell(&it, &c))
        if (is_number(f, &c, &value)) return false;
    return true;
}

static brn_status read_names(csv *f, const char *line, size_t n)
{
    cell c;
    cells it = cells_of(line, n, f->separator);
    BRN_TRY(BRN_ALLOC(&f->names, (size_t)f->cols, "column names"));
    BRN_TRY(BRN_ALLOC(&f->name_text, n + (size_t)f->cols, "column names"));
    char *to = f->name_text;
    for (int i = 0; i < f->cols && next_cell(&it, &c); ++i) {
        if (c.broken)
            return brn_fail(BRN_ERR_INPUT, "%s:%llu:%d: expected a column name in paired quotes", f->path,
                            (unsigned long long)f->lines.number, i + 1);
        f->names[i] = to;
        for (size_t k = 0; k < c.n; ++k) {
            *to++ = c.text[k];
            if (c.quoted && c.text[k] == '"') ++k; /* a doubled quote is one */
        }
        ++to; /* the zero */
    }
    return BRN_OK;
}

static brn_status first_lines(csv *f, const brn_table_options *options)
{
    const char *line;
    size_t n;
    BRN_TRY(brn_lines_next(&f->lines, &line, &n));
    if (line && n >= 2 && (memcmp(line, "\xff\xfe", 2) == 0 || memcmp(line, "\xfe\xff", 2) == 0))
        return brn_fail(BRN_ERR_INPUT, "%s: text in UTF-16, expected UTF-8", f->path);
    brn_lines_seek(&f->lines, line && n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, 1);
    BRN_TRY(next_row(f, &line, &n));
    if (!line)
        return brn_fail(BRN_ERR_INPUT, "%s: %s, expected rows of numbers", f->path,
                        f->lines.size ? "no rows" : "the file is empty");

    f->separator = options->separator ? options->separator : find_separator(line, n);
    f->cols = count_cells(f, line, n);
    if (f->cols > MAX_COLUMNS)
        return brn_fail(BRN_ERR_INPUT, "%s:%llu: more than %d columns", f->path,
                        (unsigned long long)f->lines.number, MAX_COLUMNS);
    bool header = options->header == BRN_TABLE_HEADER_AUTO ? looks_like_header(f, line, n)
                                                           : options->header == BRN_TABLE_HEADER_YES;
    if (header) {
        BRN_TRY(read_names(f, line, n));
        BRN_TRY(next_row(f, &line, &n));
        if (!line)
            return brn_fail(BRN_ERR_INPUT, "%s: no rows after the header, expected at least one", f->path);
    }
    f->first_start = f->lines.start;
    f->first_number = f->lines.number;
    return BRN_OK;
}

static void close_rows(brn_rows *rows)
{
    csv *f = rows->source;
    brn_lines_close(&f->lines);
    if (f->c_locale) freelocale(f->c_locale);
    free(f->names), free(f->name_text), free(f->path);
    free(f);
}

brn_status brn_rows_csv(brn_rows *rows, const char *path, const brn_table_options *options)
{
    brn_status status;
    csv *f = NULL;
    *rows = (brn_rows){0};
    if (options->separator && !strchr(",;\t ", options->separator))
        return brn_fail(BRN_ERR_USAGE, "separator '%c': expected comma, semicolon, tab or space",
                        options->separator);
    BRN_TRY(BRN_ALLOC(&f, 1, "CSV reader"));
    f->lines.fd = -1;
    *rows = (brn_rows){.source = f,
                       .count = -1,
                       .read = read_rows,
                       .rewind = rewind_rows,
                       .count_rows = count_rows,
                       .close = close_rows};
    BRN_GO(brn_strdup(&f->path, path));
    f->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!f->c_locale) BRN_GO(brn_fail(BRN_ERR_MEMORY, "%s: no memory for a locale", path));
    BRN_GO(brn_lines_open(&f->lines, f->path));
    BRN_GO(first_lines(f, options));
    rows->cols = f->cols;
    rows->names = f->names;
    return rewind_rows(rows);
done:
    brn_rows_close(rows);
    return status;
}
