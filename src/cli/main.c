/* The command: find the subcommand, run it, turn its status into an exit code. */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

const cli_command *const cli_commands[] = {&cli_train, &cli_sweep_command, &cli_table, &cli_curves,
                                           &cli_eval,   &cli_map,      &cli_conjugate, &cli_plot,
                                           &cli_info,  &cli_sample, &cli_settings, &cli_devices,   &cli_selftest,
                                           &cli_help};
const int cli_command_count = sizeof cli_commands / sizeof *cli_commands;

volatile sig_atomic_t cli_signal;

static void handle_signals(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void on_signal(int number)
{
    cli_signal = number;
    handle_signals(SIG_DFL);
}

void cli_catch_signals(void) { handle_signals(on_signal); }
void cli_release_signals(void) { handle_signals(SIG_DFL); }

/* The numbers of brn_status are the exit codes, apart from those two that a shell knows better. */
static int exit_code(brn_status status)
{
    if (status == BRN_ERR_STOPPED) return 128 + (cli_signal ? cli_signal : SIGTERM);
    return status == BRN_ERR_UNSUPPORTED ? BRN_ERR_USAGE : (int)status;
}

/* One line, whatever a file name holds. */
static void print_failure(const char *line)
{
    fputs("brenier: ", stderr);
    for (; *line; ++line) fputc((unsigned char)*line < 0x20 || *line == 0x7f ? '?' : *line, stderr);
    fputc('\n', stderr);
}

static brn_status run(int argc, char **argv)
{
    const cli_command *command;
    if (argc < 2) return cli_fail(BRN_ERR_USAGE, "no command given; see brenier --help");
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        printf("brenier %s\n", brn_version());
        return BRN_OK;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        cli_print_help();
        return BRN_OK;
    }
    brn_status status = cli_find_command(argv[1], &command);
    if (status != BRN_OK) return status;
    cli_args args;
    status = cli_parse(command, argc - 2, argv + 2, &args);
    if (status == BRN_OK && args.help)
        cli_print_command_help(command);
    else if (status == BRN_OK)
        status = command->run(&args);
    cli_args_free(&args);
    return status;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    brn_status status = run(argc, argv);
    if (status == BRN_OK && (fflush(stdout) || ferror(stdout)))
        status = cli_fail(BRN_ERR_DISK, "cannot write to the standard output: %s", strerror(errno));
    if (status != BRN_OK) print_failure(cli_failure());
    return exit_code(status);
}
