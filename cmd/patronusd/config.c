/*
 * One table says each setting's name, help and place; flags (--seal-key), environment (PATRONUS_SEAL_KEY) and the file
 * (seal_key = ...) all read it, and so does --help.
 */
#include "config.h"

#include "base/net.h"
#include "kind/kind.h"
#include "tunnel/stamp_sender.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct setting {
    const char *name; /* as in the file; '-' for '_' in flags */
    size_t offset, size;
    const char *fallback;
    const char *help;
    bool flag; /* takes no value on the command line */
};

#define PLACE(member) offsetof(struct config, member), sizeof(((struct config *)0)->member)

static const struct setting settings[] = {
    {"data", PLACE(data), "/var/lib/patronus", "data folder of this node", false},
    {"seal_key", PLACE(seal_key), "/etc/patronus/seal.key",
     "seal key (controllers): a file outside the data folder, env:NAME of a variable, or cmd:COMMAND that prints it",
     false},
    {"admin_file", PLACE(admin_file), "admin.pem", "init: where to write the admin credential", false},
    {"pin", PLACE(pin), "/run/patronus/bpf/node", "edges: folder below a bpffs where programs and maps are pinned",
     false},
    {"log_level", PLACE(log_level), "info", "debug, info, warn or error", false},
    {"log_format", PLACE(log_format), "text", "text for people, or json: one object a line", false},
    {"id", PLACE(id), "", "init and join of a controller: its id, for example c1", false},
    {"address", PLACE(address), "", "init and join of a controller: its IP address, as others reach it", false},
    {"region", PLACE(region), "", "init and join of a controller: its region", false},
    {"peer_port", PLACE(peer_port), "7401", "controllers: TCP port for other controllers", false},
    {"api_port", PLACE(api_port), "7400", "controllers: TCP port for clients", false},
    {"agent_port", PLACE(agent_port), "7402", "controllers: TCP port for edges", false},
    {"http_listen", PLACE(http_listen), "",
     "controllers: IP:PORT to serve /metrics, /healthz and /readyz at, for example 127.0.0.1:7403; empty: not at all",
     false},
    {"stamp_listen", PLACE(stamp_listen), "",
     "edges: IP:PORT to reflect test packets of STAMP senders (RFC 8762) at, for example 10.1.0.1:862; empty: not at "
     "all",
     false},
    {"stamp_stateful", PLACE(stamp_stateful), "false",
     "edges: count each sender's packets, so that it learns what was lost in which direction (RFC 8762, 4)", true},
    {"stamp_probe", PLACE(stamp_probe), "",
     "edges: STAMP reflectors (RFC 8762) to measure the way to, by commas, each IP:PORT or INTERFACE=IP:PORT, for "
     "example wan0=192.0.2.1:862; see patronusd paths",
     false},
    {"level_max", PLACE(level_max), "",
     "controllers: support cluster levels up to this one only, as an older binary does; for rehearsing upgrades",
     false},
    {"issuer_ca", PLACE(issuer_ca), "",
     "controllers: PEM file of the authorities behind identity providers; empty: those of the system", false},
    {"issuer_networks", PLACE(issuer_networks), "",
     "controllers: prefixes, by commas, of private addresses where identity providers may be; empty: public ones only",
     false},
    {"no_start", PLACE(no_start), "false", "init and join: make the node, do not run it", true},
    {"force_new_cluster", PLACE(force_new_cluster), "false",
     "recover: go on with this controller alone; what only others had is lost", true},
};

#define SETTINGS_LEN (sizeof(settings) / sizeof(settings[0]))
#define FILE_DEFAULT "/etc/patronus/patronusd.conf"

static bool same_name(const char *name, const char *given)
{
    for (; *name != '\0' && *given != '\0'; name++, given++) {
        if (*name != *given && !(*name == '_' && *given == '-')) {
            return false;
        }
    }
    return *name == *given;
}

static const struct setting *find(const char *name)
{
    for (size_t i = 0; i < SETTINGS_LEN; i++) {
        if (same_name(settings[i].name, name)) {
            return &settings[i];
        }
    }
    return NULL;
}

