/* The memory plan of a training, for people and machines. */
#include "cli.h"

#include <stddef.h>
#include <stdio.h>

static const struct {
    const char *name, *key;
    size_t at;
} parts[] = {
#define PART(name, member) {name, #member, offsetof(brn_memory_plan, member)}
    PART("parameters", parameters), PART("gradients", gradients), PART("optimizer state", optimizer), PART("batches", batches),
    PART("activations", activations), PART("solver state", solver), PART("sampler data", sampler), PART("data on the device", data),
    PART("other", other),
#undef PART
};
enum { PARTS = sizeof parts / sizeof *parts };

static uint64_t bytes_of(const brn_memory_plan *plan, int part) { return *(const uint64_t *)((const char *)plan + parts[part].at); }

static void print_bytes(FILE *to, uint64_t bytes)
{
    if (bytes >= (uint64_t)1 << 30) fprintf(to, "%.2f GiB", (double)bytes / 0x1p30);
    else fprintf(to, "%.2f MiB", (double)bytes / 0x1p20);
}

static void print_rows(FILE *to, const brn_memory_plan *plan)
{
    fprintf(to, "%d", plan->tile_rows);
    if (plan->tile_rows < plan->full_rows) fprintf(to, " (%d would not fit)", plan->full_rows);
}

void cli_report_plan(const brn_memory_plan *plan)
{
    fprintf(stderr, "memory on %s: ", plan->device);
    print_bytes(stderr, plan->total);
    if (plan->memory) fputs(" of ", stderr), print_bytes(stderr, plan->memory);
    for (int i = 0; i < PARTS; ++i) {
        if (!bytes_of(plan, i)) continue;
        fprintf(stderr, "%s %s ", i ? "," : ":", parts[i].name);
        print_bytes(stderr, bytes_of(plan, i));
    }
    fputs("; rows at a time ", stderr);
    print_rows(stderr, plan);
    fputc('\n', stderr);
}

void cli_print_plan(const brn_memory_plan *plan)
{
    printf("%-20s %s\n", "device", plan->device);
    for (int i = 0; i < PARTS; ++i) printf("%-20s ", parts[i].name), print_bytes(stdout, bytes_of(plan, i)), putchar('\n');
    printf("%-20s ", "total"), print_bytes(stdout, plan->total), putchar('\n');
    if (plan->memory) printf("%-20s ", "device memory"), print_bytes(stdout, plan->memory), putchar('\n');
    printf("%-20s ", "rows at a time"), print_rows(stdout, plan), putchar('\n');
}

cJSON *cli_json_plan(const brn_memory_plan *plan)
{
    cJSON *tree = cJSON_CreateObject();
    cJSON_AddStringToObject(tree, "device", plan->device);
    for (int i = 0; i < PARTS; ++i) cli_json_number(tree, parts[i].key, (double)bytes_of(plan, i));
    cli_json_number(tree, "total", (double)plan->total);
    cli_json_number(tree, "device_memory", (double)plan->memory);
    cli_json_number(tree, "tile_rows", plan->tile_rows);
    cli_json_number(tree, "full_rows", plan->full_rows);
    return tree;
}
