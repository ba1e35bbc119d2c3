/*
 * The manual page from the same tables that --help reads. roff wants care in two places: a line must not begin with
 * '.' or '\'', and '-' and '\' have meanings of their own.
 */
#include "cli/args.h"

#include <ctype.h>
#include <string.h>

static void put_roff(const char *text, size_t size, struct pt_buf *out)
{
    for (size_t i = 0; i < size; i++) {
        bool line_start = out->size == 0 || out->data[out->size - 1] == '\n';
        if (line_start && (text[i] == '.' || text[i] == '\'')) {
            pt_buf_append_str(out, "\\&");
        }
        if (text[i] == '\\') {
            pt_buf_append_str(out, "\\e");
        } else if (text[i] == '-') {
            pt_buf_append_str(out, "\\-");
        } else {
            pt_buf_append_u8(out, (uint8_t)text[i]);
        }
    }
}

static void put(const char *text, struct pt_buf *out)
{
    put_roff(text, strlen(text), out);
}

/* Help texts are lines: those that begin with two spaces are examples, an empty one ends a paragraph. */
static void put_text(const char *text, struct pt_buf *out)
{
    bool example = false;
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        bool indented = size > 2 && text[0] == ' ' && text[1] == ' ';
        if (indented != example) {
            pt_buf_append_str(out, indented ? ".PP\n.nf\n.RS 4\n" : ".RE\n.fi\n.PP\n");
            example = indented;
        } else if (size == 0 && !example && text[1] != ' ' && text[1] != '\0') {
            pt_buf_append_str(out, ".PP\n");
        }
        if (size > 0) {
            put_roff(text + (indented ? 2 : 0), size - (indented ? 2 : 0), out);
            pt_buf_append_u8(out, '\n');
        }
        text += size + (text[size] == '\n');
        while (example && text[0] == '\n') { /* between examples */
            text++;
        }
    }
    pt_buf_append_str(out, example ? ".RE\n.fi\n" : "");
}

static void put_flag(const struct pt_cli_verb *verb, enum pt_cli_flag flag, struct pt_buf *out)
{
    struct pt_cli_flag_info info = pt_cli_flag_info(verb, flag);
    pt_buf_append_str(out, ".TP\n");
    if (info.letter != 0) {
        pt_buf_printf(out, "\\fB\\-%c\\fR, ", info.letter);
    }
    pt_buf_append_str(out, "\\fB");
    put(info.name, out);
    pt_buf_append_str(out, "\\fR");
    if (info.value != NULL) {
        pt_buf_append_str(out, " \\fI");
        put(info.value, out);
        pt_buf_append_str(out, "\\fR");
    }
    pt_buf_append_u8(out, '\n');
    put(info.help, out);
    pt_buf_append_u8(out, '\n');
}

static void put_verb(const struct pt_cli_verb *verb, struct pt_buf *out)
{
    pt_buf_append_str(out, ".SS \"");
    put(verb->name, out);
    pt_buf_append_str(out, "\"\n.B patronusctl ");
    put(verb->name, out);
    pt_buf_append_str(out, "\n.I \"");
    put(verb->usage, out);
    pt_buf_append_str(out, "\"\n.PP\n");
    put_text(verb->text, out);
    for (enum pt_cli_flag flag = PT_CLI_FILTER; flag < PT_CLI_FLAGS_LEN; flag++) {
        if ((verb->flags & PT_CLI_BIT(flag)) != 0) {
            put_flag(verb, flag, out);
        }
    }
}

void pt_cli_man(const char *version, struct pt_buf *out)
{
    size_t len = 0;
    const struct pt_cli_verb *verbs = pt_cli_verbs(&len);
    pt_buf_printf(out, ".TH PATRONUSCTL 1 \"\" \"patronus %s\" \"User Commands\"\n", version);
    pt_buf_append_str(out, ".SH NAME\npatronusctl \\- declare, read and watch a Patronus SD\\-WAN\n"
                           ".SH SYNOPSIS\n.B patronusctl\n.I VERB\n[\\fIWORD\\fR]... [\\fIFLAG\\fR]...\n"
                           ".SH DESCRIPTION\nVerbs over kinds of resources. What kinds there are, their fields and "
                           "their rules come from the schema inside of the program: \\fBpatronusctl kinds\\fR lists "
                           "them, \\fBpatronusctl explain\\fR \\fIKIND\\fR shows one.\n.PP\n"
                           "Names are given in full (organizations/acme/sites/nyc) or relative to \\fB\\-\\-parent\\fR "
                           "(sites/nyc). A kind is a singular, plural or short name in any case.\n"
                           ".SH OPTIONS\nOf every verb:\n");
    for (enum pt_cli_flag flag = 0; flag < PT_CLI_FILTER; flag++) {
        put_flag(NULL, flag, out);
    }
    pt_buf_append_str(out, ".SH VERBS\n");
    for (size_t i = 0; i < len; i++) {
        put_verb(&verbs[i], out);
    }
    pt_buf_append_str(
        out,
        ".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n1\nthe server refused, or something failed\n.TP\n2\nwrong usage: nothing "
        "was sent\n.TP\n3\nnot found\n.TP\n4\nno server available\n"
        ".SH ENVIRONMENT\n"
        "PATRONUS_SERVER, PATRONUS_CREDENTIAL, PATRONUS_TOKEN, PATRONUS_TOKEN_FILE, PATRONUS_PARENT and "
        "PATRONUS_CONTEXT stand for the flags of these names. PATRONUS_CONFIG names the file of contexts, "
        "PATRONUS_SCHEMA a descriptor set to use in place of the embedded one, PATRONUS_EDITOR, VISUAL or EDITOR the "
        "editor.\n"
        ".SH FILES\n.TP\n.I ~/.config/patronus/admin.pem\nthe credential: certificate, key and CA\n.TP\n"
        ".I ~/.config/patronus/config.json\ncontexts: servers, credential and parent under a name\n"
        ".SH SEE ALSO\n.BR patronusd (8)\n");
}