static enum pt_code check(const struct setting *setting, const char *value, const char *place, struct pt_error *reterr)
{
    if (strlen(value) >= setting->size) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "the value of %s is longer than %zu", setting->name, setting->size - 1);
    }
    size_t len = strlen(setting->name);
    if (len > 5 && strcmp(setting->name + len - 5, "_port") == 0) {
        char *end = NULL;
        unsigned long port = strtoul(value, &end, 10);
        if (*value < '0' || *value > '9' || *end != '\0' || port < 1 || port > 65535) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                           "%s is '%.32s'; it must be a port from 1 to 65535", setting->name, value);
        }
    }
    if (strcmp(setting->name, "log_level") == 0 && strcmp(value, "debug") != 0 && strcmp(value, "info") != 0 &&
        strcmp(value, "warn") != 0 && strcmp(value, "error") != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "log_level is '%.32s'; it must be debug, info, warn or error", value);
    }
    if (strcmp(setting->name, "log_format") == 0 && strcmp(value, "text") != 0 && strcmp(value, "json") != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "log_format is '%.32s'; it must be text or json", value);
    }
    if (strcmp(setting->name, "level_max") == 0 && value[0] != '\0' &&
        (strlen(value) != 1 || value[0] < '1' || value[0] > '0' + PT_CLUSTER_LEVEL_MAX)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "level_max is '%.32s'; this binary supports 1 to %d", value, PT_CLUSTER_LEVEL_MAX);
    }
    struct pt_endpoint endpoint;
    size_t listens = len > 7 ? len - 7 : 0;
    if (strcmp(setting->name + listens, "_listen") == 0 && value[0] != '\0' &&
        pt_endpoint_parse(value, &endpoint, NULL) != PT_OK) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "%s is '%.64s'; it must be IP:PORT, for example 127.0.0.1:7403 or [::1]:7403", setting->name,
                       value);
    }
    struct pt_stamp_target targets[PT_STAMP_TARGETS_MAX];
    size_t targets_len = 0;
    if (strcmp(setting->name, "stamp_probe") == 0 &&
        pt_stamp_targets_parse(value, targets, &targets_len, NULL) != PT_OK) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "stamp_probe is '%.64s'; it must be %u at most of IP:PORT or INTERFACE=IP:PORT, by commas",
                       value, PT_STAMP_TARGETS_MAX);
    }
    if (setting->flag && strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "%s is '%.32s'; it must be true or false", setting->name, value);
    }
    return PT_OK;
}

static enum pt_code set(struct config *config, const struct setting *setting, const char *value, const char *place,
                        struct pt_error *reterr)
{
    PT_TRY(check(setting, value, place, reterr));
    memcpy((char *)config + setting->offset, value, strlen(value) + 1);
    return PT_OK;
}

/* ---- the file ------------------------------------------------------------------------------------------------- */

static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
        text[--len] = '\0';
    }
    return text;
}

static enum pt_code read_line(struct config *config, char *line, const char *place, struct pt_error *reterr)
{
    char *text = trim(line);
    if (text[0] == '\0' || text[0] == '#') {
        return PT_OK;
    }
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "write name = value, or # and a comment");
    }
    *equals = '\0';
    const char *name = trim(text);
    const struct setting *setting = find(name);
    if (setting == NULL || strchr(name, '-') != NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, place,
                       "there is no setting '%.64s'; patronusd --help lists them", name);
    }
    return set(config, setting, trim(equals + 1), place, reterr);
}

