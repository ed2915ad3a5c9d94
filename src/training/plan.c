/* The plan comes from the allocations themselves: everything a training makes is made on a dry device, and its ledger is
 * sorted into parts. */
#include "training/plan.h"
#include "compute/dry.h"
#include "core/memory.h"
#include "training/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_TILE = 64 };

/* ---- parts ------------------------------------------------------------------------------------- */

/* Where the bytes of a name belong. */
static const struct {
    const char *what;
    size_t part; /* offset in the plan */
} parts[] = {
#define PART(what, member) {what, offsetof(brn_memory_plan, member)}
    PART("parameters", parameters), PART("derived weights", parameters), PART("averaged parameters", parameters),
    PART("gradient", gradients),
    PART("first moments", optimizer), PART("second moments", optimizer), PART("optimizer", optimizer), PART("SOAP factor", optimizer),
    PART("SOAP basis", optimizer), PART("SOAP refresh", optimizer), PART("gradient norm", optimizer),
    PART("source batch", batches), PART("source values", batches), PART("target batch", batches), PART("predictions", batches), PART("conjugate arguments", batches),
    PART("losses", batches), PART("evaluation batch", batches), PART("staging", batches),
    PART("activations", activations), PART("potential scratch", activations), PART("amortizer scratch", activations),
    PART("training scratch", activations), PART("normalisation", activations), PART("plan of a network", activations),
    PART("lanes", solver), PART("solver state", solver), PART("solver results", solver), PART("solver scale", solver),
    PART("samples", sampler), PART("lattice", sampler),
#undef PART
};

/* What to lower, by the part that is largest. */
static const struct {
    const char *name, *advice;
    size_t part;
} names[] = {
    {"parameters", "potential.hidden or amortizer.hidden", offsetof(brn_memory_plan, parameters)},
    {"gradients", "potential.hidden or amortizer.hidden", offsetof(brn_memory_plan, gradients)},
    {"optimizer state", "potential.hidden, or take train.potential.kind=adamw", offsetof(brn_memory_plan, optimizer)},
    {"batches", "train.batch", offsetof(brn_memory_plan, batches)},
    {"activations", "train.batch or potential.hidden", offsetof(brn_memory_plan, activations)},
    {"solver state", "conjugate.history or train.batch", offsetof(brn_memory_plan, solver)},
    {"sampler data", "train.batch", offsetof(brn_memory_plan, sampler)},
    {"data on the device", "the number of rows in the data files", offsetof(brn_memory_plan, data)},
    {"other", "train.batch", offsetof(brn_memory_plan, other)},
};
enum { PARTS = sizeof names / sizeof *names };

static uint64_t *part_of(brn_memory_plan *plan, size_t offset) { return (uint64_t *)((char *)plan + offset); }

static void sort_ledger(const brn_device *dry, brn_memory_plan *plan)
{
    const brn_dry_entry *entry;
    const int count = brn_dry_entries(dry, &entry);
    for (int i = 0; i < count; ++i) {
        size_t k = 0;
        while (k < sizeof parts / sizeof *parts && strcmp(parts[k].what, entry[i].what)) ++k;
        *part_of(plan, k < sizeof parts / sizeof *parts ? parts[k].part : offsetof(brn_memory_plan, other)) += entry[i].peak;
    }
    for (int k = 0; k < PARTS; ++k) plan->total += *part_of(plan, names[k].part);
}

/* ---- a dry training ---------------------------------------------------------------------------- */

static brn_status rehearse(brn_device *dry, const brn_settings *settings, const brn_pair *pair)
{
    brn_model *model = NULL;
    brn_trainer *trainer = NULL;
    brn_monitor *monitor = NULL;
    brn_net spare = {0};
    brn_pot view;
    brn_pair *shadow;
    brn_settings set = *settings;
    brn_status status;
    set.train.pretrain_steps = 1;             /* as good as all */
    set.data.sampling = BRN_SAMPLING_IID; /* the search for a lattice takes time, its generator the same place */
    BRN_TRY(brn_pair_shadow(&shadow, pair, dry));
    BRN_GO(brn_model_new(&model, dry, &set, brn_pair_dim(pair), brn_pair_standardization(pair), brn_pair_name(pair)));
    BRN_GO(brn_trainer_create(&trainer, model, shadow));
    BRN_GO(brn_monitor_create(&monitor, trainer));
    BRN_GO(brn_trainer_begin(trainer));
    if (brn_pretrains(&set)) BRN_GO(brn_pretrain(trainer, NULL, NULL));
    BRN_GO(brn_model_evaluated(model, &spare, &view));          /* as the monitor does */
done:
    brn_net_free(&spare);
    brn_monitor_free(monitor);
    brn_trainer_free(trainer);
    brn_model_free(model);
    free(shadow);
    return status;
}

