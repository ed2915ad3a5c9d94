/* A sweep on this machine: child processes of this command, several at once, in their own process groups so that
 * an interrupt reaches them once, through this process. */
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct work {
    cli_sweep *sweep;
    cli_share share;
    cli_board board;
    cli_child *child; /* [share.jobs] */
    struct pollfd *polled;
    int next;         /* first run that was not looked at */
    int asked;        /* the signal that was handed on */
    int failed_run, diverged;
    brn_status failed; /* of the first that failed */
    char reason[512];
} work;

/* ---- starting ---------------------------------------------------------------------------------- */

static int spawn(char *const argv[], cli_child *c)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1}, code = 0;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) code = errno;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGTERM);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err[1], STDERR_FILENO);
    if (!code) code = posix_spawn(&c->pid, "/proc/self/exe", &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (out[1] >= 0) close(out[1]);
    if (err[1] >= 0) close(err[1]);
    c->out = out[0];
    c->err = err[0];
    if (!code) return 0;
    if (c->out >= 0) close(c->out);
    if (c->err >= 0) close(c->err);
    c->pid = 0;
    return code;
}

static brn_status start(work *w, cli_child *c, int run)
{
    char folder[BRN_PATH_MAX + 8], index[16], threads[32], device[BRN_NAME_MAX + 8];
    brn_settings s;
    brn_status status = cli_sweep_settings(w->sweep, run, &s);
    if (status != BRN_OK) return status;
    snprintf(folder, sizeof folder, "out=%s", brn_sweep_folder(w->sweep->sweep));
    snprintf(index, sizeof index, "%d", run);
    snprintf(threads, sizeof threads, "threads=%d", w->share.threads);
    snprintf(device, sizeof device, "device=%s", s.device);
    char *const argv[] = {"brenier", "sweep", folder, "--task", index, "--report", threads, device, NULL};
    *c = (cli_child){.run = run, .started = cli_seconds(), .report = {.steps = s.train.steps, .l2_uvp = NAN}};
    const int code = spawn(argv, c);
    if (code) return cli_fail(BRN_ERR_MEMORY, "cannot start a process: %s", strerror(code));
    cli_board_say(&w->board, "started %s", brn_sweep_name(w->sweep->sweep, run));
    return BRN_OK;
}

static uint64_t memory_in_use(const work *w)
{
    uint64_t sum = 0;
    for (int k = 0; k < w->share.jobs; ++k)
        if (w->child[k].pid) sum += w->share.need[w->child[k].run];
    return sum;
}

/* The next run where there is room for it; one alone always starts, and says itself if it does not fit. */
static brn_status start_more(work *w)
{
    const cli_sweep *s = w->sweep;
    for (int k = 0; k < w->share.jobs && !cli_signal; ++k) {
        if (w->child[k].pid) continue;
        while (w->next < s->count && !cli_sweep_pending(&s->run[w->next])) ++w->next;
        if (w->next == s->count) return BRN_OK;
        const uint64_t used = memory_in_use(w), need = w->share.need[w->next];
        if (used && w->share.memory && used + need > w->share.memory) return BRN_OK;
        const brn_status status = start(w, &w->child[k], w->next);
        if (status != BRN_OK) return status;
        ++w->next;
    }
    return BRN_OK;
}

/* ---- listening --------------------------------------------------------------------------------- */

static void take_error_line(cli_child *c)
{
    static const char mark[] = "brenier: ";
    const bool marked = !strncmp(c->err_line, mark, sizeof mark - 1);
    snprintf(c->last, sizeof c->last, "%s", marked ? c->err_line + sizeof mark - 1 : c->err_line);
}

