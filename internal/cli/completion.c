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

/* Words of the shell before the cursor: the verb and what stands behind it into `line`; what says where the cluster is
 * into `pass`. bash splits words at '=', so "--parent=x" is three of them. */
static void put_head(struct pt_buf *out)
{
    pt_buf_append_str(out, "# Completion of patronusctl for bash: source <(patronusctl completion bash)\n"
                           "_patronusctl() {\n"
                           "  local word=${COMP_WORDS[COMP_CWORD]} words=\"\" i flag value line=() pass=()\n"
                           "  [[ $word == = ]] && word=\"\"\n"
                           "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                           "    flag=${COMP_WORDS[i]}\n"
                           "    case $flag in\n      ");
    const char *bar = "";
    for (enum pt_cli_flag flag = 0; flag < PT_CLI_FLAGS_LEN; flag++) {
        struct pt_cli_flag_info info = pt_cli_flag_info(flag);
        if (info.value != NULL) {
            pt_buf_printf(out, "%s%s", bar, info.name);
            if (info.letter != 0) {
                pt_buf_printf(out, "|-%c", info.letter);
            }
            bar = "|";
        }
    }
    pt_buf_append_str(out, ")\n"
                           "        [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))\n"
                           "        ((i++)); value=${COMP_WORDS[i]}\n"
                           "        case $flag in -s|--server|-c|--credential|-p|--parent|--context|--token-file)\n"
                           "          pass+=(\"$flag\" \"$value\") ;; esac ;;\n"
                           "      -*|=) ;;\n"
                           "      *) line+=(\"$flag\") ;;\n"
                           "    esac\n  done\n"
                           "  local verb=${line[0]-} kind=${line[1]-}\n");
}

static void put_first_words(const struct pt_schema *schema, struct pt_buf *out)
{
    size_t len = 0;
    const struct pt_cli_verb *verbs = pt_cli_verbs(&len);
    pt_buf_append_str(out, "  if [[ $word == -* ]]; then\n    words=\"");
    for (enum pt_cli_flag flag = 0; flag < PT_CLI_FLAGS_LEN; flag++) {
        pt_buf_printf(out, "%s%s", flag > 0 ? " " : "", pt_cli_flag_name(flag));
    }
    pt_buf_append_str(out, "\"\n  elif ((${#line[@]} == 0)); then\n    words=\"");
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
    pt_buf_append_str(out, "    esac\n  elif ((${#line[@]} == 1)); then\n    case $verb in\n"
                           "        get|list|create|update|delete|undelete|edit|wait|watch|explain) words=\"");
    put_kinds(schema, out);
    pt_buf_append_str(out, "\" ;;\n        tokens|api-keys) words=\"create\" ;;\n"
                           "        cluster) words=\"status transfer\" ;;\n"
                           "        contexts) words=\"list add use remove\" ;;\n"
                           "        sites|links) words=\"drain undrain\" ;;\n"
                           "        audit) words=\"export verify\" ;;\n"
                           "        call) words=$(patronusctl call | cut -f 1) ;;\n"
                           "        completion) words=\"bash\" ;;\n"
                           "        help) words=\"");
    for (size_t i = 0; i < len; i++) {
        pt_buf_printf(out, "%s%s", i > 0 ? " " : "", verbs[i].name);
    }
    pt_buf_append_str(out, "\" ;;\n    esac\n");
}

void pt_cli_completion_bash(const struct pt_schema *schema, struct pt_buf *out)
{
    put_head(out);
    put_first_words(schema, out);
    pt_buf_append_str(out, "  elif [[ $verb == contexts && $kind != add ]]; then\n"
                           "    words=$(patronusctl contexts list -o name 2>/dev/null)\n"
                           "  elif [[ $verb == @(sites|links) ]]; then\n"
                           "    words=$(patronusctl \"${pass[@]}\" -t 2s completion names \"$verb\" 2>/dev/null)\n"
                           "  elif [[ $verb == @(get|delete|undelete|edit|wait) ]] ||\n"
                           "      { [[ $verb == update ]] && ((${#line[@]} == 2)); }; then\n"
                           "    words=$(patronusctl \"${pass[@]}\" -t 2s completion names \"$kind\" 2>/dev/null)\n"
                           "  elif [[ $verb == create ]] || [[ $verb == update ]]; then\n    case $kind in\n");
    put_cases(schema, out);
    pt_buf_append_str(out,
                      "    esac\n  fi\n"
                      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                      "  [[ ${COMPREPLY[0]-} == *= || ${COMPREPLY[0]-} == *. ]] && compopt -o nospace 2>/dev/null\n"
                      "  return 0\n}\ncomplete -F _patronusctl patronusctl\n");
}
