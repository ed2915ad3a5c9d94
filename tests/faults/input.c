/* Input that can only be judged once a training knows its settings, and checkpoints that were edited. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char dir[64];
static void make(void) { test_make_dir(dir); }
static void drop(void) { test_remove_dir(dir); }
TestSuite(faults_input, .init = make, .fini = drop);

static void no_folder(const char *path)
{
    struct stat found;
    cr_assert(stat(path, &found), "%s was made", path);
}

/* The batch is chosen by the dimension, which only the opened files tell. */
Test(faults_input, fewer_rows_than_an_automatic_batch)
{
    char folder[96];
    snprintf(folder, sizeof folder, "%s/run", dir);
    brn_settings s = scenario_settings(folder, (const char *const[]){"preset=hd", "train.batch=auto", NULL});
    scenario_rows(&s, dir);
    MUST_FAIL(scenario_run(&s, 1), BRN_ERR_INPUT, "a.csv: 40 rows are fewer than train.batch=");
    no_folder(folder);
}

static void constant_column(const char *text, const char *line)
{
    char folder[96];
    snprintf(folder, sizeof folder, "%s/run", dir);
    brn_settings s = scenario_settings(folder, (const char *const[]){NULL});
    scenario_rows(&s, dir);
    test_write_file(dir, "b.csv", text, strlen(text));
    MUST_FAIL(scenario_run(&s, 1), BRN_ERR_INPUT, line);
    no_folder(folder);
}

Test(faults_input, unusable_rows_leave_no_folder)
{
    constant_column("1,7\n2,7\n3,7\n4,7\n5,7\n6,7\n7,7\n8,7\n", "b.csv: column 2 is the constant 7");
    constant_column("1\n2\n3\n4\n5\n6\n7\n8\n", "b.csv has 1");
}

/* One text of the metadata of the checkpoint, another of the same length instead. */
static void edited(const brn_settings *s, const char *from, const char *to, const char *line)
{
    size_t length;
    char *bytes = test_read_file(dir, "latest.safetensors", &length), *at = memmem(bytes, length, from, strlen(from));
    cr_assert(at && strlen(from) == strlen(to), "no %s in the checkpoint", from);
    memcpy(at, to, strlen(to));
    test_write_file(dir, "latest.safetensors", bytes, length);
    MUST_FAIL(scenario_run(s, 1), BRN_ERR_INPUT, line);
    cr_assert(strstr(brn_last_error(), "latest.safetensors"), "\"%s\" names no file", brn_last_error());
    size_t still;
    char *now = test_read_file(dir, "latest.safetensors", &still);
    cr_assert(still == length && !memcmp(now, bytes, length), "the refused checkpoint was changed");
    free(now);
    memcpy(at, from, strlen(from));
    test_write_file(dir, "latest.safetensors", bytes, length);
    free(bytes);
}

/* A key of the metadata with its whole value. */
static void value_of(const char *key, char text[static 64])
{
    size_t length;
    char *bytes = test_read_file(dir, "latest.safetensors", &length), *at = memmem(bytes, length, key, strlen(key));
    cr_assert(at, "no %s in the checkpoint", key);
    const size_t size = strlen(key) + strcspn(at + strlen(key), "\"");
    cr_assert_lt(size, 64);
    memcpy(text, at, size);
    text[size] = '\0';
    free(bytes);
}

Test(faults_input, edited_checkpoints_are_not_continued)
{
    const brn_settings s = scenario_settings(dir, (const char *const[]){NULL});
    MUST_FAIL(scenario_run_half(&s), BRN_ERR_STOPPED, "step 2");
    edited(&s, "\"train.step\":\"2", "\"train.step\":\"9", "\"train.step\" is 9, expected a number from 0 to 4");
    edited(&s, "\"train.best_dual\"", "\"train.worst_dua\"", "\"train.best_dual\" is missing");
    edited(&s, "\"train.since_best\"", "\"train.since_west\"", "\"train.since_best\" is missing");
    edited(&s, "conjugate.scale", "conjugate.scare", "no tensor 'conjugate.scale'");
    char number[64], wrong[64];
    value_of("\"train.best_dual\":\"", number);
    strcpy(wrong, number);
    wrong[strlen(wrong) - 1] = 'x';
    edited(&s, number, wrong, "x, expected a number: not a checkpoint");
    MUST(scenario_run(&s, 1));
}
