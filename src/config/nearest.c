#include "config/field.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_COMPARED 96

static int smaller(int a, int b) { return a < b ? a : b; }

/* Damerau-Levenshtein distance in its "optimal string alignment" form, three rows of the table. */
int brn_name_distance(const char *a, const char *b)
{
    int rows[3][NAME_MAX_COMPARED + 1];
    int m = (int)strnlen(a, NAME_MAX_COMPARED), n = (int)strnlen(b, NAME_MAX_COMPARED);
    for (int j = 0; j <= n; ++j) rows[0][j] = j;
    for (int i = 1; i <= m; ++i) {
        int *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= n; ++j) {
            row[j] = smaller(smaller(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
    }
    return rows[m % 3][n];
}

static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

static bool same_first_part(const char *a, const char *b)
{
    size_t length = strcspn(a, ".");
    return length == strcspn(b, ".") && memcmp(a, b, length) == 0;
}

/* The key against the whole candidate and against its ends ("potential.lr" of "train.potential.lr");
 * and last name against last name, where a group too few counts as one letter, a wrong one as two. */
static int key_distance(const char *key, const char *candidate)
{
    int best =
        brn_name_distance(last_part(key), last_part(candidate)) + (same_first_part(key, candidate) ? 1 : 2);
    for (const char *end = candidate; end; end = strchr(end, '.') ? strchr(end, '.') + 1 : NULL)
        best = smaller(best, brn_name_distance(key, end));
    return best;
}

const char *brn_field_nearest(const char *key)
{
    int best = 0;
    for (int i = 1; i < BRN_FIELD_COUNT; ++i)
        if (key_distance(key, brn_fields[i].key) < key_distance(key, brn_fields[best].key)) best = i;
    return brn_fields[best].key;
}

const char *brn_group_nearest(const char *key, int *length)
{
    const char *best = NULL;
    int least = 0;
    char group[NAME_MAX_COMPARED];
    for (int i = 0; i < BRN_FIELD_COUNT; ++i)
        for (const char *dot = strchr(brn_fields[i].key, '.'); dot; dot = strchr(dot + 1, '.')) {
            snprintf(group, sizeof group, "%.*s", (int)(dot - brn_fields[i].key), brn_fields[i].key);
            const int distance = key_distance(key, group);
            if (best && distance >= least) continue;
            best = brn_fields[i].key;
            least = distance;
            *length = (int)strlen(group);
        }
    return best;
}

const char *brn_nearest_name(const char *name, const char *const *names, int count)
{
    const char *best = count > 0 ? names[0] : NULL;
    for (int i = 1; i < count; ++i)
        if (brn_name_distance(name, names[i]) < brn_name_distance(name, best)) best = names[i];
    return best;
}
