/* A sweep as an array job of Slurm: one task per run, by its number in the manifest. */
#include "sweep.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* "0-3,7" of the runs that are pending. */
static void print_indices(FILE *to, const cli_sweep *s)
{
    bool any = false;
    for (int i = 0; i < s->count; ++i) {
        if (!cli_sweep_pending(&s->run[i])) continue;
        int last = i;
        while (last + 1 < s->count && cli_sweep_pending(&s->run[last + 1])) ++last;
        fprintf(to, last > i ? "%s%d-%d" : "%s%d", any ? "," : "", i, last);
        any = true;
        i = last;
    }
}

/* 'text' for the shell. */
static void print_quoted(FILE *to, const char *text)
{
    fputc('\'', to);
    for (; *text; ++text)
        if (*text == '\'') fputs("'\\''", to);
        else fputc(*text, to);
    fputc('\'', to);
}

static uint64_t most_memory(const cli_sweep *s, const cli_share *share)
{
    uint64_t most = 0;
    for (int i = 0; i < s->count; ++i)
        if (share->need[i] > most) most = share->need[i];
    return most;
}

static void print_option(FILE *to, const cli_sweep *s, const char *option)
{
    const char *value = cli_option_value(s->args, option);
    if (value) fprintf(to, "#SBATCH %s=%s\n", option, value);
}

/* Half as much memory again as planned, since Slurm ends what goes beyond. TERM two minutes before the end of the
 * time: the training saves and stops, and the same command submits what is left. */
static void print_script(FILE *to, const cli_sweep *s, const cli_share *share, const char *program, const char *folder)
{
    const char *jobs = cli_option_value(s->args, "--jobs");
    const uint64_t memory = most_memory(s, share);
    brn_settings first;
    fputs("#!/bin/bash\n#SBATCH --job-name=brenier\n#SBATCH --array=", to);
    print_indices(to, s);
    if (jobs) fprintf(to, "%%%s", jobs);
    const char *quote = strchr(folder, ' ') ? "\"" : "";
    fprintf(to, "\n#SBATCH --output=%s%s/slurm-%%A_%%a.out%s\n", quote, folder, quote);
    if (memory) fprintf(to, "#SBATCH --mem=%lluM\n", (unsigned long long)((memory + memory / 2) >> 20) + 64);
    if (cli_sweep_settings(s, 0, &first) == BRN_OK && first.threads > 0) fprintf(to, "#SBATCH --cpus-per-task=%d\n", first.threads);
    fputs("#SBATCH --signal=B:TERM@120\n", to);
    print_option(to, s, "--partition");
    print_option(to, s, "--time");
    fputs("cd ", to);
    char *here = getcwd(NULL, 0);
    print_quoted(to, here ? here : ".");
    free(here);
    fputs(" || exit 1\nexec ", to);
    print_quoted(to, program);
    fputs(" sweep ", to);
    char word[BRN_PATH_MAX + 8];
    snprintf(word, sizeof word, "out=%s", brn_sweep_folder(s->sweep));
    print_quoted(to, word);
    fputs(" --task \"$SLURM_ARRAY_TASK_ID\" threads=\"${SLURM_CPUS_PER_TASK:-1}\"", to);
    if (cli_assigned(s->args, "device") && cli_sweep_settings(s, 0, &first) == BRN_OK) {
        snprintf(word, sizeof word, "device=%s", first.device);
        fputc(' ', to);
        print_quoted(to, word);
    }
    fputc('\n', to);
}

static brn_status write_script(const cli_sweep *s, const char *path)
{
    cli_share share;
    char program[4096];
    char *folder = realpath(brn_sweep_folder(s->sweep), NULL);
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    brn_status status = cli_share_plan(&share, s);
    program[length > 0 ? length : 0] = 0;
    FILE *file = status == BRN_OK ? fopen(path, "w") : NULL;
    if (file) print_script(file, s, &share, *program ? program : "brenier", folder ? folder : brn_sweep_folder(s->sweep));
    const bool written = file && !ferror(file);
    if (status == BRN_OK && (!file || fclose(file) || !written)) status = cli_fail(BRN_ERR_DISK, "%s: cannot be written: %s", path, strerror(errno));
    free(folder);
    free(share.need);
    return status;
}

enum { WORDS_MOST = 64 };

/* sbatch WORDS... SCRIPT; its own output is the user's. */
static brn_status submit(const cli_sweep *s, char *script)
{
    char *words = strdup(cli_option_value(s->args, "--sbatch") ? cli_option_value(s->args, "--sbatch") : ""), *rest = words;
    char *argv[WORDS_MOST + 3] = {"sbatch"};
    int count = 1, how = 0;
    pid_t pid;
    if (!words) return cli_fail(BRN_ERR_MEMORY, "out of memory");
    for (char *word; count <= WORDS_MOST && (word = strtok_r(rest, " \t", &rest));) argv[count++] = word;
    argv[count] = script;
    fflush(stdout);
    const int code = posix_spawnp(&pid, "sbatch", NULL, NULL, argv, environ);
    free(words);
    if (code) return cli_fail(BRN_ERR_UNSUPPORTED, "cannot run sbatch: %s; the job is in %s", strerror(code), script);
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0) return BRN_OK;
    return cli_fail(BRN_ERR_INPUT, "sbatch refused the job (exit %d); it is in %s", WIFEXITED(how) ? WEXITSTATUS(how) : -1, script);
}

brn_status cli_sweep_slurm(cli_sweep *s)
{
    char script[BRN_PATH_MAX + 32];
    int pending = 0;
    for (int i = 0; i < s->count; ++i) pending += cli_sweep_pending(&s->run[i]);
    if (!pending) return BRN_OK;
    snprintf(script, sizeof script, "%s/sweep.sbatch", brn_sweep_folder(s->sweep));
    brn_status status = write_script(s, script);
    if (status == BRN_OK) status = submit(s, script);
    if (status == BRN_OK) fprintf(stderr, "%d of %d runs submitted; when they are done, the same command submits what is left\n", pending, s->count);
    return status;
}
