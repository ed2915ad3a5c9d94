/* What the kernels need of a GPU, by a real compiler: registers, shared memory, spills, and how many warps a multiprocessor
 * holds at once.
 *
 *     brenier-bench-occupancy [MAJOR [ARCHITECTURE...]]
 *
 * By the NVRTC of that CUDA version on the library path, the newest if none is named, for the architectures named or, where it
 * knows them, for 70 75 80 86 89 90 and its newest. Fails where a kernel does not compile or keeps values in local memory:
 * the tests run it so. A kernel whose shared memory depends on the network has lines for some networks. No GPU is needed. */
#include "common/kernel_text.h"
#include "cuda/cuda.h"
#include "networks/small.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the compiler's report says of a kernel. */
typedef struct {
    char name[64];
    int stack, stores, loads, registers, shared;
} need;

/* The next kernel's report from `at` on; NULL after the last. */
static const char *next_need(const char *at, need *n)
{
    *n = (need){.name = ""};
    at = strstr(at, "Compiling entry function 'brn_");
    if (!at || sscanf(at, "Compiling entry function 'brn_%63[^']'", n->name) != 1) return NULL;
    const char *used = strstr(at, "Used "), *end = used ? strchr(used, '\n') : NULL, *frame = strstr(at, " bytes stack frame");
    if (!end || !frame) return NULL;
    while (frame > at && frame[-1] >= '0' && frame[-1] <= '9') --frame;
    if (sscanf(frame, "%d bytes stack frame, %d bytes spill stores, %d bytes spill loads", &n->stack, &n->stores, &n->loads) != 3) return NULL;
    n->registers = atoi(used + 5);
    const char *shared = strstr(used, " bytes smem");
    if (shared && shared < end) {
        while (shared[-1] >= '0' && shared[-1] <= '9') --shared;
        n->shared = atoi(shared);
    }
    return end;
}

/* KiB of shared memory of a multiprocessor. */
static int shared_of(int architecture)
{
    return architecture == 75 ? 64 : architecture == 70 ? 96 : architecture == 86 || architecture == 89 || architecture >= 120 ? 100 : architecture == 80 ? 164 : 228;
}

/* Bytes that a block gets on request: all but one KiB, of older ones all. */
static int shared_of_block(int architecture) { return (shared_of(architecture) - (architecture >= 80)) << 10; }

/* Warps that a multiprocessor of this architecture holds at once, of those it could. */
static int active_warps(const need *n, int wg, int architecture, int *most)
{
    const int minor_set = architecture == 75 ? 32 : architecture == 86 || architecture == 89 || architecture >= 120 ? 48 : 64;
    const int blocks = architecture == 75 ? 16 : architecture == 86 ? 16 : architecture == 89 || architecture >= 120 ? 24 : 32;
    const int warps = (wg + 31) / 32, of_warp = (n->registers * 32 + 255) / 256 * 256, reserved = architecture >= 80 ? 1024 : 0;
    int fit = minor_set / warps < blocks ? minor_set / warps : blocks;
    if (65536 / (of_warp * warps) < fit) fit = 65536 / (of_warp * warps);
    if (n->shared && shared_of(architecture) * 1024 / (n->shared + reserved) < fit) fit = shared_of(architecture) * 1024 / (n->shared + reserved);
    *most = minor_set;
    return fit * warps;
}

static int wg_of(const char *name)
{
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k)
        if (!strcmp(brn_kernel_table[k].name, name)) return brn_kernel_table[k].wg;
    return 64; /* both tiles of the product */
}

static bool is_sized(const char *name)
{
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k)
        if (!strcmp(brn_kernel_table[k].name, name)) return brn_kernel_table[k].sized >= 0;
    return false;
}

static void print_need(const need *n, const char *of, int architecture)
{
    int most;
    const int warps = active_warps(n, wg_of(n->name), architecture, &most);
    printf("| sm_%d | %s%s | %d | %d | %d of %d | %d | %d + %d |\n", architecture, n->name, of, n->registers, n->shared, warps, most, n->stack, n->stores, n->loads);
}

/* A kernel that takes whole networks, for some. */
static void print_networks(const need *n, int architecture)
{
    static const struct {
        int dimension;
        brn_widths hidden;
        bool icnn;
    } networks[] = {{2, {3, {64, 64, 32}}, false}, {64, {3, {64, 64, 32}}, false}, {64, {3, {64, 64, 32}}, true}, {2, {2, {128, 128}}, false}, {64, {2, {128, 128}}, false},
                    {2, {3, {128, 128, 64}}, false}, {64, {3, {128, 128, 64}}, true}};
    for (size_t i = 0; i < sizeof networks / sizeof *networks; ++i) {
        const brn_widths *w = &networks[i].hidden;
        brn_net_shape shape;
        brn_small small;
        need of = *n;
        char text[96];
        if ((networks[i].icnn ? brn_shape_icnn(&shape, networks[i].dimension, w, BRN_ACT_ELU, 1, false, false)
                              : brn_shape_mlp(&shape, networks[i].dimension, w, BRN_ACT_ELU, 1, false)) != BRN_OK)
            continue;
        const bool fits = brn_small_layout(&shape, shared_of_block(architecture) / (int)sizeof(float), &small);
        of.shared += fits ? small.shared * (int)sizeof(float) : 0;
        snprintf(text, sizeof text, ", %s of n = %d, widths %d %d%s%.0d%s", networks[i].icnn ? "ICNN" : "MLP", networks[i].dimension, w->width[0], w->width[1],
                 w->count > 2 ? " " : "", w->count > 2 ? w->width[2] : 0, !fits ? ": does not fit" : small.resident ? "" : ", by rows");
        print_need(&of, text, architecture);
    }
}

