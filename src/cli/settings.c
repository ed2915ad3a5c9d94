/* brenier settings */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_list(void)
{
    const char *key, *values, *meaning;
    for (int i = 0; brn_settings_describe(i, &key, &values, &meaning) == BRN_OK; ++i)
        printf("%-30s %s\n%30s %s\n", key, meaning, "", values);
}

static brn_status print_settings(const cli_args *args)
{
    brn_settings settings;
    uint64_t n;
    char *text = NULL;
    if (args->config && args->positional_count)
        return cli_fail(BRN_ERR_USAGE, "settings: give a preset or a configuration file, not both");
    brn_status status = cli_option_number(args, "--n", 1, 65536, 0, &n);
    if (status == BRN_OK && args->positional_count) {
        status = brn_settings_preset(&settings, args->positional[0]);
        if (status == BRN_OK)
            status = brn_settings_assign(&settings, args->assignment_count, args->assignments);
    } else if (status == BRN_OK)
        status = cli_resolve_settings(args, &settings);
    if (status == BRN_OK && n) status = brn_settings_resolve(&settings, (int)n);
    if (status == BRN_OK) status = brn_settings_text(&settings, &text);
    if (status == BRN_OK) fputs(text, stdout);
    free(text);
    return status;
}

static brn_status run(const cli_args *args)
{
    if (args->positional_count || args->assignment_count || args->config || cli_option_value(args, "--n"))
        return print_settings(args);
    print_list();
    return BRN_OK;
}

const cli_command cli_settings = {
    .name = "settings",
    .positional = "[PRESET]",
    .summary = "List all settings with their values and meanings, or print a preset as YAML.",
    .most = 1,
    .settings = cli_all_settings,
    .details =
        "Presets: hd, 2d and images are recommended; with -paper they are the published settings exactly.\n",
    .examples = "  brenier settings\n"
                "  brenier settings hd > mine.yaml\n"
                "  brenier settings hd --n 16 train.steps=2000\n"
                "  brenier settings mine.yaml train.batch=128\n",
    .run = run,
    .options = {{"--n", "N", "fill in what is chosen automatically for dimension N", false}},
};