/* Bytes into lines; a line that is too long is cut. False at the end of the stream. */
static bool listen_to(cli_child *c, bool error)
{
    char bytes[4096];
    char *line = error ? c->err_line : c->out_line;
    size_t *used = error ? &c->err_used : &c->out_used, room = error ? sizeof c->err_line : sizeof c->out_line;
    const ssize_t got = read(error ? c->err : c->out, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) return true;
    for (ssize_t i = 0; i < got; ++i) {
        if (bytes[i] != '\n') {
            if (*used + 1 < room) line[(*used)++] = bytes[i];
            continue;
        }
        line[*used] = 0;
        *used = 0;
        if (error) take_error_line(c);
        else cli_report_parse(line, &c->report);
    }
    return got > 0;
}

static void listen_all(work *w)
{
    for (int k = 0; k < w->share.jobs; ++k) {
        w->polled[2 * k] = (struct pollfd){.fd = w->child[k].pid ? w->child[k].out : -1, .events = POLLIN};
        w->polled[2 * k + 1] = (struct pollfd){.fd = w->child[k].pid ? w->child[k].err : -1, .events = POLLIN};
    }
    if (poll(w->polled, 2 * (nfds_t)w->share.jobs, 200) <= 0) return;
    for (int k = 0; k < w->share.jobs; ++k) {
        cli_child *c = &w->child[k];
        if (w->polled[2 * k].revents && !listen_to(c, false)) close(c->out), c->out = -1;
        if (w->polled[2 * k + 1].revents && !listen_to(c, true)) close(c->err), c->err = -1;
    }
}

/* ---- ending ------------------------------------------------------------------------------------ */

/* Exit codes are statuses, apart from those that a shell knows better. */
static brn_status status_of(int how, char *line, size_t size)
{
    if (WIFEXITED(how)) {
        const int code = WEXITSTATUS(how);
        return code == 128 + SIGINT || code == 128 + SIGTERM ? BRN_ERR_STOPPED : code <= BRN_ERR_UNSUPPORTED ? (brn_status)code : BRN_ERR_INTERNAL;
    }
    const int number = WTERMSIG(how);
    snprintf(line, size, "ended by signal %d%s", number, number == SIGKILL ? ", as when memory runs out" : "");
    return number == SIGKILL ? BRN_ERR_MEMORY : number == SIGINT || number == SIGTERM ? BRN_ERR_STOPPED : BRN_ERR_INTERNAL;
}

static void tell_end(work *w, const cli_child *c, brn_status status)
{
    const char *name = brn_sweep_name(w->sweep->sweep, c->run);
    const brn_run *run = &w->sweep->run[c->run];
    char time[16];
    cli_format_seconds(time, cli_seconds() - c->started);
    if (status == BRN_OK && isfinite(run->score[BRN_METRIC_FORWARD]))
        cli_board_say(&w->board, "finished %s: L2-UVP %.4g %% in %s", name, run->score[BRN_METRIC_FORWARD], time);
    else if (status == BRN_OK) cli_board_say(&w->board, "finished %s in %s", name, time);
    else if (status == BRN_ERR_STOPPED) cli_board_say(&w->board, "stopped %s at step %lld of %lld", name, (long long)run->step, (long long)run->steps);
    else cli_board_say(&w->board, "%s %s: %s", status == BRN_ERR_DIVERGED ? "diverged" : "failed", name, c->last);
}