/* The number of kernels reported, or -1. */
static int compile(const brn_cuda_target *target, const char *what, const char *source, bool table)
{
    char *image, *log;
    size_t size;
    int kernels = 0, bad = 0;
    need n;
    if (brn_cuda_compile(target, source, &image, &size, &log) != BRN_OK) {
        printf("NVRTC %d.%d, sm_%d, %s: %s\n%s\n", target->rtc->major, target->rtc->minor, target->architecture, what, brn_last_error(), log ? log : "");
        free(log);
        return -1;
    }
    for (const char *at = log; (at = next_need(at, &n)); ++kernels) {
        const bool spills = n.stack || n.stores || n.loads;
        if (table && is_sized(n.name)) print_networks(&n, target->architecture);
        else if (table || spills) print_need(&n, "", target->architecture);
        bad += spills;
    }
    free(image), free(log);
    return bad ? -1 : kernels;
}

static int compile_products(const brn_cuda_target *target, bool table)
{
    for (int number = BRN_CUDA_PRODUCTS; number < BRN_CUDA_PROGRAMS; ++number) {
        char kind[BRN_CUDA_KIND], *source;
        if (brn_cuda_text(number, kind, &source) != BRN_OK) return -1;
        const int found = compile(target, kind, source, table && (number - BRN_CUDA_PRODUCTS) % 4 == 0);
        free(source);
        if (found != 1) return -1;
    }
    return 0;
}

/* Intermediate code that leaves cudaGraphSetConditional to the driver. */
static bool compile_condition(const brn_rtc_functions *rtc, int architecture)
{
    char *image = NULL, *log = NULL, kind[BRN_CUDA_KIND], *source;
    size_t size;
    const brn_cuda_target target = {.rtc = rtc, .architecture = architecture, .ptx = true};
    if (brn_cuda_text(BRN_CUDA_CONDITION, kind, &source) != BRN_OK) return false;
    const bool compiled = brn_cuda_compile(&target, source, &image, &size, &log) == BRN_OK;
    free(source);
    const bool good = compiled && strstr(image, ".extern .func cudaGraphSetConditional") && strstr(image, ".entry brn_condition");
    if (!good) printf("compute_%d: brn_condition: %s\n%s\n", architecture, compiled ? "not the driver's function" : brn_last_error(), compiled ? image : log ? log : "");
    free(image), free(log);
    return good;
}

static bool wanted(int architecture, int newest, int argc, char **argv)
{
    static const int usual[] = {70, 75, 80, 86, 89, 90};
    for (int i = 2; i < argc; ++i)
        if (atoi(argv[i]) == architecture) return true;
    for (size_t i = 0; argc <= 2 && i < sizeof usual / sizeof *usual; ++i)
        if (usual[i] == architecture) return true;
    return argc <= 2 && architecture == newest;
}

/* The number of architectures that fail. */
static int compile_all(const brn_rtc_functions *rtc, const char *source, int argc, char **argv)
{
    int known = 0, list[BRN_CUDA_ARCHITECTURES_MOST], failures = 0;
    if (rtc->nvrtcGetNumSupportedArchs(&known) != 0 || known <= 0 || known > BRN_CUDA_ARCHITECTURES_MOST || rtc->nvrtcGetSupportedArchs(list) != 0) return 1;
    for (int a = 0; a < known; ++a) {
        const brn_cuda_target target = {.rtc = rtc, .architecture = list[a]};
        if (!wanted(list[a], list[known - 1], argc, argv)) continue;
        printf("| architecture | kernel | registers | shared bytes | active warps | stack bytes | spill stores + loads |\n|---|---|---|---|---|---|---|\n");
        const int kernels = compile(&target, "all kernels", source, true);
        const bool good = kernels == BRN_KERNEL_COUNT && compile_products(&target, true) == 0 && compile_condition(rtc, list[a]);
        printf("\nNVRTC %d.%d, sm_%d: %d kernels of %d%s\n\n", rtc->major, rtc->minor, list[a], kernels, BRN_KERNEL_COUNT, good ? "" : ": FAILS");
        failures += !good;
    }
    return failures;
}

int main(int argc, char **argv)
{
    const brn_rtc_functions *rtcs, *rtc = NULL;
    const int count = brn_rtc_load(&rtcs);
    char *source;
    if (argc > 1 && atoi(argv[1]) < 1) {
        fprintf(stderr, "usage: brenier-bench-occupancy [MAJOR [ARCHITECTURE...]]\n");
        return 2;
    }
    for (int i = 0; i < count && !rtc; ++i)
        if (argc < 2 || rtcs[i].major == atoi(argv[1])) rtc = &rtcs[i];
    if (!rtc) {
        printf("skipped: no libnvrtc.so.%s is here; ci/setup nvrtc\n", argc > 1 ? argv[1] : "13, .12 or .11.2");
        return 77;
    }
    if (brn_kernel_source_all(&source, "cu", "") != BRN_OK) return 1;
    const int failures = compile_all(rtc, source, argc, argv);
    free(source);
    return failures != 0;
}
