/* replay.h - `model-service check --stream`: a file's rows, in their order, through rules that
 * page.
 *
 * A rule is an urn per feature (stats/urn_feature.h) with a budget and a materiality, or a window
 * of the last rows with a threshold, as the service has. All rules see every row in one pass; the
 * file may be a pipe. */
#ifndef CHECK_REPLAY_H
#define CHECK_REPLAY_H

#include "check/check.h"
#include "stats/urn_feature.h"

/* Values of one option, and rules altogether: each rule holds a reference of its own. */
#define REPLAY_MAX_VALUES 8
#define REPLAY_MAX_RULES  16
/* More events than this are only counted. */
#define REPLAY_MAX_EVENTS 10000
/* Rows of a block are held in memory. */
#define REPLAY_MAX_BLOCK 1000000u
/* The budget by default: 90 days, or with a row a second as many rows. */
#define REPLAY_DEFAULT_BUDGET 7776000.0
#define REPLAY_DEFAULT_WINDOW 200

struct replay_values {
    double value[REPLAY_MAX_VALUES];
    size_t count;
};

struct replay_settings {
    const struct check_settings *check;
    struct replay_values budgets; /* rows, or seconds; one false page in so many */
    bool per_time;                /* seconds */
    struct replay_values materialities, windows, thresholds;
    double critical;       /* 0: 0.5, or twice a threshold that is not below that */
    const char *timestamp; /* column of the current file, or NULL */
    size_t block;          /* rows that arrive together, in no order; 1: each by itself */
};

/* The texts of the options, NULL where absent. */
struct replay_options {
    const char *budget, *materiality, *window, *threshold, *critical, *timestamp, *block;
};
/* settings: windows, thresholds and critical keep their values where the option is absent. 0, or
 * -EINVAL or -ENOMEM after a line on standard error. */
NODISCARD int replay_settings_read(const struct replay_options *options,
                                   struct replay_settings *settings);

enum replay_what { REPLAY_PAGE, REPLAY_NOTICE, REPLAY_RESOLVED, REPLAY_ADOPTED };

struct replay_event {
    size_t rule, column;
    enum replay_what what;
    uint64_t row, line; /* row: 1 is the first */
    int64_t ms;
    enum urn_part part; /* of an urn */
    struct urn_change change;
    double deviations;
    uint64_t onset_row; /* 0: unknown */
    int64_t onset_ms;
    struct excerpt category; /* whose share moved; "" for none */
    bool more_missing;       /* of an urn for missing values */
    const char *method;      /* of a window: the method that drifted, its score and threshold */
    double score, threshold;
    bool critical;
};

/* The alerts on a window's drift, DataDriftDetected and CriticalDataDrift, as prometheus/rules has
 * them: each waits before it fires, and fires on for a while. */
struct replay_alert {
    bool drifted, firing;
    int64_t since_ms, last_ms; /* of the running or last drift */
};

struct replay_rule {
    bool is_urn;
    double budget, materiality; /* of an urn rule */
    size_t window;              /* of a window rule */
    double threshold[SEVERITY_COUNT];
    uint64_t pages, notices;
    struct urn_rule urn; /* with the budget of one urn */
    struct urn_bets_pool pool;
    struct urn_feature **feature; /* [columns] */
    struct detector *detector;
    struct detector_report report;
    double *scores;                               /* [columns] */
    struct replay_alert (*alert)[SEVERITY_COUNT]; /* [columns] of a window rule */
};

/* A row that has been read; its cells are in the replay's. */
struct replay_row {
    uint64_t row, line;
    int64_t ms;
    double start; /* the weight with which evidence may begin at it */
};

/* The times of every stride-th row. */
#define REPLAY_TIMES 4096
struct replay_times {
    int64_t ms[REPLAY_TIMES];
    size_t count;
    uint64_t stride;
};

struct replay {
    const struct replay_settings *settings;
    struct check check; /* columns, reference, bad rows; current_rows counts the good ones */
    struct replay_rule rule[REPLAY_MAX_RULES];
    size_t rules; /* urns first: there is at least one */
    size_t timestamp_position;
    int64_t first_ms, last_ms; /* of the good rows; with a timestamp */
    struct replay_times times;
    uint32_t *missing_code;     /* [columns] of a categorical column's detector */
    union detector_cell *cells; /* [block][columns] */
    struct replay_row *rows;    /* [block] */
    uint32_t *order;            /* [block] */
    size_t held;
    struct replay_event *events;
    size_t event_count, event_capacity;
    uint64_t events_not_kept;
};

/* Runs the replay. 0 or an error with replay->check.error. */
NODISCARD int replay_run(struct replay *replay, const struct replay_settings *settings);
void replay_finish(struct replay *replay);

/* Makes the rules from the reference in replay->check. 0 or an error. */
NODISCARD int replay_rules_create(struct replay *replay);
void replay_rules_finish(struct replay *replay);
/* A row through all rules of one kind. 0 or -ENOMEM. */
NODISCARD int replay_rules_observe(struct replay *replay, bool urns, const struct replay_row *row,
                                   const union detector_cell *cells);

/* The time of a row, by those that were kept; 0 without any. */
int64_t replay_time_of(const struct replay *replay, uint64_t row);

/* 0 or -ENOMEM, -EIO. */
NODISCARD int replay_print_text(const struct replay *replay, FILE *out);
NODISCARD int replay_print_json(const struct replay *replay, FILE *out);

#endif