static void end(work *w, cli_child *c)
{
    int how = 0;
    while (waitpid(c->pid, &how, 0) < 0 && errno == EINTR) continue;
    const brn_status status = status_of(how, c->last, sizeof c->last);
    brn_run *run = &w->sweep->run[c->run];
    char folder[BRN_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", run->folder);
    if (brn_run_read(run, folder) != BRN_OK) memcpy(run->folder, folder, sizeof folder);
    if (status == BRN_OK || status == BRN_ERR_DIVERGED) ++w->board.done, w->board.spent += cli_seconds() - c->started;
    else if (!cli_signal || status != BRN_ERR_STOPPED) ++w->board.failed;
    if (status == BRN_ERR_DIVERGED) ++w->diverged;
    else if (status != BRN_OK && !w->failed && !(cli_signal && status == BRN_ERR_STOPPED)) {
        w->failed = status;
        w->failed_run = c->run;
        snprintf(w->reason, sizeof w->reason, "%s", *c->last ? c->last : "no message");
    }
    tell_end(w, c, status);
    c->pid = 0;
}

static bool end_some(work *w)
{
    bool running = false;
    for (int k = 0; k < w->share.jobs; ++k) {
        cli_child *c = &w->child[k];
        if (c->pid && c->out < 0 && c->err < 0) end(w, c);
        running = running || c->pid;
    }
    return running;
}

/* Once: a second signal would end the children before they have saved. */
static void hand_signal_on(work *w)
{
    if (!cli_signal || w->asked) return;
    w->asked = cli_signal;
    for (int k = 0; k < w->share.jobs; ++k)
        if (w->child[k].pid) kill(w->child[k].pid, w->asked);
    cli_board_say(&w->board, "stopping: the running ones save their state");
}

static void stop_all(work *w)
{
    for (int k = 0; k < w->share.jobs; ++k)
        if (w->child[k].pid) kill(w->child[k].pid, SIGTERM);
}

static brn_status run_all(work *w)
{
    brn_status status = BRN_OK;
    for (;;) {
        if (status == BRN_OK && (status = start_more(w)) != BRN_OK) stop_all(w);
        listen_all(w);
        hand_signal_on(w);
        const bool running = end_some(w);
        cli_board_show(&w->board, w->child, w->share.jobs);
        if (!running && (status != BRN_OK || cli_signal || w->next == w->sweep->count)) break;
    }
    cli_board_clear(&w->board);
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static brn_status verdict(const work *w)
{
    const cli_sweep *s = w->sweep;
    const char *folder = brn_sweep_folder(s->sweep);
    int left = 0;
    for (int i = 0; i < s->count; ++i) left += cli_sweep_pending(&s->run[i]);
    if (w->asked)
        return cli_fail(BRN_ERR_STOPPED, "stopped; %d of %d runs are done; continue with: brenier sweep out=%s", s->count - left, s->count, folder);
    if (w->failed)
        return cli_fail(w->failed, "%d of %d runs failed, first %s: %s; tried again by: brenier sweep out=%s", w->board.failed, s->count,
                        brn_sweep_name(s->sweep, w->failed_run), w->reason, folder);
    return BRN_OK;
}

/* Two of them would start the same runs. */
static brn_status lock_folder(const char *folder, int *lock)
{
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0 || flock(*lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return BRN_OK;
    return cli_fail(BRN_ERR_INPUT, "%s: another sweep works in this folder", folder);
}

static brn_status run_pending(cli_sweep *s, int pending)
{
    work w = {.sweep = s};
    brn_status status = cli_share_plan(&w.share, s);
    cli_board_init(&w.board, s, pending);
    if (status == BRN_OK) {
        w.child = calloc((size_t)w.share.jobs, sizeof *w.child);
        w.polled = calloc(2 * (size_t)w.share.jobs, sizeof *w.polled);
        if (!w.child || !w.polled) status = cli_fail(BRN_ERR_MEMORY, "out of memory");
    }
    if (status == BRN_OK) {
        cli_board_say(&w.board, "%d of %d runs to do, %d at once with %d thread%s each", pending, s->count, w.share.jobs, w.share.threads,
                      w.share.threads > 1 ? "s" : "");
        status = run_all(&w);
    }
    if (status == BRN_OK) status = verdict(&w);
    free(w.share.need);
    free(w.child);
    free(w.polled);
    return status;
}

brn_status cli_sweep_local(cli_sweep *s)
{
    int lock, pending = 0;
    for (int i = 0; i < s->count; ++i) pending += cli_sweep_pending(&s->run[i]);
    brn_status status = lock_folder(brn_sweep_folder(s->sweep), &lock);
    if (status == BRN_OK && pending) status = run_pending(s, pending);
    if (lock >= 0) close(lock);
    return status;
}
