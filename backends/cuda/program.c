/* Which compiler serves a device, compiling, launching. */
#include "cuda/cuda.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the compiler and its target --------------------------------------------------------------- */

bool brn_cuda_choose_target(const brn_rtc_functions *rtcs, int count, const int (*known)[BRN_CUDA_ARCHITECTURES_MOST], int capability, int driver,
                            brn_cuda_target *target)
{
    *target = (brn_cuda_target){0};
    for (int i = 0; i < count; ++i) {
        if (rtcs[i].major > driver / 1000) continue; /* its code would be too new for the driver */
        for (int a = 0; known[i][a]; ++a) {
            if (known[i][a] == capability) {
                *target = (brn_cuda_target){.rtc = &rtcs[i], .architecture = capability};
                return true;
            }
            if (known[i][a] < capability && known[i][a] > target->architecture)
                *target = (brn_cuda_target){.rtc = &rtcs[i], .architecture = known[i][a], .ptx = true};
        }
    }
    return target->rtc != NULL;
}

bool brn_cuda_embedded_serve(const brn_cuda_embedded *e, int capability, int driver)
{
    int newest = 0;
    if (!e->toolkit) return false;
    for (const int *a = e->architectures; *a; newest = *a++)
        if (*a / 10 == capability / 10 && *a <= capability && e->toolkit / 1000 <= driver / 1000) return true;
    return newest < capability && e->toolkit <= driver; /* the driver compiles the intermediate code */
}

/* What is embedded, for a line that tells why it is of no use. */
static void describe_embedded(char to[static 80])
{
    size_t at = (size_t)snprintf(to, 80, "%s", brn_cuda_built_in.toolkit ? "; embedded kernels are for" : "");
    for (const int *a = brn_cuda_built_in.architectures; a && *a && at < 70; ++a) at += (size_t)snprintf(to + at, 80 - at, " %d.%d", *a / 10, *a % 10);
}

brn_status brn_cuda_find_target(const brn_cuda_limits *limits, brn_cuda_target *target)
{
    const brn_rtc_functions *rtcs;
    int known[BRN_RTC_MOST][BRN_CUDA_ARCHITECTURES_MOST] = {{0}};
    char embedded[80];
    const int count = brn_rtc_load(&rtcs), needed = limits->driver / 1000;
    for (int i = 0; i < count; ++i) {
        int architectures = 0;
        if (rtcs[i].nvrtcGetNumSupportedArchs(&architectures) != 0 || architectures >= BRN_CUDA_ARCHITECTURES_MOST ||
            rtcs[i].nvrtcGetSupportedArchs(known[i]) != 0)
            known[i][0] = 0;
    }
    if (brn_cuda_choose_target(rtcs, count, (const int(*)[BRN_CUDA_ARCHITECTURES_MOST])known, limits->capability, limits->driver, target)) return BRN_OK;
    if (brn_cuda_embedded_serve(&brn_cuda_built_in, limits->capability, limits->driver)) return BRN_OK;
    describe_embedded(embedded);
    return brn_fail(BRN_ERR_DEVICE, "no NVRTC (libnvrtc.so.%d) that knows compute capability %d.%d is here%s", needed > 12 && limits->capability < 75 ? 12 : needed,
                    limits->capability / 10, limits->capability % 10, embedded);
}

static brn_status rtc_failed(brn_cu_code code, const char *call)
{
    return brn_fail(code == BRN_RTC_OUT_OF_MEMORY ? BRN_ERR_MEMORY : BRN_ERR_DEVICE, "%s failed (%d)", call, code);
}

static brn_status read_log(const brn_rtc_functions *rtc, brn_rtc_program program, char **log)
{
    size_t size = 0;
    *log = NULL;
    if (rtc->nvrtcGetProgramLogSize(program, &size) != 0) size = 0;
    BRN_TRY(BRN_ALLOC(log, size + 1, "compiler's log"));
    if (size && rtc->nvrtcGetProgramLog(program, *log) != 0) **log = '\0';
    return BRN_OK;
}

/* Intermediate code names the driver that it needs at least: the compiler's own, which may be newer than the one that is
 * here. What stands in it is as old as CUDA 12.4; newer architectures need what they say. */
static void ask_for_less(char *text, int architecture)
{
    static const char word[] = ".version ", enough[] = "8.4";
    char *at = architecture <= 90 ? strstr(text, word) : NULL;
    if (at && strtod(at + sizeof word - 1, NULL) > 8.4) memcpy(at + sizeof word - 1, enough, sizeof enough - 1);
}

