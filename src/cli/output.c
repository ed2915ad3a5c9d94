/* Failures, JSON, numbers for people. */
#include "cli.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char failure[1024];

brn_status cli_fail(brn_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(failure, sizeof failure, format, args);
    va_end(args);
    return status;
}

const char *cli_failure(void) { return *failure ? failure : brn_last_error(); }

brn_status cli_check_signal(void)
{
    return cli_signal ? cli_fail(BRN_ERR_STOPPED, "stopped; nothing was written") : BRN_OK;
}

brn_status cli_print_json(cJSON *tree)
{
    char *text = tree ? cJSON_Print(tree) : NULL;
    cJSON_Delete(tree);
    if (!text) return cli_fail(BRN_ERR_MEMORY, "out of memory for the JSON text");
    puts(text);
    free(text);
    return BRN_OK;
}

void cli_json_number(cJSON *object, const char *name, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(object, name, value);
    else
        cJSON_AddNullToObject(object, name);
}

brn_status cli_print_evaluation(const brn_evaluation *e)
{
    char *text;
    brn_status status = brn_evaluation_text(e, &text);
    if (status != BRN_OK) return status;
    fputs(text, stdout);
    free(text);
    return BRN_OK;
}

cJSON *cli_json_evaluation(const brn_evaluation *e)
{
    char *text;
    if (brn_evaluation_json(e, &text) != BRN_OK) return NULL;
    cJSON *tree = cJSON_Parse(text);
    free(text);
    return tree;
}

void cli_format_seconds(char text[static 16], double seconds)
{
    if (!(seconds < 359999))
        snprintf(text, 16, "-");
    else if (seconds < 60)
        snprintf(text, 16, "%.0fs", seconds);
    else if (seconds < 3600)
        snprintf(text, 16, "%dm%02ds", (int)seconds / 60, (int)seconds % 60);
    else
        snprintf(text, 16, "%dh%02dm", (int)seconds / 3600, (int)seconds / 60 % 60);
}
