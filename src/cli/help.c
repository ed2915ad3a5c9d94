/* Help texts, all made from the tables of commands and options. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

brn_status cli_find_command(const char *name, const cli_command **command)
{
    const char *names[32];
    for (int i = 0; i < cli_command_count; ++i) {
        names[i] = cli_commands[i]->name;
        if (!strcmp(names[i], name)) {
            *command = cli_commands[i];
            return BRN_OK;
        }
    }
    return cli_fail(BRN_ERR_USAGE, "unknown %s %.80s; did you mean %s? See brenier --help",
                    name[0] == '-' ? "option" : "command", name,
                    brn_nearest_name(name, names, cli_command_count));
}

void cli_print_help(void)
{
    puts("brenier learns optimal transport maps from samples.\n\n"
         "usage: brenier COMMAND [ARGUMENTS] [key=value ...]\n\n"
         "commands:");
    for (int i = 0; i < cli_command_count; ++i)
        printf("  %-10s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    puts("\n"
         "options:\n"
         "  --help     this text; brenier COMMAND --help describes one command\n"
         "  --version  the version of the library\n\n"
         "exit codes:\n"
         "  0    success\n"
         "  1    internal error\n"
         "  2    usage: an unknown command, option, setting or value, or something this build cannot do\n"
         "  3    a file or its contents cannot be used\n"
         "  4    training diverged; the last finite checkpoint was kept\n"
         "  5    a device is missing or failed\n"
         "  6    out of memory\n"
         "  7    a file cannot be written; a former one of that name is intact\n"
         "  130  stopped by SIGINT, 143 by SIGTERM; the state was saved\n\n"
         "examples:\n"
         "  brenier train preset=2d data.pair=gauss8 out=runs/gauss8\n"
         "  brenier plot runs/gauss8 --out gauss8.png\n"
         "  brenier train data.source=a.npy data.target=b.csv out=runs/mine\n"
         "  brenier map runs/mine --in a.npy --out moved.npy");
}

static void print_setting_names(const cli_command *c)
{
    if (c->settings == cli_all_settings) {
        puts("\nsettings: any key=value (brenier settings lists them) and\n"
             "  --config FILE  YAML file of settings, also without --config if its name ends in .yaml");
    } else if (c->settings) {
        printf("\nsettings:");
        for (const char *const *key = c->settings; *key; ++key)
            printf(" %s%s", *key, (*key)[strlen(*key) - 1] == '.' ? "*=..." : "=...");
        puts("   (see brenier settings)");
    }
}

void cli_print_command_help(const cli_command *c)
{
    printf("usage: brenier %s%s%s", c->name, *c->positional ? " " : "", c->positional);
    for (const cli_option *o = c->options; o->name; ++o)
        printf(o->required ? " %s%s%s" : " [%s%s%s]", o->name, o->argument ? " " : "",
               o->argument ? o->argument : "");
    printf("%s\n\n%s\n", c->settings ? " [key=value ...]" : "", c->summary);
    if (c->options[0].name) puts("\noptions:");
    for (const cli_option *o = c->options; o->name; ++o) {
        char left[40];
        snprintf(left, sizeof left, "%s %s", o->name, o->argument ? o->argument : "");
        printf("  %-16s %s\n", left, o->meaning);
    }
    print_setting_names(c);
    if (c->details) printf("\n%s", c->details);
    printf("\nexamples:\n%s", c->examples);
}

static brn_status run(const cli_args *args)
{
    const cli_command *command;
    if (!args->positional_count) {
        cli_print_help();
        return BRN_OK;
    }
    brn_status status = cli_find_command(args->positional[0], &command);
    if (status == BRN_OK) cli_print_command_help(command);
    return status;
}

const cli_command cli_help = {
    .name = "help",
    .positional = "[COMMAND]",
    .summary = "Describe a command.",
    .most = 1,
    .examples = "  brenier help train\n",
    .run = run,
};
