/* brenier info: what a model file holds. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

static void print_tree(const cJSON *node, int indent)
{
    for (const cJSON *item = node->child; item; item = item->next) {
        bool object = cJSON_IsObject(item);
        printf("%*s%-*s", indent, "", object ? 0 : 22 - indent, item->string ? item->string : "-");
        if (object) {
            putchar('\n');
            print_tree(item, indent + 2);
            continue;
        }
        char *text = cJSON_IsString(item) ? NULL : cJSON_PrintUnformatted(item);
        printf(" %s\n", cJSON_IsString(item) ? item->valuestring : text ? text : "");
        free(text);
    }
}

/* A file may be a benchmark pair instead of a model; where it is neither, what is wrong with the model is told. */
static brn_status describe(const cli_args *args, cli_session *s, char **text)
{
    *text = NULL;
    if (brn_benchmark_describe(args->positional[0], text) == BRN_OK && *text) return BRN_OK;
    const brn_status status = cli_session_open(s, args, args->positional[0]);
    return status == BRN_OK ? brn_model_describe(s->model, text) : status;
}

static brn_status run(const cli_args *args)
{
    cli_session s = {0};
    char *text;
    brn_status status = describe(args, &s, &text);
    if (status == BRN_OK) {
        cJSON *tree = cJSON_Parse(text);
        if (cli_option_value(args, "--json") || !tree)
            puts(text);
        else
            print_tree(tree, 0);
        cJSON_Delete(tree);
    }
    free(text);
    cli_session_close(&s);
    return status;
}

const cli_command cli_info = {
    .name = "info",
    .positional = "MODEL|PAIR",
    .summary = "Describe a model (networks, parameters, steps, its data) or a benchmark pair.",
    .least = 1,
    .most = 1,
    .settings = cli_device_settings,
    .details = "MODEL is a run folder, a model or a checkpoint, PAIR the file of a benchmark pair.\n",
    .examples = "  brenier info runs/gauss8\n  brenier info runs/gauss8/latest.safetensors --json\n  brenier info hd_16.safetensors\n",
    .run = run,
    .options = {{"--json", NULL, "print JSON", false}},
};