static brn_status take_image(const brn_cuda_target *t, brn_rtc_program program, char **image, size_t *size)
{
    brn_cu_code code = t->ptx ? t->rtc->nvrtcGetPTXSize(program, size) : t->rtc->nvrtcGetCUBINSize(program, size);
    if (code != 0) return rtc_failed(code, t->ptx ? "nvrtcGetPTXSize" : "nvrtcGetCUBINSize");
    BRN_TRY(BRN_ALLOC(image, *size + 1, "compiled kernels"));
    code = t->ptx ? t->rtc->nvrtcGetPTX(program, *image) : t->rtc->nvrtcGetCUBIN(program, *image);
    if (code == 0 && t->ptx) ask_for_less(*image, t->architecture);
    return code == 0 ? BRN_OK : rtc_failed(code, t->ptx ? "nvrtcGetPTX" : "nvrtcGetCUBIN");
}

brn_status brn_cuda_compile(const brn_cuda_target *target, const char *source, char **image, size_t *size, char **log)
{
    const brn_rtc_functions *rtc = target->rtc;
    brn_rtc_program program;
    char architecture[48];
    snprintf(architecture, sizeof architecture, "--gpu-architecture=%s_%d", target->ptx ? "compute" : "sm", target->architecture);
#define ONE(option) option,
    const char *const options[] = {BRN_CUDA_OPTIONS(ONE) architecture};
    *image = *log = NULL;
    if (!rtc) return brn_fail(BRN_ERR_DEVICE, "no NVRTC is here to compile it");
    brn_cu_code code = rtc->nvrtcCreateProgram(&program, source, "brenier.cu", 0, NULL, NULL);
    if (code != 0) return rtc_failed(code, "nvrtcCreateProgram");
    code = rtc->nvrtcCompileProgram(program, sizeof options / sizeof *options, options);
    brn_status status = read_log(rtc, program, log);
    if (status == BRN_OK && code != 0) status = rtc_failed(code, "nvrtcCompileProgram");
    if (status == BRN_OK) status = take_image(target, program, image, size);
    rtc->nvrtcDestroyProgram(&program);
    if (status != BRN_OK) {
        free(*image);
        *image = NULL;
    }
    return status;
}

/* ---- launches ---------------------------------------------------------------------------------- */

brn_status brn_cuda_prepare(const brn_cuda *cu, const char *name, brn_cu_function f, const void *params, const brn_view *views, int count, unsigned block,
                            unsigned grid_x, unsigned grid_y, brn_cuda_call *call)
{
    if (count > BRN_COMMAND_VIEWS) return brn_fail(BRN_ERR_INTERNAL, "%s: %s: %d buffers", cu->label, name, count);
    call->argument[0] = (void *)(uintptr_t)params;
    for (int i = 0; i < count; ++i) {
        if (views[i].off >= views[i].buf->count)
            return brn_fail(BRN_ERR_INTERNAL, "%s: %s: buffer %d starts at %zu of %zu", cu->label, name, i, views[i].off, views[i].buf->count);
        call->address[i] = brn_cuda_address(views[i]);
        call->argument[1 + i] = &call->address[i];
    }
    call->params = (brn_cu_kernel_params){.f = f, .grid_x = grid_x, .grid_y = grid_y, .grid_z = 1, .block_x = block, .block_y = 1, .block_z = 1,
                                          .arguments = call->argument};
    return BRN_OK;
}

brn_status brn_cuda_prepare_command(const brn_cuda *cu, const brn_command *c, brn_cuda_call *call)
{
    enum { GRID_Y = 65535 }; /* kernels stride over the rest */
    const brn_kernel_info *k = &brn_kernel_table[c->kernel];
    int shared = 0;
    if (k->sized >= 0) memcpy(&shared, c->params + k->sized, sizeof shared);
    BRN_TRY(brn_cuda_prepare(cu, k->name, cu->kernels[c->kernel], c->params, c->view, c->views, (unsigned)k->wg,
                            ((unsigned)c->rows + (unsigned)k->wg - 1) / (unsigned)k->wg, !k->spread ? 1 : c->feats < GRID_Y ? (unsigned)c->feats : GRID_Y, call));
    call->params.shared = (unsigned)shared * (unsigned)sizeof(float);
    return BRN_OK;
}

brn_status brn_cuda_launch(brn_queue *q, const char *name, const brn_cuda_call *call)
{
    const brn_cuda *cu = q->impl;
    const brn_cu_kernel_params *p = &call->params;
    const brn_cu_code code = brn_cu.cuLaunchKernel(p->f, p->grid_x, p->grid_y, 1, p->block_x, 1, 1, p->shared, cu->stream, p->arguments, NULL);
    if (!cu->capturing) brn_count(q->dev, &q->dev->counts.submissions, 1);
    return code == 0 ? BRN_OK : brn_cuda_fail(cu, code, "cuLaunchKernel", "%s, %u x %u blocks of %u", name, p->grid_x, p->grid_y, p->block_x);
}
