/* Tables as Markdown, CSV and LaTeX. */
#include "sweep/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

brn_status brn_table_format_find(const char *name, brn_table_format *format)
{
    static const char *const names[] = {"md", "csv", "latex"};
    for (int i = 0; i < 3; ++i)
        if (!strcmp(name, names[i])) {
            *format = (brn_table_format)i;
            return BRN_OK;
        }
    return brn_fail(BRN_ERR_USAGE, "unknown format \"%.40s\"; did you mean \"%s\"?", name, brn_nearest_name(name, names, 3));
}

/* ---- numbers ----------------------------------------------------------------------------------- */

typedef struct {
    char text[32];
} number;

/* Few digits, no exponent. */
static number with_digits(double value, int digits)
{
    number t;
    const double size = fabs(value);
    int decimals = !(size > 0) ? 0 : digits - 1 - (int)floor(log10(size));
    if (decimals < 0) decimals = 0;
    if (decimals > 9) decimals = 9;
    snprintf(t.text, sizeof t.text, "%.*f", decimals, value);
    return t;
}

static bool is_uvp(brn_metric metric) { return metric == BRN_METRIC_FORWARD || metric == BRN_METRIC_INVERSE; }

/* More than 100 % is no map at all, and the published tables say no more either. */
static bool is_over(brn_metric metric, double value) { return is_uvp(metric) && value > 100; }

static number short_number(double value) { return with_digits(value, fabs(value) >= 1000 ? 4 : 3); }

static number as_printed(double value)
{
    number t;
    snprintf(t.text, sizeof t.text, "%g", value);
    return t;
}

/* ---- cells for people -------------------------------------------------------------------------- */

typedef struct {
    const char *bold, *end, *over, *plus_minus, *bar, *quiet, *quiet_end;
} marks;
static const marks markdown = {"**", "**", ">100", " ± ", " / ", "", ""}, latex = {"\\textbf{", "}", "$>$100", " $\\pm$ ", " / ", "{\\footnotesize ", "}"};

static void print_value(FILE *to, const brn_table_layout *t, const brn_table_cell *cell, const marks *m)
{
    if (is_over(t->metric, cell->mean)) fputs(m->over, to);
    else {
        fputs(short_number(cell->mean).text, to);
        if (!isnan(cell->deviation)) fprintf(to, "%s%s", m->plus_minus, with_digits(cell->deviation, 2).text);
    }
}

/* What there is instead of a mean. */
static void print_left(FILE *to, const brn_table_layout *t, const brn_table_cell *cell)
{
    const brn_run *run = &t->results->run[cell->first_left];
    if (run->state == BRN_RUN_DIVERGED) fprintf(to, "diverged at %lld", (long long)run->step);
    else if (run->state == BRN_RUN_FINISHED) fputs(run->scored ? "unknown" : "not scored", to);
    else if (run->state == BRN_RUN_NEW) fputs("not begun", to);
    else fprintf(to, "at %lld of %lld", (long long)run->step, (long long)run->steps);
}

static void print_ours(FILE *to, const brn_table_layout *t, const brn_table_cell *cell, const marks *m)
{
    const bool better = brn_table_better(cell) < 0;
    if (better) fputs(m->bold, to);
    if (cell->counted) print_value(to, t, cell, m);
    else print_left(to, t, cell);
    if (better) fputs(m->end, to);
    if (cell->counted && cell->counted < cell->runs) {
        fprintf(to, " (%d of %d", cell->counted, cell->runs);
        if (cell->diverged) fprintf(to, ", %d diverged", cell->diverged);
        fputc(')', to);
    }
}

static void print_published(FILE *to, const brn_table_cell *cell, const marks *m)
{
    const bool better = brn_table_better(cell) > 0;
    fprintf(to, "%s%s%s%s%s", better ? m->bold : "", m->quiet, isinf(cell->published) ? m->over : as_printed(cell->published).text, m->quiet_end,
            better ? m->end : "");
}

static void print_cell(FILE *to, const brn_table_layout *t, const brn_table_cell *cell, const marks *m)
{
    const bool published = !isnan(cell->published);
    if (cell->runs) print_ours(to, t, cell, m);
    if (cell->runs && published) fputs(m->bar, to);
    if (published && (cell->runs || !t->results)) print_published(to, cell, m);
}

static void print_title(FILE *to, const brn_table_layout *t, bool plain)
{
    if (!t->results) fputs("Published L2-UVP of the forward map (%)", to);
    else fprintf(to, "%s, mean %s standard deviation over seeds", brn_metric_title(t->metric), plain ? "and" : "±");
    if (t->results && t->published) fputs("; behind the stroke the published value, the better one in bold", to);
    fputc('\n', to);
}

static void column_name(const brn_table_column *c, char name[static BRN_NAME_MAX])
{
    if (c->n) snprintf(name, BRN_NAME_MAX, "%d", c->n);
    else strcpy(name, c->name);
}

/* Those that are not in the means. */
static void print_rest(FILE *to, const brn_table_layout *t, const char *head, const char *bullet)
{
    int rest = 0;
    for (int i = 0; t->results && i < t->results->count; ++i) {
        char line[BRN_PATH_MAX + 640];
        if (brn_results_counts(t->results, i)) continue;
        if (!rest++) fputs(head, to);
        brn_results_standing(t->results, i, line, sizeof line);
        fprintf(to, "%s%s\n", bullet, line);
    }
}

