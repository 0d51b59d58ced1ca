/* log.h - log lines on standard error, one write(2) each, from any thread. */
#ifndef SYSTEM_LOG_H
#define SYSTEM_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_PLAIN, LOG_FORMAT_JSON };

/* Before any thread starts. Defaults: info, plain. */
void log_configure(enum log_level level, enum log_format format);
/* 0, or -EINVAL for an unknown word; outputs untouched then. */
int log_level_parse(const char *word, enum log_level *ret_level);
int log_format_parse(const char *word, enum log_format *ret_format);

/* One line; longer messages are cut at LOG_MAX_BYTES and end with "...". Control characters are
 * escaped, so that a client cannot forge a line. */
#define LOG_MAX_BYTES 2048
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
