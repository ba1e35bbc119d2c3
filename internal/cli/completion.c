/*
 * Completion without asking a server: verbs, flags, kinds and fields all stand in tables of this program.
 */
#include "cli/args.h"
#include "cli/explain.h"

#include <string.h>

static void put_kinds(const struct pt_schema *schema, struct pt_buf *out)
{
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &len);
    for (size_t i = 0; i < len; i++) {
        pt_buf_printf(out, "%s%s %s", i > 0 ? " " : "", kinds[i]->resource->singular, kinds[i]->resource->plural);
    }
}

static void put_fields(const struct pt_message_type *kind, bool assign, struct pt_buf *out)
{
    const char *space = "";
    for (size_t i = 0; i < kind->fields_len; i++) {
        const struct pt_field_type *field = &kind->fields[i];
        if (assign && (field->rules.output != PT_OUTPUT_USER || strcmp(field->name, "name") == 0)) {
            continue;
        }
        if (assign) {
            pt_buf_printf(out, "%s%s%c", space, field->name, field->map ? '.' : '=');
        } else {
            pt_buf_printf(out, "%s%s.%s", space, kind->resource->singular, field->name);
        }
        space = " ";
    }
}

static void put_cases(const struct pt_schema *schema, struct pt_buf *out)
{
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &len);
    for (size_t i = 0; i < len; i++) {
        const struct pt_resource_type *resource = kinds[i]->resource;
        pt_buf_printf(out, "        %s|%s) words=\"", resource->singular, resource->plural);
        put_fields(kinds[i], true, out);
        pt_buf_append_str(out, "\" ;;\n");
    }
}

void pt_cli_completion_bash(const struct pt_schema *schema, struct pt_buf *out)
{
    size_t len = 0;
    const struct pt_cli_verb *verbs = pt_cli_verbs(&len);
    pt_buf_append_str(out, "# Completion of patronusctl for bash: source <(patronusctl completion bash)\n"
                           "_patronusctl() {\n"
                           "  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} words=\"\"\n"
                           "  if [[ $word == -* ]]; then\n    words=\"");
    for (enum pt_cli_flag flag = 0; flag < PT_CLI_FLAGS_LEN; flag++) {
        pt_buf_printf(out, "%s%s", flag > 0 ? " " : "", pt_cli_flag_name(flag));
    }
    pt_buf_append_str(out, "\"\n  elif ((COMP_CWORD == 1)); then\n    words=\"");
    for (size_t i = 0; i < len; i++) {
        pt_buf_printf(out, "%s%s", i > 0 ? " " : "", verbs[i].name);
    }
    pt_buf_append_str(out, "\"\n  elif [[ $verb == explain && $word == *.* ]]; then\n    case ${word%%.*} in\n");
    size_t kinds_len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &kinds_len);
    for (size_t i = 0; i < kinds_len; i++) {
        pt_buf_printf(out, "        %s) words=\"", kinds[i]->resource->singular);
        put_fields(kinds[i], false, out);
        pt_buf_append_str(out, "\" ;;\n");
    }
    pt_buf_append_str(out, "    esac\n  elif ((COMP_CWORD == 2)); then\n    case $verb in\n"
                           "        get|list|create|delete|watch|explain) words=\"");
    put_kinds(schema, out);
    pt_buf_append_str(out, "\" ;;\n        tokens) words=\"create\" ;;\n"
                           "        cluster) words=\"status transfer\" ;;\n"
                           "        completion) words=\"bash\" ;;\n"
                           "    esac\n  elif [[ $verb == create ]]; then\n    case ${COMP_WORDS[2]} in\n");
    put_cases(schema, out);
    pt_buf_append_str(out, "    esac\n  fi\n"
                           "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                           "  [[ ${COMPREPLY[0]-} == *= || ${COMPREPLY[0]-} == *. ]] && compopt -o nospace\n"
                           "  return 0\n}\ncomplete -F _patronusctl patronusctl\n");
}
