/*
 * Configuration of patronusd: flags over environment over one small file over defaults.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

enum command {
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_INIT,
    COMMAND_JOIN,
    COMMAND_RUN,
    COMMAND_DETACH,
    COMMAND_TUNNEL,
    COMMAND_PATHS,
    COMMAND_MAN,
    COMMAND_RESTORE,
    COMMAND_RECOVER
};

struct config {
    enum command command;
    char token[20000]; /* join */
    char file[512];    /* restore */
    char data[512];
    char seal_key[512];
    char admin_file[512];
    char pin[512];
    char log_level[8];
    char log_format[8]; /* "text" or "json" */
    /* init and join of a controller */
    char id[64];
    char address[64];
    char region[64];
    char peer_port[8], api_port[8], agent_port[8];
    char level_max[8]; /* controllers; "" for the binary's own */
    char issuer_ca[512];
    char issuer_networks[512];
    char http_listen[80];      /* controllers; "" for none */
    char stamp_listen[80];     /* edges; "" for none */
    char stamp_stateful[6];    /* "true" or "false" */
    char stamp_probe[512];     /* edges; "" for none */
    char force_new_cluster[6]; /* recover: "true": said by who knows what it costs */
    char no_start[6];          /* "true": make the node, do not run it */
};

/* PT_INVALID_ARGUMENT with the flag, variable or file:line, and what would be right. */
PT_MUST enum pt_code config_read(int argc, char **argv, struct config *ret_config, struct pt_error *reterr);
void config_help(void);
/* The manual page patronusd(8), as roff. */
void config_man(void);
/* Make the folder above a file or folder, when it is missing. */
void config_make_parent(const char *path);
/* "address:port", with brackets around IPv6; "" when there is no address. */
void config_endpoint(const char *address, const char *port, char ret_text[80]);