static brn_status make(brn_memory_plan *plan, const brn_device *dev, int tile_rows, const brn_settings *settings, const brn_pair *pair)
{
    brn_device *dry;
    *plan = (brn_memory_plan){.data = dev->used, .memory = dev->memory, .tile_rows = tile_rows};
    snprintf(plan->device, sizeof plan->device, "%s", dev->name);
    BRN_TRY(brn_dry_open(&dry, dev, tile_rows));
    brn_status status = rehearse(dry, settings, pair);
    if (status == BRN_OK) sort_ledger(dry, plan);
    brn_dry_close(dry);
    return status;
}

/* ---- fitting ----------------------------------------------------------------------------------- */

/* A sixteenth is left to what drivers and backends make for themselves, as copies of operands of products. */
static uint64_t usable(const brn_memory_plan *plan) { return plan->memory - plan->memory / 16; }
static bool fits(const brn_memory_plan *plan) { return !plan->memory || plan->total <= usable(plan); }

static void print_bytes(char text[static 24], uint64_t bytes)
{
    if (bytes >= (uint64_t)1 << 30) snprintf(text, 24, "%.1f GiB", (double)bytes / 0x1p30);
    else if (bytes >= 1 << 20) snprintf(text, 24, "%.1f MiB", (double)bytes / 0x1p20);
    else snprintf(text, 24, "%.1f KiB", (double)bytes / 0x1p10);
}

/* The largest part other than `before`. */
static int largest(brn_memory_plan *plan, int before)
{
    int most = -1;
    for (int k = 0; k < PARTS; ++k)
        if (k != before && (most < 0 || *part_of(plan, names[k].part) > *part_of(plan, names[most].part))) most = k;
    return most;
}

static brn_status refuse(brn_memory_plan *plan)
{
    char total[24], memory[24], first_bytes[24], second_bytes[24];
    const int first = largest(plan, -1), second = largest(plan, first);
    print_bytes(total, plan->total), print_bytes(memory, usable(plan));
    print_bytes(first_bytes, *part_of(plan, names[first].part)), print_bytes(second_bytes, *part_of(plan, names[second].part));
    return brn_fail(BRN_ERR_MEMORY, "%s: the training needs %s with %d rows at a time, and %s can be used; the largest parts are %s (%s) and %s (%s): lower %s",
                    plan->device, total, plan->tile_rows, memory, names[first].name, first_bytes, names[second].name, second_bytes, names[first].advice);
}

/* Rows beyond which a larger tile changes nothing. */
static int full_tile(const brn_device *dev, const brn_settings *settings)
{
    const int monitored = brn_monitor_rows(settings), rows = settings->train.batch > monitored ? settings->train.batch : monitored;
    int tile = LEAST_TILE;
    while (tile < rows && tile < 1 << 29) tile *= 2;
    return tile < dev->tile_rows ? tile : dev->tile_rows;
}

brn_status brn_plan_fit(brn_memory_plan *plan, brn_device *dev, const brn_settings *settings, const brn_pair *pair)
{
    const int full = full_tile(dev, settings);
    BRN_TRY(make(plan, dev, full, settings, pair));
    while (!fits(plan) && plan->tile_rows > LEAST_TILE) BRN_TRY(make(plan, dev, plan->tile_rows / 2, settings, pair));
    plan->full_rows = full;
    if (!fits(plan)) return refuse(plan);
    if (plan->tile_rows < full) dev->tile_rows = plan->tile_rows;
    return BRN_OK;
}

brn_status brn_train_plan(brn_device *device, const brn_settings *settings, brn_memory_plan *plan)
{
    brn_pair *pair;
    brn_settings own = *settings;
    BRN_TRY(brn_pair_open(&pair, device, &own));
    brn_status status = brn_settings_resolve(&own, brn_pair_dim(pair));
    if (status == BRN_OK) status = brn_plan_fit(plan, device, &own, pair);
    brn_pair_close(pair);
    return status;
}
