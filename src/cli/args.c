/* Arguments: options by the command's table, "key=value" anywhere, a configuration file, the rest. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const cli_all_settings[] = {"", NULL};
const char *const cli_device_settings[] = {"device", "threads", NULL};

/* "train.steps=10" but not "runs/a=b/best.safetensors": the text before '=' reads like a key. */
static bool is_assignment(const char *word)
{
    const char *equals = strchr(word, '=');
    if (!equals || equals == word || !isalpha((unsigned char)*word)) return false;
    for (const char *c = word; c < equals; ++c)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c)) return false;
    return true;
}

static bool has_ending(const char *word, const char *ending)
{
    size_t n = strlen(word), m = strlen(ending);
    return n > m && !strcmp(word + n - m, ending);
}

static bool takes_key(const cli_command *command, const char *assignment)
{
    size_t length = strcspn(assignment, "=");
    for (const char *const *key = command->settings; *key; ++key) {
        size_t n = strlen(*key);
        bool group = n == 0 || (*key)[n - 1] == '.';
        if (group ? n < length && !memcmp(*key, assignment, n) : n == length && !memcmp(*key, assignment, n))
            return true;
    }
    return false;
}

static brn_status refuse_key(const cli_command *command, const char *assignment)
{
    char known[256] = "";
    for (const char *const *key = command->settings; key && *key; ++key) {
        size_t used = strlen(known), n = strlen(*key);
        snprintf(known + used, sizeof known - used, "%s%s%s", used ? ", " : "", *key,
                 (*key)[n - 1] == '.' ? "*" : "");
    }
    int length = (int)strcspn(assignment, "=");
    if (!*known)
        return cli_fail(BRN_ERR_USAGE, "%s takes no settings, found %.80s", command->name, assignment);
    /* a key that does not exist at all gets the library's suggestion */
    brn_settings scratch;
    brn_status status = brn_settings_preset(&scratch, "hd");
    if (status == BRN_OK) status = brn_settings_assign(&scratch, 1, &assignment);
    if (status != BRN_OK) return status;
    return cli_fail(BRN_ERR_USAGE, "%s takes the settings %s, not %.*s", command->name, known, length,
                    assignment);
}

static brn_status take_assignment(cli_args *args, const char *word)
{
    if (!args->command->settings || !takes_key(args->command, word)) return refuse_key(args->command, word);
    args->assignments[args->assignment_count++] = word;
    return BRN_OK;
}

static bool takes_config(const cli_command *command) { return command->settings == cli_all_settings; }

static brn_status take_config(cli_args *args, const char *path)
{
    if (args->config)
        return cli_fail(BRN_ERR_USAGE, "two configuration files given, %.200s and %.200s", args->config,
                        path);
    args->config = path;
    return BRN_OK;
}

static brn_status refuse_option(const cli_command *command, const char *word, int length)
{
    const char *names[CLI_OPTIONS_MAX + 2];
    int count = 0;
    for (const cli_option *o = command->options; o->name; ++o) names[count++] = o->name;
    if (takes_config(command)) names[count++] = "--config";
    names[count++] = "--help";
    char name[80];
    snprintf(name, sizeof name, "%.*s", length, word);
    return cli_fail(BRN_ERR_USAGE, "%s: unknown option %s; did you mean %s?", command->name, name,
                    brn_nearest_name(name, names, count));
}

/* "--name value", "--name=value" or "--name"; *i moves over a value that is a word of its own. */
static brn_status take_option(cli_args *args, char **words, int count, int *i)
{
    const char *word = words[*i], *equals = strchr(word, '=');
    if (!strcmp(word, "-o")) word = "--out";
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const cli_option config = {"--config", "FILE", NULL, false}, *found = NULL;
    for (const cli_option *o = args->command->options; o->name; ++o)
        if (strlen(o->name) == length && !memcmp(o->name, word, length)) found = o;
    if (takes_config(args->command) && length == strlen(config.name) && !memcmp(config.name, word, length))
        found = &config;
    if (!found) return refuse_option(args->command, word, (int)length);
    const char *value = equals ? equals + 1 : "";
    if (equals && !found->argument)
        return cli_fail(BRN_ERR_USAGE, "%s: %s takes no value", args->command->name, found->name);
    if (!equals && found->argument) {
        if (*i + 1 == count)
            return cli_fail(BRN_ERR_USAGE, "%s: %s needs a value: %s %s", args->command->name, found->name,
                            found->name, found->argument);
        value = words[++*i];
    }
    if (found == &config) return take_config(args, value);
    if (args->values[found - args->command->options])
        return cli_fail(BRN_ERR_USAGE, "%s: %s is given twice", args->command->name, found->name);
    args->values[found - args->command->options] = value;
    return BRN_OK;
}

