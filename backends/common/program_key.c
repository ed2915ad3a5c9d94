#include "common/program_cache.h"

#include <string.h>

brn_program_key brn_program_key_start(void) { return (brn_program_key){0x6c62272e07bb0142u, 0x62b821756295c58du}; }

static void mix(brn_program_key *key, const void *bytes, size_t count)
{
    const unsigned __int128 prime = (unsigned __int128)1 << 88 | 0x13b;
    unsigned __int128 h = (unsigned __int128)key->high << 64 | key->low;
    const unsigned char *p = bytes;
    for (size_t i = 0; i < count; ++i) h = (h ^ p[i]) * prime;
    *key = (brn_program_key){(uint64_t)(h >> 64), (uint64_t)h};
}

void brn_program_key_add(brn_program_key *key, const void *bytes, size_t count)
{
    const uint64_t length = count;
    mix(key, &length, sizeof length);
    mix(key, bytes, count);
}

void brn_program_key_text(brn_program_key *key, const char *text) { brn_program_key_add(key, text, strlen(text)); }