static enum pt_code read_file(struct config *config, const char *path, bool must, struct pt_error *reterr)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return errno == ENOENT && !must ? PT_OK
                                        : pt_fail_errno(reterr, errno, path, "the configuration cannot be read");
    }
    char line[1024];
    char place[600];
    enum pt_code code = PT_OK;
    for (unsigned number = 1; code == PT_OK && fgets(line, sizeof(line), file) != NULL; number++) {
        (void)snprintf(place, sizeof(place), "%.500s:%u", path, number);
        if (strlen(line) == sizeof(line) - 1) {
            code = pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place, "the line is longer than 1000");
        } else {
            code = read_line(config, line, place, reterr);
        }
    }
    if (code == PT_OK && ferror(file) != 0) { /* a folder, for example */
        code = pt_fail_errno(reterr, errno, path, "the configuration cannot be read");
    }
    (void)fclose(file);
    return code;
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static enum pt_code read_environment(struct config *config, struct pt_error *reterr)
{
    for (size_t i = 0; i < SETTINGS_LEN; i++) {
        char name[64] = "PATRONUS_";
        size_t at = strlen(name);
        for (const char *p = settings[i].name; *p != '\0'; p++) {
            name[at++] = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
        }
        name[at] = '\0';
        const char *value = getenv(name);
        if (value != NULL) {
            PT_TRY(set(config, &settings[i], value, name, reterr));
        }
    }
    return PT_OK;
}

static enum pt_code read_flag(struct config *config, int argc, char **argv, int *at, struct pt_error *reterr)
{
    const char *flag = argv[*at];
    char name[64];
    const char *equals = strchr(flag, '=');
    size_t len = equals != NULL ? (size_t)(equals - flag) : strlen(flag);
    if (len - 2 >= sizeof(name)) {
        len = 2;
    }
    memcpy(name, flag + 2, len - 2);
    name[len - 2] = '\0';
    const struct setting *setting = find(name);
    if (setting == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, flag,
                       "there is no such flag; patronusd --help lists them");
    }
    if (equals != NULL) {
        return set(config, setting, equals + 1, flag, reterr);
    }
    if (setting->flag) {
        return set(config, setting, "true", flag, reterr);
    }
    if (*at + 1 >= argc) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, flag, "the flag needs a value");
    }
    return set(config, setting, argv[++*at], flag, reterr);
}

/* The first line of a stream, without what ends it. */
static enum pt_code read_token(FILE *file, const char *name, char *ret_token, size_t size, struct pt_error *reterr)
{
    if (fgets(ret_token, (int)size, file) == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, name, "there is no token in it");
    }
    ret_token[strcspn(ret_token, " \t\r\n")] = '\0';
    return PT_OK;
}

/* A token is a secret, and others see command lines: it may come from standard input or from a file. */
static enum pt_code take_token(struct config *config, const char *argument, struct pt_error *reterr)
{
    if (strcmp(argument, "-") == 0) {
        return read_token(stdin, "standard input", config->token, sizeof(config->token), reterr);
    }
    if (argument[0] != '@') {
        (void)snprintf(config->token, sizeof(config->token), "%s", argument);
        return PT_OK;
    }
    FILE *file = fopen(argument + 1, "re");
    if (file == NULL) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, argument + 1, "cannot open the token's file: %s",
                       strerror(errno));
    }
    enum pt_code code = read_token(file, argument + 1, config->token, sizeof(config->token), reterr);
    (void)fclose(file); /* only read */
    return code;
}

static enum pt_code take_file(struct config *config, int argc, char **argv, int *at, struct pt_error *reterr)
{
    if (*at >= argc || strncmp(argv[*at], "--", 2) == 0 || strlen(argv[*at]) >= sizeof(config->file)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "restore",
                       "restore needs the file of a backup; make one with: patronusctl backup FILE");
    }
    memcpy(config->file, argv[*at], strlen(argv[*at]) + 1);
    ++*at;
    return PT_OK;
}

static enum pt_code read_command(struct config *config, int argc, char **argv, int *at, struct pt_error *reterr)
{
    static const struct {
        const char *name;
        enum command command;
    } commands[] = {{"init", COMMAND_INIT},     {"join", COMMAND_JOIN},       {"run", COMMAND_RUN},
                    {"detach", COMMAND_DETACH}, {"tunnel", COMMAND_TUNNEL},   {"paths", COMMAND_PATHS},
                    {"man", COMMAND_MAN},       {"restore", COMMAND_RESTORE}, {"recover", COMMAND_RECOVER}};
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[*at], commands[i].name) == 0) {
            config->command = commands[i].command;
            ++*at;
            if (config->command == COMMAND_RESTORE) {
                return take_file(config, argc, argv, at, reterr);
            }
            if (config->command != COMMAND_JOIN) {
                return PT_OK;
            }
            if (*at >= argc || strncmp(argv[*at], "--", 2) == 0) {
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "join",
                               "join needs a token; make one with: patronusctl tokens create");
            }
            return take_token(config, argv[(*at)++], reterr);
        }
    }
    return pt_fail(
        reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, argv[*at],
        "there is no such command; use init, join, run, restore, recover, detach or paths, or see patronusd --help");
}

