/* warnings.c - what of a reference is accepted, but probably not what was meant. */
#include "served/build/build.h"

#include "row/text_value.h"
#include "text/excerpt.h"
#include "text/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void warn(const struct served_model_settings *settings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warn(const struct served_model_settings *settings, const char *format, ...)
{
    struct error sentence;
    va_list arguments;
    va_start(arguments, format);
    error_vset(&sentence, 0, format, arguments);
    va_end(arguments);
    settings->warn(settings->warn_context, sentence.text);
}

void scorer_warn(const struct config_model *config, const struct scorer *scorer,
                 const struct served_model_settings *settings)
{
    const char *sentence = scorer ? scorer_warning(scorer) : NULL;
    if (settings->warn && sentence)
        warn(settings, "model \"%s\": %s", config->name, sentence);
}

static void warn_numbers(const struct config_model *config, const struct csv_column *column,
                         const struct served_model_settings *settings)
{
    const struct column_kind *kind = &column->kind;
    if (column_kind_are_large(kind))
        warn(settings,
             "model \"%s\": the column \"%s\" has whole numbers above 2^53, such as %s in line "
             "%llu of the reference; a 64-bit float cannot tell such numbers apart: leave the "
             "feature out if they are identifiers",
             config->name, excerpt(column->name).text, kind->large.text.text,
             (unsigned long long)kind->large.line);
    else if (column_kind_are_codes(kind))
        warn(
            settings,
            "model \"%s\": the numeric column \"%s\" has leading zeros, such as %s in line %llu of "
            "the reference: give the feature the type categorical if its values are codes",
            config->name, excerpt(column->name).text, kind->zeros.text.text,
            (unsigned long long)kind->zeros.line);
}

/* Whether a text is a number as programs write one, but not as category_of_value() names it: "1.0",
 * which pandas writes for a 1 in a column with missing values, or "1e3". Its name is written to
 * digits. Codes with leading zeros are sent as text. */
static bool is_spelt_otherwise(const char *text, char digits[NUMBER_MAX_BYTES + 1])
{
    const char *first = text + (*text == '-');
    double number;
    if (*first < '0' || *first > '9' || (first[0] == '0' && first[1] >= '0' && first[1] <= '9') ||
        text_value_number(text, strlen(text), &number) < 0)
        return false;
    const struct value value = {.number = number};
    const struct category category = category_of_value(&value, digits);
    digits[category.bytes] = '\0';
    return category.text && strcmp(digits, text) != 0;
}

/* Equal texts of a column are one text. */
static void warn_categories(const struct config_model *config, const struct csv_column *column,
                            size_t rows, const struct served_model_settings *settings)
{
    char digits[NUMBER_MAX_BYTES + 1];
    const char *before = NULL;
    for (size_t r = 0; r < rows; before = column->text[r++]) {
        const char *text = column->text[r];
        if (!text || text == before || !is_spelt_otherwise(text, digits))
            continue;
        warn(settings,
             "model \"%s\": the column \"%s\" of the reference has the category \"%s\", which the "
             "number %s in a request never matches, as it names the category \"%s\": send the "
             "text, or write %s in the reference",
             config->name, excerpt(column->name).text, excerpt(text).text, digits, digits, digits);
        return;
    }
}

void reference_warn(const struct config_model *config, const struct csv_table *table,
                    const struct served_model_settings *settings)
{
    for (size_t f = 0; settings->warn && f < config->feature_count; f++)
        if (config->features[f].categorical)
            warn_categories(config, &table->columns[f], table->rows, settings);
        else
            warn_numbers(config, &table->columns[f], settings);
}
