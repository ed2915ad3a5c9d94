/* A model in words, as JSON. */
#include "model/model.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

/* Numbers that are learned: named tensors, without the gaps between them. */
static double parameters(const brn_net_shape *s)
{
    double count = 0;
    for (int i = 0; i < s->tensors; ++i) count += (double)s->tensor[i].rows * (s->tensor[i].cols ? s->tensor[i].cols : 1);
    return count;
}

/* "group.name" of the settings under `name`, as the command line writes it. */
static void add_setting(cJSON *to, const brn_settings *s, const char *group, const char *name)
{
    char key[BRN_NAME_MAX], text[BRN_PATH_MAX];
    snprintf(key, sizeof key, "%s.%s", group, name);
    if (brn_settings_get(s, key, text, sizeof text) == BRN_OK) cJSON_AddStringToObject(to, name, text);
}

static void add_network(cJSON *to, const brn_settings *s, const char *group, const brn_net_shape *shape)
{
    cJSON *net = cJSON_AddObjectToObject(to, group);
    add_setting(net, s, group, "kind");
    if (!shape) return;
    add_setting(net, s, group, "hidden");
    add_setting(net, s, group, "activation");
    cJSON_AddNumberToObject(net, "parameters", parameters(shape));
}

static void add_standardization(cJSON *to, const brn_model *m)
{
    if (!m->standardized) {
        cJSON_AddNullToObject(to, "standardization");
        return;
    }
    cJSON *std = cJSON_AddObjectToObject(to, "standardization");
    cJSON_AddNumberToObject(std, "scale", m->scale);
    cJSON_AddItemToObject(std, "source_shift", cJSON_CreateDoubleArray(m->shift[BRN_SOURCE], m->n));
    cJSON_AddItemToObject(std, "target_shift", cJSON_CreateDoubleArray(m->shift[BRN_TARGET], m->n));
}

brn_status brn_model_describe(const brn_model *m, char **json)
{
    const brn_settings *s = &m->settings;
    const brn_net *h = brn_amortizer_net((brn_amortizer *)&m->h);
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)s->seed);
    cJSON *to = cJSON_CreateObject();
    cJSON_AddNumberToObject(to, "n", m->n);
    cJSON_AddStringToObject(to, "pair", m->pair);
    cJSON_AddNumberToObject(to, "steps", (double)m->steps);
    cJSON_AddStringToObject(to, "preset", s->preset);
    cJSON_AddRawToObject(to, "seed", seed); /* a double would round it */
    cJSON_AddStringToObject(to, "trained_on", s->device);
    add_network(to, s, "potential", &m->f.part[0].shape);
    add_network(to, s, "amortizer", h ? &h->shape : NULL);
    cJSON_AddNumberToObject(to, "averaging", m->averaged ? s->train.averaging : 0);
    add_standardization(to, m);
    *json = to ? cJSON_Print(to) : NULL;
    cJSON_Delete(to);
    return *json ? BRN_OK : brn_fail(BRN_ERR_MEMORY, "description of a model: out of memory");
}