enum pt_code config_read(int argc, char **argv, struct config *ret_config, struct pt_error *reterr)
{
    struct config *config = ret_config;
    *config = (struct config){.command = COMMAND_HELP};
    for (size_t i = 0; i < SETTINGS_LEN; i++) {
        memcpy((char *)config + settings[i].offset, settings[i].fallback, strlen(settings[i].fallback) + 1);
    }
    const char *file = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return PT_OK;
        }
        if (strcmp(argv[i], "--version") == 0) {
            config->command = COMMAND_VERSION;
            return PT_OK;
        }
        if (strcmp(argv[i], "--config") == 0) {
            if (i + 1 >= argc) {
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "--config",
                               "the flag needs a value");
            }
            file = argv[i + 1];
        } else if (strncmp(argv[i], "--config=", 9) == 0) {
            file = argv[i] + 9;
        }
    }
    if (argc < 2) {
        return PT_OK;
    }
    PT_TRY(read_file(config, file != NULL ? file : FILE_DEFAULT, file != NULL, reterr));
    PT_TRY(read_environment(config, reterr));
    int at = 1;
    PT_TRY(read_command(config, argc, argv, &at, reterr));
    for (; at < argc; at++) {
        if (strcmp(argv[at], "--config") == 0) {
            at++;
        } else if (strncmp(argv[at], "--config=", 9) == 0) {
            continue;
        } else if (strncmp(argv[at], "--", 2) == 0) {
            PT_TRY(read_flag(config, argc, argv, &at, reterr));
        } else {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, argv[at],
                           "this argument is not expected; patronusd --help shows the usage");
        }
    }
    return PT_OK;
}

void config_endpoint(const char *address, const char *port, char ret_text[80])
{
    bool v6 = strchr(address, ':') != NULL;
    (void)snprintf(ret_text, 80, "%s%s%s%s%s", v6 ? "[" : "", address, v6 ? "]" : "", address[0] != '\0' ? ":" : "",
                   address[0] != '\0' ? port : "");
}

void config_make_parent(const char *path)
{
    char folder[512];
    (void)snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    bool elsewhere = strncmp(path, "env:", 4) == 0 || strncmp(path, "cmd:", 4) == 0; /* a seal key's source */
    if (slash != NULL && slash != folder && !elsewhere) {
        *slash = '\0';
        (void)mkdir(folder, 0700); /* a failure shows when the file is written */
    }
}

/* Each command's name, what follows it, and what it does: help and the manual page read it. */
static const struct {
    const char *usage, *help;
} commands_help[] = {
    {"init", "make a new cluster with this node as its first controller, then run"},
    {"join TOKEN",
     "make this node a member, as the token says (edge, voter or standby), then run; join @FILE and join - "
     "read the token from a file or from standard input"},
    {"run", "run the node that init, join or restore made in the data folder"},
    {"restore FILE", "make a controller in a new data folder from a backup (patronusctl backup FILE)"},
    {"recover", "the majority of the controllers is lost: go on with this stopped one alone; says what that costs, and "
                "does it with "
                "--force-new-cluster"},
    {"detach", "edges: remove the programs and maps that forward packets, and end the tunnel process"},
    {"tunnel", "edges: the tunnel process; the agent starts it"},
    {"paths",
     "edges: what the node's paths are like now, and were in the last hour, a line of JSON each; asks the tunnel "
     "process, so that neither the agent nor a controller need be there"},
    {"man", "print patronusd(8)"},
};
#define COMMANDS_LEN (sizeof(commands_help) / sizeof(commands_help[0]))