static brn_status check_complete(const cli_args *args)
{
    const cli_command *c = args->command;
    if (args->positional_count < c->least)
        return cli_fail(BRN_ERR_USAGE, "%s needs %s; see brenier %s --help", c->name, c->positional, c->name);
    if (args->positional_count > c->most)
        return cli_fail(BRN_ERR_USAGE, "%s: unexpected argument %.200s; see brenier %s --help", c->name,
                        args->positional[c->most], c->name);
    for (int i = 0; c->options[i].name; ++i)
        if (c->options[i].required && !args->values[i])
            return cli_fail(BRN_ERR_USAGE, "%s needs %s %s", c->name, c->options[i].name,
                            c->options[i].argument);
    return BRN_OK;
}

brn_status cli_parse(const cli_command *command, int count, char **words, cli_args *args)
{
    *args = (cli_args){.command = command};
    args->positional = calloc((size_t)count + 1, sizeof *args->positional);
    args->assignments = calloc((size_t)count + 1, sizeof *args->assignments);
    if (!args->positional || !args->assignments) return cli_fail(BRN_ERR_MEMORY, "out of memory");
    for (int i = 0; i < count; ++i)
        if (!strcmp(words[i], "--help") || !strcmp(words[i], "-h")) {
            args->help = true;
            return BRN_OK;
        }
    brn_status status = BRN_OK;
    bool options_end = false;
    for (int i = 0; i < count && status == BRN_OK; ++i) {
        const char *word = words[i];
        if (!options_end && !strcmp(word, "--"))
            options_end = true;
        else if (!options_end && word[0] == '-' && word[1])
            status = take_option(args, words, count, &i);
        else if (!options_end && is_assignment(word))
            status = take_assignment(args, word);
        else if (!options_end && takes_config(command) &&
                 (has_ending(word, ".yaml") || has_ending(word, ".yml")))
            status = take_config(args, word);
        else
            args->positional[args->positional_count++] = word;
    }
    return status == BRN_OK ? check_complete(args) : status;
}

void cli_args_free(cli_args *args)
{
    free(args->positional);
    free(args->assignments);
}

const char *cli_option_value(const cli_args *args, const char *name)
{
    for (int i = 0; args->command->options[i].name; ++i)
        if (!strcmp(args->command->options[i].name, name)) return args->values[i];
    return NULL;
}

brn_status cli_option_number(const cli_args *args, const char *name, uint64_t least, uint64_t most,
                             uint64_t otherwise, uint64_t *value)
{
    const char *text = cli_option_value(args, name);
    char *end;
    *value = otherwise;
    if (!text) return BRN_OK;
    errno = 0;
    *value = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : (end = (char *)text, 0);
    if (end == text || *end || errno || *value < least || *value > most)
        return cli_fail(BRN_ERR_USAGE, "%s: %s takes a whole number from %llu to %llu, found \"%.40s\"",
                        args->command->name, name, (unsigned long long)least, (unsigned long long)most, text);
    return BRN_OK;
}

bool cli_assigned(const cli_args *args, const char *key)
{
    size_t n = strlen(key);
    for (int i = 0; i < args->assignment_count; ++i)
        if (!strncmp(args->assignments[i], key, n) && args->assignments[i][n] == '=') return true;
    return false;
}

brn_status cli_assign_settings(const cli_args *args, brn_settings *settings)
{
    bool pair = cli_assigned(args, "data.pair");
    bool files = cli_assigned(args, "data.source") || cli_assigned(args, "data.target");
    if (pair && !files) *settings->data.source = *settings->data.target = 0;
    if (files && !pair) *settings->data.pair = 0;
    return brn_settings_assign(settings, args->assignment_count, args->assignments);
}

brn_status cli_resolve_settings(const cli_args *args, brn_settings *settings)
{
    if (args->config && cli_assigned(args, "preset"))
        return cli_fail(BRN_ERR_USAGE,
                        "preset= starts over and would undo %.200s; name the preset in the file instead",
                        args->config);
    brn_status status = brn_settings_preset(settings, "hd");
    if (status == BRN_OK && args->config) status = brn_settings_load(settings, args->config);
    return status == BRN_OK ? cli_assign_settings(args, settings) : status;
}
