#include "progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE_MAX = 256, BAR = 20 };
static const double REFRESH_SECONDS = .1;

void cli_progress_init(cli_progress *progress, bool quiet)
{
    *progress = (cli_progress){.quiet = quiet, .terminal = isatty(STDERR_FILENO), .shown = -1};
}

static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

__attribute__((format(printf, 2, 3))) static void append(char *line, const char *format, ...)
{
    va_list args;
    size_t used = strlen(line);
    va_start(args, format);
    vsnprintf(line + used, LINE_MAX - used, format, args);
    va_end(args);
}

static void append_numbers(char *line, const brn_progress *p)
{
    char left[16];
    cli_format_seconds(left, p->rate > 0 ? (double)(p->steps - p->step) / p->rate : INFINITY);
    append(line, "%s%lld/%lld  %.4g/s  %s left", p->pretraining ? "pretraining " : "", (long long)p->step,
           (long long)p->steps, p->rate, left);
    if (isfinite(p->l2_uvp)) append(line, "  uvp %.3g%%", p->l2_uvp);
    if (isfinite(p->dual)) append(line, "  dual %.5g", p->dual);
    append(line, "  loss %.3g", p->loss);
    if (p->evaluations_per_row > 0) append(line, "  %.2f eval/row", p->evaluations_per_row);
    if (p->failed_rows > 0) append(line, "  %.2g%% rows failed", 100 * p->failed_rows);
}

static void append_bar(char *line, const brn_progress *p)
{
    int full = p->steps > 0 ? (int)(BAR * p->step / p->steps) : 0;
    append(line, "[");
    for (int i = 0; i < BAR; ++i) append(line, "%c", i < full ? '=' : i == full ? '>' : ' ');
    append(line, "] ");
}

bool cli_progress_step(void *user, const brn_progress *p)
{
    cli_progress *progress = user;
    char line[LINE_MAX] = "";
    if (p->plan) {
        progress->plan = *p->plan;
        if (!progress->quiet) cli_report_plan(p->plan);
        return !cli_signal;
    }
    progress->last = *p;
    bool due =
        progress->terminal ? p->evaluated || p->seconds - progress->shown >= REFRESH_SECONDS : p->evaluated;
    if (due && !progress->quiet) {
        if (progress->terminal) append_bar(line, p);
        append_numbers(line, p);
        if (progress->terminal)
            fprintf(stderr, "\r%.*s\033[K", columns() - 1, line);
        else
            fprintf(stderr, "%s\n", line);
        fflush(stderr);
        progress->shown = p->seconds;
    }
    return !cli_signal;
}

void cli_progress_finish(cli_progress *progress)
{
    if (progress->terminal && !progress->quiet && progress->shown >= 0) fputc('\n', stderr);
}
