/* NVRTC: CUDA C++ compiled as host C++ by the system's compiler, into a shared object that is the image. The text goes
 * through the preprocessor first, so that its kernels can be found. */
#define _GNU_SOURCE
#include "standin.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct _nvrtcProgram {
    char *text, *log, *image;
    size_t log_bytes, image_bytes;
} program;

enum { RTC_MEMORY = 1, RTC_INVALID_INPUT = 3, RTC_INVALID_PROGRAM = 4, RTC_INVALID_OPTION = 5, RTC_COMPILATION = 6, RTC_INTERNAL = 11 };
static const int architectures[] = {70, 72, 75, 80, 86, 87, 89, 90};
enum { ARCHITECTURES = sizeof architectures / sizeof *architectures };

static brn_cu_code begin(const char *call, const program *p)
{
    const brn_cu_code code = standin_begin(call);
    return code < 0 ? -code : code == OUT_OF_MEMORY ? RTC_MEMORY : code ? RTC_INTERNAL : p && !standin_has(PROGRAM, p) ? RTC_INVALID_PROGRAM : 0;
}

STANDIN_API brn_cu_code nvrtcVersion(int *major, int *minor)
{
    const brn_cu_code code = begin("nvrtcVersion", NULL);
    *major = 12, *minor = 9;
    return code;
}

STANDIN_API brn_cu_code nvrtcGetNumSupportedArchs(int *count)
{
    const brn_cu_code code = begin("nvrtcGetNumSupportedArchs", NULL);
    *count = ARCHITECTURES;
    return code;
}

STANDIN_API brn_cu_code nvrtcGetSupportedArchs(int *list)
{
    const brn_cu_code code = begin("nvrtcGetSupportedArchs", NULL);
    if (!code) memcpy(list, architectures, sizeof architectures);
    return code;
}

STANDIN_API brn_cu_code nvrtcCreateProgram(brn_rtc_program *out, const char *text, const char *name, int headers, const char *const *bodies,
                                           const char *const *names)
{
    const brn_cu_code code = begin("nvrtcCreateProgram", NULL);
    (void)name, (void)bodies, (void)names;
    if (code) return code;
    if (!text || headers) return RTC_INVALID_INPUT;
    *out = calloc(1, sizeof **out);
    (*out)->text = strdup(text);
    standin_add(PROGRAM, *out, 0);
    return 0;
}

STANDIN_API brn_cu_code nvrtcDestroyProgram(brn_rtc_program *p)
{
    const brn_cu_code code = begin("nvrtcDestroyProgram", NULL);
    if (!standin_remove(PROGRAM, *p)) return code ? code : RTC_INVALID_PROGRAM;
    free((*p)->text), free((*p)->log), free((*p)->image), free(*p);
    *p = NULL;
    return code;
}

/* ---- compiling --------------------------------------------------------------------------------- */

static char *read_file(const char *folder, const char *name, size_t *bytes)
{
    char path[512], *text = NULL;
    snprintf(path, sizeof path, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    *bytes = (size_t)ftell(f);
    rewind(f);
    text = calloc(1, *bytes + 1);
    *bytes = fread(text, 1, *bytes, f);
    fclose(f);
    return text;
}

static FILE *create(const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "wb");
}

static bool shell(const char *folder, const char *format)
{
    char command[1024];
    snprintf(command, sizeof command, format, folder, folder, folder);
    return system(command) == 0;
}

/* `extern "C" __global__ void __launch_bounds__(64) NAME(` of each kernel */
static void export_kernels(FILE *to, const char *text)
{
    for (const char *at = text; (at = strstr(at, "__global__ void"));) {
        static const char bounds[] = "__launch_bounds__(";
        char name[96] = "", threads[96] = "1024";
        at += strlen("__global__ void");
        while (isspace((unsigned char)*at)) ++at;
        if (!strncmp(at, bounds, sizeof bounds - 1)) { /* to the parenthesis that closes it */
            const char *first = at + sizeof bounds - 1;
            int depth = 1;
            for (at = first; *at && depth; ++at) depth += (*at == '(') - (*at == ')');
            snprintf(threads, sizeof threads, "%.*s", (int)(at - 1 - first), first);
            if (strchr(threads, ',')) *strchr(threads, ',') = '\0';
        }
        while (isspace((unsigned char)*at)) ++at;
        for (size_t i = 0; (isalnum((unsigned char)*at) || *at == '_') && i + 1 < sizeof name; ++at) name[i++] = *at;
        fprintf(to, "STANDIN_EXPORT(%s, %s)\n", name, threads);
    }
}