static void flag_of(const struct setting *setting, char flag[32])
{
    (void)snprintf(flag, 32, "--%s", setting->name);
    for (char *c = flag; *c != '\0'; c++) {
        *c = *c == '_' ? '-' : *c;
    }
}

void config_help(void)
{
    printf("patronusd " PT_VERSION ": a node of a Patronus SD-WAN.\n\n"
           "Usage: patronusd COMMAND [FLAG]...\n\n"
           "Commands:\n");
    for (size_t i = 0; i < COMMANDS_LEN; i++) {
        printf("  %-13s ", commands_help[i].usage);
        size_t column = 16;
        for (const char *at = commands_help[i].help; *at != '\0';) {
            size_t size = strcspn(at, " ");
            if (column + size > 110) {
                printf("\n%16s", "");
                column = 16;
            }
            printf("%.*s%s", (int)size, at, at[size] == ' ' ? " " : "");
            column += size + 1;
            at += size + (at[size] == ' ');
        }
        printf("\n");
    }
    printf("\nSettings, as --flag VALUE, in the environment as PATRONUS_NAME, or in the file as name = value:\n");
    for (size_t i = 0; i < SETTINGS_LEN; i++) {
        char flag[32];
        flag_of(&settings[i], flag);
        printf("  %-14s %s%s%s%s\n", flag, settings[i].help, settings[i].fallback[0] != '\0' ? " [" : "",
               settings[i].fallback, settings[i].fallback[0] != '\0' ? "]" : "");
    }
    printf("  %-14s %s\n\n", "--config", "configuration file [" FILE_DEFAULT ", when it exists]");
    printf("Signals: SIGTERM and SIGINT hand leadership over, let calls finish and stop.\n");
}

/* '-' alone is a hyphen to roff; a flag needs "\-". */
static void put_roff(const char *text)
{
    for (; *text != '\0'; text++) {
        printf(*text == '-' || *text == '\\' ? "\\%c" : "%c", *text == '\\' ? 'e' : *text);
    }
}

static void put_entry(const char *name, const char *help, const char *fallback)
{
    printf(".TP\n\\fB");
    put_roff(name);
    printf("\\fR\n");
    put_roff(help);
    if (fallback[0] != '\0') {
        printf(" [");
        put_roff(fallback);
        printf("]");
    }
    printf("\n");
}

void config_man(void)
{
    printf(
        ".TH PATRONUSD 8 \"\" \"patronus " PT_VERSION "\" \"System Administration\"\n"
        ".SH NAME\npatronusd \\- node of a Patronus SD\\-WAN\n"
        ".SH SYNOPSIS\n.B patronusd\n.I COMMAND\n[\\fIFLAG\\fR]...\n"
        ".SH DESCRIPTION\nA controller keeps the desired state with the others by Raft, computes forwarding and "
        "sends each edge a signed bundle. An edge writes it into eBPF maps and measures its links; it goes on by the "
        "last bundle when no controller answers.\n.SH COMMANDS\n");
    for (size_t i = 0; i < COMMANDS_LEN; i++) {
        put_entry(commands_help[i].usage, commands_help[i].help, "");
    }
    printf(
        ".SH SETTINGS\nAs \\-\\-flag VALUE, in the environment as PATRONUS_NAME (PATRONUS_SEAL_KEY), or in the file as "
        "name = value (seal_key = ...); a flag wins over the environment, that over the file.\n");
    for (size_t i = 0; i < SETTINGS_LEN; i++) {
        char flag[32];
        flag_of(&settings[i], flag);
        put_entry(flag, settings[i].help, settings[i].fallback);
    }
    put_entry("--config", "configuration file", FILE_DEFAULT ", when it exists");
    printf(
        ".SH SIGNALS\nSIGTERM and SIGINT hand leadership over, let calls finish and stop.\n"
        ".SH FILES\n.TP\n.I " FILE_DEFAULT "\nsettings\n.TP\n.I /var/lib/patronus\nidentity, state and log of this "
        "node\n.TP\n.I /etc/patronus/seal.key\nseals the secrets in the state of a controller; keep a copy elsewhere\n"
        ".SH SEE ALSO\n.BR patronusctl (1)\n");
}
