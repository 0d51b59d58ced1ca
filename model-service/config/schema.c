/* schema.c - YAML nodes compared with a libcyaml schema, one sentence per difference. */
#include "config/file.h"

#include "text/decimal.h"
#include "text/excerpt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for the longest list of keys a mapping has. */
#define LIST_BYTES 256

struct list {
    char text[LIST_BYTES];
};

static int check_value(struct config_file *file, const cyaml_schema_value_t *schema,
                       const yaml_node_t *node, const char *key);

static const char *scalar_text(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static struct config_key member_key(const char *key, const char *name)
{
    return config_key("%s%s%s", key, *key ? "." : "", excerpt(name).text);
}

static struct list list_keys(const cyaml_schema_field_t *fields)
{
    struct list list = {.text = ""};
    size_t used = 0;

    for (const cyaml_schema_field_t *field = fields; field->key && used < LIST_BYTES; field++)
        used += (size_t)snprintf(list.text + used, LIST_BYTES - used, "%s%s",
                                 field == fields ? "" : ", ", field->key);
    return list;
}

static struct list list_words(const cyaml_schema_value_t *schema)
{
    struct list list = {.text = ""};
    size_t used = 0;

    for (uint32_t i = 0; i < schema->enumeration.count && used < LIST_BYTES; i++)
        used += (size_t)snprintf(list.text + used, LIST_BYTES - used, "%s%s", i ? " or " : "",
                                 schema->enumeration.strings[i].str);
    return list;
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_field_t *fields, const char *name)
{
    for (; fields->key; fields++)
        if (strcmp(fields->key, name) == 0)
            return fields;
    return NULL;
}

static const char *kind_name(const yaml_node_t *node)
{
    if (node->type == YAML_SEQUENCE_NODE)
        return "a list";
    if (node->type == YAML_MAPPING_NODE)
        return "a mapping";
    return node->data.scalar.length == 0 ? "nothing" : "a single value";
}

/* Looks for a key among the pairs before `end`. There are few: in a mapping with more pairs than
 * the schema has keys, one of the first is unknown or appears twice, and the check ends there. */
static bool has_key_before(struct config_file *file, const yaml_node_t *mapping,
                           const yaml_node_pair_t *pair, const char *name)
{
    for (const yaml_node_pair_t *before = mapping->data.mapping.pairs.start; before < pair;
         before++)
        if (strcmp(scalar_text(yaml_document_get_node(&file->document, before->key)), name) == 0)
            return true;
    return false;
}

static int check_pair(struct config_file *file, const cyaml_schema_field_t *fields,
                      const yaml_node_t *mapping, const yaml_node_pair_t *pair, const char *key)
{
    const yaml_node_t *name = yaml_document_get_node(&file->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(&file->document, pair->value);
    const cyaml_schema_field_t *field;

    if (name->type != YAML_SCALAR_NODE)
        return config_file_fail_line(file, name->start_mark.line + 1, key,
                                     "a key is %s, expected one of %s", kind_name(name),
                                     list_keys(fields).text);
    struct config_key path = member_key(key, scalar_text(name));

    field = strlen(scalar_text(name)) == name->data.scalar.length
                ? find_field(fields, scalar_text(name))
                : NULL;
    if (!field)
        return config_file_fail_line(file, name->start_mark.line + 1, path.text,
                                     "unknown key, expected one of %s", list_keys(fields).text);
    if (has_key_before(file, mapping, pair, field->key))
        return config_file_fail_line(file, name->start_mark.line + 1, path.text,
                                     "the key is given twice");
    return check_value(file, &field->value, value, path.text);
}

static int check_mapping(struct config_file *file, const cyaml_schema_value_t *schema,
                         const yaml_node_t *node, const char *key)
{
    const cyaml_schema_field_t *fields = schema->mapping.fields;
    const yaml_node_pair_t *pairs = node->data.mapping.pairs.start;
    const yaml_node_pair_t *end = node->data.mapping.pairs.top;

    for (const yaml_node_pair_t *pair = pairs; pair < end; pair++) {
        int rc = check_pair(file, fields, node, pair, key);

        if (rc < 0)
            return rc;
    }
    for (const cyaml_schema_field_t *field = fields; field->key; field++)
        if (!(field->value.flags & CYAML_FLAG_OPTIONAL) &&
            !has_key_before(file, node, end, field->key))
            return config_file_fail(file, key, "the key \"%s\" is missing", field->key);
    return 0;
}

static int check_sequence(struct config_file *file, const cyaml_schema_value_t *schema,
                          const yaml_node_t *node, const char *key)
{
    const yaml_node_item_t *items = node->data.sequence.items.start;
    size_t count = (size_t)(node->data.sequence.items.top - items);

    if (count < schema->sequence.min || count > schema->sequence.max)
        return config_file_fail(file, key, "found %zu entries, expected %u to %u", count,
                                schema->sequence.min, schema->sequence.max);
    for (size_t i = 0; i < count; i++) {
        int rc = check_value(file, schema->sequence.entry,
                             yaml_document_get_node(&file->document, items[i]),
                             config_key("%s[%zu]", key, i).text);

        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Decimal, without the signs, bases and leading zeros that strtoull() takes. */
static bool is_unsigned(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 15 && text[digits] == '\0' && (digits == 1 || text[0] != '0');
}

static bool is_float(const char *text)
{
    double value;

    return decimal_number(text, strlen(text), &value) == 0;
}

static bool is_word(const cyaml_schema_value_t *schema, const char *text)
{
    for (uint32_t i = 0; i < schema->enumeration.count; i++)
        if (strcmp(schema->enumeration.strings[i].str, text) == 0)
            return true;
    return false;
}

static int check_scalar(struct config_file *file, const cyaml_schema_value_t *schema,
                        const yaml_node_t *node, const char *key)
{
    const char *text = scalar_text(node);

    if (strlen(text) != node->data.scalar.length)
        return config_file_refuse(file, key, "text without a NUL character");
    if (schema->type == CYAML_UINT && !is_unsigned(text))
        return config_file_refuse(file, key, "a whole number of at most 15 digits");
    if (schema->type == CYAML_FLOAT && !is_float(text))
        return config_file_refuse(file, key, "a number");
    if (schema->type == CYAML_BOOL && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return config_file_refuse(file, key, "true or false");
    if (schema->type == CYAML_ENUM && !is_word(schema, text))
        return config_file_refuse(file, key, list_words(schema).text);
    return 0;
}

static int check_value(struct config_file *file, const cyaml_schema_value_t *schema,
                       const yaml_node_t *node, const char *key)
{
    if (schema->type == CYAML_MAPPING) {
        if (node->type == YAML_MAPPING_NODE)
            return check_mapping(file, schema, node, key);
        return config_file_fail(file, key, "found %s, expected a mapping with the keys %s",
                                kind_name(node), list_keys(schema->mapping.fields).text);
    }
    if (schema->type == CYAML_SEQUENCE) {
        if (node->type == YAML_SEQUENCE_NODE)
            return check_sequence(file, schema, node, key);
        return config_file_fail(file, key, "found %s, expected a list", kind_name(node));
    }
    if (node->type == YAML_SCALAR_NODE)
        return check_scalar(file, schema, node, key);
    return config_file_fail(file, key, "found %s, expected a single value", kind_name(node));
}

int config_file_check(struct config_file *file, const cyaml_schema_value_t *schema)
{
    return check_value(file, schema, yaml_document_get_root_node(&file->document), "");
}
