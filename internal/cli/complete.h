/*
 * The shell's Tab key: what may stand in place of the last word of a command line. The answer is given here, for every
 * shell alike; the scripts for bash, zsh and fish hand over the words and show what comes back.
 */
#pragma once

#include "wire/schema.h"

/* What only the caller can find out. */
enum pt_cli_wanted { PT_CLI_WANT_NOTHING, PT_CLI_WANT_NAMES, PT_CLI_WANT_CONTEXTS };

struct pt_cli_completion {
    enum pt_cli_wanted wanted;
    const struct pt_message_type *kind; /* of the names */
    size_t before;                      /* bytes of the word that stand before the value: those of "--parent=" */
};

/* Words behind the program's name, the last of them unfinished, maybe empty. A line "WORD<TAB>WHAT IT IS" into `out`
 * for each that begins as it does; one that ends with '=' or '.' goes on without a space. None: a file may be meant. */
struct pt_cli_completion pt_cli_complete(const struct pt_schema *schema, const char *const *words, size_t words_len,
                                         struct pt_buf *out);
/* The script for a shell; false when there is none for it. */
bool pt_cli_completion_script(const char *shell, struct pt_buf *out);
