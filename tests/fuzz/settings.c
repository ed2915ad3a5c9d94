/* libFuzzer entry: any bytes as a configuration file. What is accepted must print, and read back as
 * the same settings. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    brn_settings s, again;
    char *text, *second;
    if (brn_settings_preset(&s, "hd") != BRN_OK) abort();
    if (brn_config_parse(&s, (const char *)data, size, "fuzz") != BRN_OK) return 0;
    if (brn_settings_text(&s, &text) != BRN_OK) abort();
    if (brn_settings_preset(&again, "2d-paper") != BRN_OK) abort();
    if (brn_config_parse(&again, text, strlen(text), "text") != BRN_OK) abort();
    if (brn_settings_text(&again, &second) != BRN_OK) abort();
    if (strcmp(text, second) != 0) abort();
    free(text), free(second);
    return 0;
}