/* The text, with `extern __shared__ TYPE NAME[];` made a view of the memory asked for at the launch. */
static void write_text(FILE *to, const char *text)
{
    static const char mark[] = "extern __shared__ ";
    for (const char *found; (found = strstr(text, mark)); text = strchr(found, ';') + 1) {
        const char *first = found + sizeof mark - 1, *end = strchr(first, '[');
        while (end[-1] == ' ') --end;
        const char *name = end;
        while (isalnum((unsigned char)name[-1]) || name[-1] == '_') --name;
        fwrite(text, 1, (size_t)(found - text), to);
        fprintf(to, "\n#define %.*s ((%.*s *)standin_lane_here->dynamic)\n", (int)(end - name), name, (int)(name - first), first);
    }
    fputs(text, to);
}

static const char shared_range[] = "__attribute__((section(\"standin_shared\"), used)) static float standin_shared_one;\n"
                                   "extern \"C\" char __start_standin_shared[], __stop_standin_shared[];\n"
                                   "extern \"C\" __attribute__((visibility(\"default\"))) char *const standin_shared_range[2] = "
                                   "{__start_standin_shared, __stop_standin_shared};\n";
#ifdef __SANITIZE_ADDRESS__
#define CHECKED " -fsanitize=address"
#else
#define CHECKED ""
#endif

static bool build(program *p, const char *folder)
{
    FILE *f = create(folder, "k.cc");
    size_t bytes;
    fputs(p->text, f), fclose(f);
    if (!shell(folder, STANDIN_CXX " -E -P %s/k.cc -o %s/k.ii 2>%s/log")) return false;
    char *text = read_file(folder, "k.ii", &bytes);
    f = create(folder, "m.cc");
    fprintf(f, "#include \"" STANDIN_DEVICE_H "\"\n");
    write_text(f, text);
    export_kernels(f, text);
    fputs(shared_range, f), fclose(f);
    free(text);
    return shell(folder, STANDIN_CXX " -std=c++17 -w -O1 -march=native -ffp-contract=off -fno-math-errno -fvisibility=hidden -fPIC -shared -nostartfiles"
                                     CHECKED " %s/m.cc -o %s/m.so 2>%s/log");
}

