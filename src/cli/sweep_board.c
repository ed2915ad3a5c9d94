/* Progress of a sweep: on a terminal a line for each running training and one for all, elsewhere a log. */
#include "sweep.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double REFRESH_SECONDS = .2, LOG_SECONDS = 60;

double cli_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- reports of the children ------------------------------------------------------------------- */

bool cli_report_print(void *user, const brn_progress *p)
{
    (void)user;
    if (!p->plan) {
        printf("%lld %lld %.3f %.6g %.6g %d\n", (long long)p->step, (long long)p->steps, p->seconds, p->rate, p->l2_uvp, p->pretraining);
        fflush(stdout);
    }
    return !cli_signal;
}

bool cli_report_parse(const char *line, cli_report *r)
{
    cli_report read;
    if (sscanf(line, "%lld %lld %lf %lf %lf %d", &read.step, &read.steps, &read.seconds, &read.rate, &read.l2_uvp, &read.pretraining) != 6)
        return false;
    *r = read;
    return true;
}

/* ---- the board --------------------------------------------------------------------------------- */

void cli_board_init(cli_board *b, const cli_sweep *sweep, int total)
{
    const double now = cli_seconds();
    *b = (cli_board){.sweep = sweep, .quiet = cli_option_value(sweep->args, "--quiet"), .terminal = isatty(STDERR_FILENO),
                     .total = total, .started = now, .shown = now};
}

static struct winsize screen(void)
{
    struct winsize size;
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
    if (!known || size.ws_col < 20) size.ws_col = 80;
    if (!known || size.ws_row < 4) size.ws_row = 24;
    return size;
}

void cli_board_clear(cli_board *b)
{
    if (b->lines) fprintf(stderr, "\r\033[%dA\033[J", b->lines);
    b->lines = 0;
}

void cli_board_say(cli_board *b, const char *format, ...)
{
    va_list args;
    if (b->quiet) return;
    cli_board_clear(b);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    fflush(stderr);
}

static double seconds_left(const cli_report *r)
{
    return !r->pretraining && r->rate > 0 ? (double)(r->steps - r->step) / r->rate : NAN;
}

static void print_line(cli_board *b, const char *line)
{
    if (!b->terminal) {
        fprintf(stderr, "%s\n", line);
        return;
    }
    fprintf(stderr, "%.*s\033[K\n", screen().ws_col - 1, line);
    ++b->lines;
}

static void show_child(cli_board *b, const cli_child *c)
{
    char line[512], left[16], uvp[32] = "";
    const cli_report *r = &c->report;
    cli_format_seconds(left, seconds_left(r));
    if (isfinite(r->l2_uvp)) snprintf(uvp, sizeof uvp, "  uvp %.3g%%", r->l2_uvp);
    const double share = r->steps > 0 && !r->pretraining ? 100 * (double)r->step / (double)r->steps : 0;
    snprintf(line, sizeof line, "%3.0f%%  %6s left  %8.4g/s%s  %s%s", share, left, r->rate, uvp, r->pretraining ? "pretraining " : "",
             brn_sweep_name(b->sweep->sweep, c->run));
    print_line(b, line);
}

/* What is left of the running ones and the mean time of one for each that waits, over as many as run at once. */
static double total_left(const cli_board *b, const cli_child *child, int jobs)
{
    double left = 0, known = b->spent;
    int running = 0, counted = b->done;
    for (int k = 0; k < jobs; ++k) {
        if (!child[k].pid) continue;
        const double one = seconds_left(&child[k].report);
        ++running;
        if (isnan(one)) continue;
        left += one;
        known += child[k].report.seconds + one;
        ++counted;
    }
    const double mean = counted ? known / counted : NAN;
    const int waiting = b->total - b->done - b->failed - running;
    return running ? (left + (waiting ? waiting * mean : 0)) / running : NAN;
}

void cli_board_show(cli_board *b, const cli_child *child, int jobs)
{
    char line[256], left[16], spent[16];
    const double t = cli_seconds();
    if (b->quiet || t - b->shown < (b->terminal ? REFRESH_SECONDS : LOG_SECONDS)) return;
    cli_board_clear(b);
    int running = 0, room = b->terminal ? screen().ws_row - 2 : jobs; /* what scrolls away cannot be refreshed */
    for (int k = 0; k < jobs; ++k) {
        if (!child[k].pid) continue;
        if (running++ < room) show_child(b, &child[k]);
    }
    cli_format_seconds(left, total_left(b, child, jobs));
    cli_format_seconds(spent, t - b->started);
    snprintf(line, sizeof line, "%d of %d done, %d running, %d failed  %s so far, %s left", b->done, b->total, running, b->failed, spent, left);
    print_line(b, line);
    fflush(stderr);
    b->shown = t;
}
