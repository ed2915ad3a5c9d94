/* nvcc: what cmake/cuda_fatbin.cmake asks of it, by the fake NVRTC. An image "fits" the architectures that were asked for. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DECLARE(name, arguments) brn_cu_code name arguments;
BRN_RTC_LIST(DECLARE)

enum { OPTIONS_MOST = 16 };

typedef struct {
    const char *options[OPTIONS_MOST], *input, *output;
    int count;
    standin_image head;
} request;

static int failed(const char *what, const char *on)
{
    fprintf(stderr, "nvcc: %s: %s\n", what, on);
    return 1;
}

/* arch=compute_80,code=sm_80 */
static bool add_target(request *r, const char *target)
{
    int virtual, real, architectures = 0;
    while (r->head.architectures[architectures]) ++architectures;
    if (sscanf(target, "arch=compute_%d,code=sm_%d", &virtual, &real) == 2) return r->head.architectures[architectures] = real, real == virtual;
    return sscanf(target, "arch=compute_%d,code=compute_%d", &virtual, &r->head.intermediate) == 2;
}

static const char *parse(int argc, char **argv, request *r)
{
    *r = (request){.head.magic = STANDIN_MAGIC};
    for (int i = 1; i < argc; ++i) {
        const bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--fatbin") || !strcmp(argv[i], "--ptx")) continue;
        if (!strcmp(argv[i], "-gencode") && more && add_target(r, argv[i + 1])) ++i;
        else if (!strncmp(argv[i], "-arch=compute_", 14)) r->head.intermediate = atoi(argv[i] + 14);
        else if (!strcmp(argv[i], "-o") && more) r->output = argv[++i];
        else if (!strncmp(argv[i], "--", 2) && r->count < OPTIONS_MOST - 1) r->options[r->count++] = argv[i];
        else if (argv[i][0] != '-' && !r->input) r->input = argv[i];
        else return argv[i];
    }
    return r->input && r->output ? NULL : "no file";
}

static char *read_text(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = fopen(path, "r");
    if (!f || getdelim(&text, &size, '\0', f) < 0) text = NULL;
    if (f) fclose(f);
    return text;
}

static int compile(request *r)
{
    brn_rtc_program program;
    size_t size;
    char *text = read_text(r->input);
    if (!text) return failed("cannot be read", r->input);
    r->options[r->count++] = "--gpu-architecture=sm_70";
    if (nvrtcCreateProgram(&program, text, r->input, 0, NULL, NULL) || nvrtcCompileProgram(program, r->count, r->options) || nvrtcGetCUBINSize(program, &size))
        return failed("does not compile", r->input);
    char *image = malloc(size);
    nvrtcGetCUBIN(program, image);
    r->head.size = size - sizeof r->head;
    memcpy(image, &r->head, sizeof r->head);
    FILE *f = fopen(r->output, "wb");
    const bool whole = f && fwrite(image, 1, size, f) == size;
    nvrtcDestroyProgram(&program);
    free(image), free(text);
    return f && fclose(f) == 0 && whole ? 0 : failed("cannot be written", r->output);
}

int main(int argc, char **argv)
{
    request r;
    if (argc == 2 && !strcmp(argv[1], "--version")) return puts("Cuda compilation tools, release 12.9, V12.9.0") < 0;
    if (argc == 2 && !strcmp(argv[1], "--list-gpu-code")) return puts("sm_70\nsm_75\nsm_80") < 0;
    const char *wrong = parse(argc, argv, &r);
    return wrong ? failed("unknown", wrong) : compile(&r);
}
