/* brenier devices */
#include "cli.h"

#include <stdio.h>

static void print_text(const brn_device_info *info, int count)
{
    for (int i = 0; i < count; ++i) {
        printf("%-12s %s", info[i].name, info[i].available ? info[i].description : "not usable: ");
        if (!info[i].available) printf("%s", info[i].reason);
        if (info[i].available && info[i].cores)
            printf(", %d %s", info[i].cores, info[i].gpu ? "units" : info[i].cores == 1 ? "core" : "cores");
        if (info[i].available && info[i].memory) printf(", %.1f GiB", (double)info[i].memory / 0x1p30);
        putchar('\n');
    }
}

static brn_status print_tree(const brn_device_info *info, int count)
{
    cJSON *tree = cJSON_CreateArray();
    for (int i = 0; i < count; ++i) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", info[i].name);
        cJSON_AddBoolToObject(item, "available", info[i].available);
        cJSON_AddStringToObject(item, "description", info[i].description);
        cJSON_AddStringToObject(item, "reason", info[i].reason);
        cJSON_AddBoolToObject(item, "gpu", info[i].gpu);
        cJSON_AddNumberToObject(item, "cores", info[i].cores);
        cJSON_AddNumberToObject(item, "memory", (double)info[i].memory);
        cJSON_AddItemToArray(tree, item);
    }
    return cli_print_json(tree);
}

static brn_status run(const cli_args *args)
{
    brn_device_info info[64];
    int capacity = sizeof info / sizeof *info, count;
    brn_status status = brn_device_list(info, capacity, &count);
    if (status != BRN_OK) return status;
    if (count > capacity) count = capacity;
    if (cli_option_value(args, "--json")) return print_tree(info, count);
    print_text(info, count);
    return BRN_OK;
}

const cli_command cli_devices = {
    .name = "devices",
    .positional = "",
    .summary = "List the devices, and for those that cannot be used the reason.",
    .examples = "  brenier devices\n  brenier devices --json\n",
    .run = run,
    .options = {{"--json", NULL, "print JSON", false}},
};
