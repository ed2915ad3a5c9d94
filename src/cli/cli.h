/* What the files of the command share. Only public headers of the library are included here: whatever
 * the command can do, a C program can do. */
#ifndef BRN_CLI_H
#define BRN_CLI_H

#include <brenier/brenier.h>
#include <cJSON.h>
#include <signal.h>

/* ---- commands ---------------------------------------------------------------------------------- */

typedef struct cli_option {
    const char *name;     /* "--in"; NULL ends a list */
    const char *argument; /* what stands for its value in the help; NULL: a switch */
    const char *meaning;
    bool required;
} cli_option;

enum { CLI_OPTIONS_MAX = 12 };

struct cli_args;

typedef struct cli_command {
    const char *name;
    const char *positional; /* as in the usage line: "RUN|MODEL" */
    const char *summary;
    int least, most;             /* number of positional arguments */
    const char *const *settings; /* keys, or groups with a dot at the end; NULL: takes no settings */
    const char *details;         /* printed below the options; may be NULL */
    const char *examples;
    brn_status (*run)(const struct cli_args *args);
    cli_option options[CLI_OPTIONS_MAX];
} cli_command;

extern const cli_command cli_devices, cli_train, cli_eval, cli_map, cli_conjugate, cli_sample, cli_info,
    cli_plot, cli_settings, cli_selftest, cli_help;
extern const cli_command cli_sweep_command, cli_table, cli_curves;

extern const cli_command *const cli_commands[];
extern const int cli_command_count;

/** The command of this name; BRN_ERR_USAGE with the nearest one. */
brn_status cli_find_command(const char *name, const cli_command **command);

void cli_print_help(void);
void cli_print_command_help(const cli_command *command);

/** For cli_command.settings: every key. */
extern const char *const cli_all_settings[];
/** Only where to compute. */
extern const char *const cli_device_settings[];

/* ---- arguments --------------------------------------------------------------------------------- */

typedef struct cli_args {
    const cli_command *command;
    const char *values[CLI_OPTIONS_MAX]; /* beside command->options; NULL: not given */
    const char **positional;
    int positional_count;
    const char **assignments; /* "key=value" */
    int assignment_count;
    const char *config; /* --config FILE */
    bool help;
} cli_args;

/** Sort the words behind the command's name. Release with cli_args_free. */
brn_status cli_parse(const cli_command *command, int count, char **words, cli_args *args);
void cli_args_free(cli_args *args);

/** Value of an option, NULL where it was not given; a given switch is "". */
const char *cli_option_value(const cli_args *args, const char *name);
/** The same as a number within [least, most]; `otherwise` where it was not given. */
brn_status cli_option_number(const cli_args *args, const char *name, uint64_t least, uint64_t most,
                             uint64_t otherwise, uint64_t *value);

/** Whether "key=..." is among the arguments. */
bool cli_assigned(const cli_args *args, const char *key);

/** Apply the assignments. Data named by them replace what the settings had, be it a pair or two files. */
brn_status cli_assign_settings(const cli_args *args, brn_settings *settings);

/** Preset hd, then the configuration file, then the assignments. */
brn_status cli_resolve_settings(const cli_args *args, brn_settings *settings);

/* ---- what the commands work on ----------------------------------------------------------------- */

/** A loaded model, and the settings it was trained with under the assignments of the command line. */
typedef struct cli_session {
    brn_device *device;
    brn_model *model;
    brn_pair *pair;
    brn_settings settings;
} cli_session;

/** Open the device that settings name, and tell on the standard error what "auto" chose. */
brn_status cli_open_device(brn_device **device, const brn_settings *settings, bool quiet);

/** Device and model; all zero before. Release with cli_session_close, on failure too. */
brn_status cli_session_open(cli_session *session, const cli_args *args, const char *path);
/** And the pair of its settings. */
brn_status cli_session_open_pair(cli_session *session);
void cli_session_close(cli_session *session);

/** Rows that are read, worked on and written at a time. */
size_t cli_chunk_rows(int n);
/** Open a file of rows of dimension n. */
brn_status cli_open_rows(brn_table **table, const char *path, int n);

/** How the rows of conjugate problems ended. */
typedef struct cli_tally {
    size_t rows, stops[4]; /* by brn_conjugate_stop */
    double iterations, evaluations;
} cli_tally;
void cli_tally_add(cli_tally *tally, const brn_conjugate_row *rows, size_t count);
size_t cli_tally_failed(const cli_tally *tally);
/** One line on the standard error. */
void cli_report_tally(const cli_tally *tally);

/* ---- output ------------------------------------------------------------------------------------ */

/** Keep a line for main() to print, and return `status`. */
brn_status cli_fail(brn_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The kept line, else the library's. */
const char *cli_failure(void);

/** Print a tree on standard output, and free it. */
brn_status cli_print_json(cJSON *tree);
/** Add a number; null where it is not finite. */
void cli_json_number(cJSON *object, const char *name, double value);

/** Scores of a model beside the baselines, as a table or as a tree. */
brn_status cli_print_evaluation(const brn_evaluation *e);
cJSON *cli_json_evaluation(const brn_evaluation *e);

/** A training's memory: a line for progress, a table, a tree. */
void cli_report_plan(const brn_memory_plan *plan);
void cli_print_plan(const brn_memory_plan *plan);
cJSON *cli_json_plan(const brn_memory_plan *plan);

/** "35s", "2h05m". */
void cli_format_seconds(char text[static 16], double seconds);

/* ---- signals ----------------------------------------------------------------------------------- */

/** The signal that asked to stop, 0 = none. A second one ends the process at once. */
extern volatile sig_atomic_t cli_signal;
void cli_catch_signals(void);
void cli_release_signals(void);
/** For loops over chunks: BRN_ERR_STOPPED once a signal came. */
brn_status cli_check_signal(void);

#endif
