/*
 * patronusd: the one binary. This file reads the configuration and runs one command.
 */
#include "config.h"
#include "node.h"

#include "agent/dp.h"
#include "agent/tunnel.h"
#include "sys/sys_uv.h"
#include "wire/schema.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static int say(const struct pt_error *error)
{
    fprintf(stderr, "patronusd: %s%s%s\n", error->field, error->field[0] != '\0' ? ": " : "", error->text);
    return error->code == PT_INVALID_ARGUMENT ? 2 : 1;
}

static enum pt_code run_command(const struct process *process, struct pt_error *reterr)
{
    const struct config *config = process->config;
    bool start = strcmp(config->no_start, "true") != 0;
    switch (config->command) {
    case COMMAND_INIT:
        PT_TRY(make_first(process, reterr));
        return start ? run_node(process, reterr) : PT_OK;
    case COMMAND_JOIN:
        PT_TRY(make_joined(process, reterr));
        return start ? run_node(process, reterr) : PT_OK;
    case COMMAND_RUN:
        return run_node(process, reterr);
    case COMMAND_RESTORE:
        return make_restored(process, reterr);
    case COMMAND_RECOVER:
        return make_recovered(process, reterr);
    case COMMAND_TUNNEL:
        return run_tunnel(process, reterr);
    case COMMAND_PATHS:
        return run_paths(process, reterr);
    case COMMAND_DETACH: {
        struct tunnel_paths paths;
        tunnel_paths(config, &paths);
        pt_agent_tunnel_stop(paths.socket);
        const struct pt_dp_bpf_options options = {.pin_directory = config->pin, .log = process->log};
        return pt_dp_bpf_remove(&options, reterr);
    }
    case COMMAND_HELP:
    case COMMAND_VERSION:
    case COMMAND_MAN:
        break;
    }
    return PT_OK;
}

/* What a compute pass or a snapshot took goes back when it is over: glibc otherwise learns from the first large block
 * that is freed to keep such blocks, and a leader of 60,000 sites held half as much again. */
static void give_memory_back(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
    (void)mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

/* A core file would hold the seal key and every private key that is in use. */
static void leave_no_core_file(void)
{
    const struct rlimit none = {0};
    (void)setrlimit(RLIMIT_CORE, &none); /* less than there was is always allowed */
}

int main(int argc, char **argv)
{
    give_memory_back();
    leave_no_core_file();
    static struct config config; /* large; one process, one configuration */
    struct pt_error error = {.code = PT_OK};
    (void)signal(SIGPIPE, SIG_IGN);
    if (config_read(argc, argv, &config, &error) != PT_OK) {
        return say(&error);
    }
    if (config.command == COMMAND_HELP) {
        config_help();
        return argc < 2 ? 2 : 0;
    }
    if (config.command == COMMAND_MAN) {
        config_man();
        return 0;
    }
    if (config.command == COMMAND_VERSION) {
        printf("patronusd " PT_VERSION "\n");
        return 0;
    }
    if (config.command == COMMAND_TUNNEL && tunnel_leave(&config, &error) != PT_OK) {
        return say(&error);
    }
    const struct pt_log log = {.level_min = (enum pt_log_level)pt_log_level_parse(config.log_level),
                               .json = strcmp(config.log_format, "json") == 0};
    struct process process = {.log = &log, .config = &config};
    struct pt_schema *schema = NULL;
    if (pt_schema_new(pt_schema_embedded(), &schema, &error) != PT_OK) {
        return say(&error);
    }
    process.schema = schema;
    if (pt_sys_uv_new(&process.sys, &error) != PT_OK) {
        return say(&error);
    }
    enum pt_code code = run_command(&process, &error);
    int status = code == PT_OK ? 0 : say(&error);
    pt_sys_uv_free(process.sys);
    pt_schema_free(schema);
    return status;
}