/* ---- Markdown ---------------------------------------------------------------------------------- */

static void print_markdown(FILE *to, const brn_table_layout *t)
{
    char name[BRN_NAME_MAX];
    print_title(to, t, false);
    fprintf(to, "\n| potential | amortization | solver |%s", t->extra ? " settings |" : "");
    for (int c = 0; c < t->columns; ++c) column_name(&t->column[c], name), fprintf(to, " %s |", name);
    fputs("\n|", to);
    for (int c = 0; c < 3 + t->extra + t->columns; ++c) fputs("---|", to);
    for (int r = 0; r < t->rows; ++r) {
        const brn_method *m = &t->row[r].method;
        fprintf(to, "\n| %s | %s | %s |", m->potential, m->amortization, m->solver);
        if (t->extra) fprintf(to, " %s |", t->row[r].extra);
        for (int c = 0; c < t->columns; ++c) {
            fputc(' ', to);
            print_cell(to, t, brn_table_at(t, r, c), &markdown);
            fputs(" |", to);
        }
    }
    fputc('\n', to);
    print_rest(to, t, "\nNot in the means:\n\n", "- ");
}

/* ---- LaTeX ------------------------------------------------------------------------------------- */

static void print_escaped(FILE *to, const char *text)
{
    for (; *text; ++text) {
        if (strchr("_%&#$", *text)) fputc('\\', to);
        fputc(*text, to);
    }
}

static void print_latex(FILE *to, const brn_table_layout *t)
{
    char name[BRN_NAME_MAX];
    fputs("% ", to);
    print_title(to, t, true);
    fprintf(to, "\\begin{tabular}{lll%s", t->extra ? "l" : "");
    for (int c = 0; c < t->columns; ++c) fputc('r', to);
    fprintf(to, "}\n\\toprule\nPotential & Amortization & Solver%s", t->extra ? " & Settings" : "");
    for (int c = 0; c < t->columns; ++c) {
        column_name(&t->column[c], name);
        fputs(t->column[c].n ? " & $n=" : " & ", to);
        print_escaped(to, name);
        if (t->column[c].n) fputc('$', to);
    }
    fputs(" \\\\\n\\midrule\n", to);
    for (int r = 0; r < t->rows; ++r) {
        const brn_method *m = &t->row[r].method;
        fprintf(to, "%s & %s & %s", m->potential, m->amortization, m->solver);
        if (t->extra) fputs(" & ", to), print_escaped(to, t->row[r].extra);
        for (int c = 0; c < t->columns; ++c) {
            fputs(" & ", to);
            print_cell(to, t, brn_table_at(t, r, c), &latex);
        }
        fputs(" \\\\\n", to);
    }
    fputs("\\bottomrule\n\\end{tabular}\n", to);
    print_rest(to, t, "% Not in the means:\n", "% ");
}

/* ---- CSV --------------------------------------------------------------------------------------- */

static void print_quoted(FILE *to, const char *text)
{
    if (!strpbrk(text, ",\"")) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; ++text) {
        if (*text == '"') fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static void print_optional(FILE *to, double value)
{
    fputc(',', to);
    if (isinf(value)) fputs(">100", to);
    else if (!isnan(value)) fprintf(to, "%.9g", value);
}

static void print_csv(FILE *to, const brn_table_layout *t)
{
    static const char *const better[] = {"ours", "", "published"};
    fputs("potential,amortization,solver,settings,pair,n,metric,mean,deviation,runs,counted,diverged,published,better\n", to);
    for (int r = 0; r < t->rows; ++r)
        for (int c = 0; c < t->columns; ++c) {
            const brn_table_cell *cell = brn_table_at(t, r, c);
            const brn_method *m = &t->row[r].method;
            if (!cell->runs && (t->results || isnan(cell->published))) continue;
            fprintf(to, "%s,%s,%s,", m->potential, m->amortization, m->solver);
            print_quoted(to, t->row[r].extra);
            fputc(',', to);
            if (*t->column[c].name) print_quoted(to, t->column[c].name);
            else fprintf(to, "hd_%d", t->column[c].n);
            if (t->column[c].n) fprintf(to, ",%d", t->column[c].n);
            else fputc(',', to);
            fprintf(to, ",%s", brn_metric_name(t->metric));
            print_optional(to, cell->counted ? cell->mean : (double)NAN);
            print_optional(to, cell->deviation);
            fprintf(to, ",%d,%d,%d", cell->runs, cell->counted, cell->diverged);
            print_optional(to, cell->published);
            fprintf(to, ",%s\n", better[brn_table_better(cell) + 1]);
        }
}

brn_status brn_table_text(const brn_table_layout *t, brn_table_format format, char **text)
{
    size_t size;
    *text = NULL;
    FILE *to = open_memstream(text, &size);
    if (!to) return brn_fail(BRN_ERR_MEMORY, "out of memory for the text of a table");
    if (format == BRN_TABLE_MARKDOWN) print_markdown(to, t);
    else if (format == BRN_TABLE_LATEX) print_latex(to, t);
    else print_csv(to, t);
    const bool complete = !ferror(to);
    if (fclose(to) == 0 && complete) return BRN_OK;
    free(*text);
    *text = NULL;
    return brn_fail(BRN_ERR_MEMORY, "out of memory for the text of a table");
}