/* Objects are kept under BRENIER_STANDIN_OBJECTS, as tests compile the same kernels again and again. */
static uint64_t digest(uint64_t h, const char *text)
{
    for (; *text; ++text) h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

static bool kept_path(const program *p, char path[static 512])
{
    const char *folder = getenv("BRENIER_STANDIN_OBJECTS");
    size_t bytes;
    char *device = folder ? read_file(NULL, STANDIN_DEVICE_H, &bytes) : NULL;
    if (!device) return false;
    mkdir(folder, 0777);
    snprintf(path, 512, "%s/%016llx.so", folder, (unsigned long long)digest(digest(14695981039346656037u, device), p->text));
    free(device);
    return true;
}

static void keep(const char *path, const char *object, size_t bytes)
{
    char fresh[560];
    snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
    FILE *f = fopen(fresh, "wb");
    if (!f) return;
    const bool whole = fwrite(object, 1, bytes, f) == bytes;
    if (fclose(f) == 0 && whole) rename(fresh, path);
}

static void take_object(program *p, const char *object, size_t bytes, int architecture, bool virtual)
{
    const standin_image head = {.magic = STANDIN_MAGIC, .architectures = {virtual ? 0 : architecture}, .intermediate = virtual ? architecture : 0, .size = bytes};
    p->image_bytes = sizeof head + bytes;
    p->image = malloc(p->image_bytes);
    memcpy(p->image, &head, sizeof head);
    memcpy(p->image + sizeof head, object, bytes);
}

/* As if it had been compiled. */
static bool take_kept(program *p, const char *path, int architecture, bool virtual)
{
    size_t bytes;
    char *object = read_file(NULL, path, &bytes);
    if (!object) return false;
    take_object(p, object, bytes, architecture, virtual);
    free(object);
    return true;
}

static bool option_known(const char *option, int *architecture, bool *virtual)
{
    static const char *const known[] = {"--fmad=false", "--std=c++17", "--ptxas-options=-v"};
    if (!strncmp(option, "--gpu-architecture=", 19)) {
        *virtual = !strncmp(option + 19, "compute_", 8);
        *architecture = atoi(strchr(option, '_') + 1);
        return true;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (!strcmp(option, known[i])) return true;
    return false;
}

STANDIN_API brn_cu_code nvrtcCompileProgram(brn_rtc_program p, int count, const char *const *options)
{
    brn_cu_code code = begin("nvrtcCompileProgram", p);
    char folder[] = "/tmp/brenier-standin-XXXXXX", kept[512];
    int architecture = 0;
    bool known = false, virtual = false;
    if (code) return code;
    for (int i = 0; i < count; ++i)
        if (!option_known(options[i], &architecture, &virtual)) return RTC_INVALID_OPTION;
    for (int a = 0; a < ARCHITECTURES; ++a) known = known || architectures[a] == architecture;
    if (!known) return RTC_INVALID_OPTION;
    const bool keeps = kept_path(p, kept);
    if (keeps && take_kept(p, kept, architecture, virtual)) return 0;
    if (!mkdtemp(folder)) return RTC_INTERNAL;
    if (build(p, folder)) {
        size_t bytes;
        char *object = read_file(folder, "m.so", &bytes);
        take_object(p, object, bytes, architecture, virtual);
        if (keeps) keep(kept, object, bytes);
        free(object);
    } else {
        code = RTC_COMPILATION;
    }
    p->log = read_file(folder, "log", &p->log_bytes);
    shell(folder, "rm -r %s");
    return code;
}

STANDIN_API brn_cu_code nvrtcGetProgramLogSize(brn_rtc_program p, size_t *bytes)
{
    const brn_cu_code code = begin("nvrtcGetProgramLogSize", p);
    if (!code) *bytes = p->log_bytes + 1;
    return code;
}

STANDIN_API brn_cu_code nvrtcGetProgramLog(brn_rtc_program p, char *log)
{
    const brn_cu_code code = begin("nvrtcGetProgramLog", p);
    if (!code) memcpy(log, p->log ? p->log : "", p->log_bytes + 1);
    return code;
}

static brn_cu_code size_of_image(const char *call, program *p, size_t *bytes)
{
    const brn_cu_code code = begin(call, p);
    if (!code) *bytes = p->image_bytes;
    return code;
}

static brn_cu_code image_of(const char *call, program *p, char *image)
{
    const brn_cu_code code = begin(call, p);
    if (!code) memcpy(image, p->image, p->image_bytes);
    return code;
}

STANDIN_API brn_cu_code nvrtcGetCUBINSize(brn_rtc_program p, size_t *bytes) { return size_of_image("nvrtcGetCUBINSize", p, bytes); }
STANDIN_API brn_cu_code nvrtcGetCUBIN(brn_rtc_program p, char *image) { return image_of("nvrtcGetCUBIN", p, image); }
STANDIN_API brn_cu_code nvrtcGetPTXSize(brn_rtc_program p, size_t *bytes) { return size_of_image("nvrtcGetPTXSize", p, bytes); }
STANDIN_API brn_cu_code nvrtcGetPTX(brn_rtc_program p, char *image) { return image_of("nvrtcGetPTX", p, image); }
