/*
 * tf: a run of Terraform or OpenTofu as one change set.
 *
 *   keep Terraform's state -> empty change set -> run, whose provider stages into it (PATRONUS_CHANGE_SET)
 *                                                   |
 *                      failed, or would be refused  |  done well
 *                      .----------------------------+-> apply the change set -> with --confirm: wait
 *                      v                                                         |            |
 *      discard it, put the kept state back <--------- taken back ----------------'        confirmed
 *
 * The tool writes into its state what was staged, as if it had happened. When it does not happen, the state from before
 * is put back, so that the next plan starts from what is there: a resource whose deletion was taken back would
 * otherwise be known to nobody. If the state has been changed meanwhile by another run, it is left alone and the kept
 * one is named.
 */
#include "ctl.h"

#include "changeset.h"
#include "patronus/v1/changeset.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS 500
#define PATIENCE_MS 60000 /* beyond the wait, for a cluster that does not answer */
/* What there is before the first run, which the tools do not keep. */
#define STATE_EMPTY                                                                                    \
    "{\"version\": 4, \"terraform_version\": \"1.0.0\", \"serial\": 1, \"lineage\": \"patronusctl\", " \
    "\"outputs\": {}, \"resources\": []}\n"

struct run {
    struct ctl *ctl;
    const char *tool;
    const char *name; /* of the change set */
    char before[512]; /* file with the state before the run */
    char after[512];  /* and right after it */
    bool keep;        /* `before` stays, because it could not be put back */
};

/* ---- the tool ------------------------------------------------------------------------------------------------- */

/* Start the tool with `words` and wait for it; standard output into `file` unless that is NULL. Interrupts are the
 * tool's: it ends in order, and what follows is done here. The exit code, or -1. */
static int run_tool(const struct run *run, const char *const *words, size_t words_len, char *const *environment,
                    const char *file)
{
    struct pt_arena *arena = run->ctl->arena;
    char **argv = pt_arena_array(arena, words_len + 2, sizeof(*argv));
    argv[0] = pt_arena_strdup(arena, run->tool);
    for (size_t i = 0; i < words_len; i++) {
        argv[i + 1] = pt_arena_strdup(arena, words[i]);
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    if (file != NULL) {
        (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, file, O_WRONLY | O_TRUNC | O_CREAT, 0600);
    }
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGINT);
    (void)sigaddset(&defaults, SIGPIPE);
    (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    (void)fflush(NULL);
    (void)signal(SIGINT, SIG_IGN);
    pid_t pid = 0;
    int status = -1;
    int failed = posix_spawnp(&pid, run->tool, &actions, &attributes, argv, environment);
    while (failed == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    (void)signal(SIGINT, SIG_DFL);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    if (failed != 0) {
        fprintf(stderr, "patronusctl: %s cannot be started: %s\n", run->tool, strerror(failed));
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The first of these that PATH has; what --tool names goes before. */
static const char *find_tool(const struct ctl *ctl)
{
    static const char *const names[] = {"terraform", "tofu"};
    const char *folders = getenv("PATH");
    if (ctl->args->tool[0] != '\0') {
        return ctl->args->tool;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (const char *at = folders; at != NULL && *at != '\0';) {
            size_t size = strcspn(at, ":");
            if (access(pt_arena_printf(ctl->arena, "%.*s/%s", (int)size, at, names[i]), X_OK) == 0) {
                return names[i];
            }
            at += size + (at[size] == ':');
        }
    }
    return NULL;
}

/* The environment with what the provider must know; a provider block may name servers and credential itself. */
static char **environment_of(const struct run *run)
{
    const struct pt_cli_args *args = run->ctl->args;
    struct pt_arena *arena = run->ctl->arena;
    size_t len = 0;
    while (environ[len] != NULL) {
        len++;
    }
    char **list = pt_arena_array(arena, len + 4, sizeof(*list));
    char *servers = pt_arena_strdup(arena, "");
    for (size_t i = 0; i < args->servers_len; i++) {
        servers = pt_arena_printf(arena, "%s%s%s", servers, i > 0 ? "," : "", args->servers[i]);
    }
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        if (strncmp(environ[i], "PATRONUS_CHANGE_SET=", 20) != 0 && strncmp(environ[i], "PATRONUS_SERVER=", 16) != 0 &&
            strncmp(environ[i], "PATRONUS_CREDENTIAL=", 20) != 0) {
            list[kept++] = environ[i];
        }
    }
    list[kept++] = pt_arena_printf(arena, "PATRONUS_CHANGE_SET=%s", run->name);
    list[kept++] = pt_arena_printf(arena, "PATRONUS_SERVER=%s", servers);
    list[kept++] = pt_arena_printf(arena, "PATRONUS_CREDENTIAL=%s", args->credential);
    return list;
}

/* ---- the tool's state ----------------------------------------------------------------------------------------- */

static bool make_file(char path[512])
{
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, 512, "%s/patronusctl-XXXXXX.tfstate",
                   folder != NULL && folder[0] != '\0' && strlen(folder) < 400 ? folder : "/tmp");
    int fd = mkstemps(path, 8); /* for the user alone: states hold secrets */
    return fd >= 0 && close(fd) == 0;
}

static bool pull(const struct run *run, const char *file)
{
    static const char *const words[] = {"state", "pull"};
    return run_tool(run, words, 2, environ, file) == 0;
}

static bool same_files(const char *a, const char *b)
{
    PT_AUTO(buf) struct pt_buf x = {0};
    PT_AUTO(buf) struct pt_buf y = {0};
    return ctl_read_file(a, &x, NULL) == PT_OK && ctl_read_file(b, &y, NULL) == PT_OK && x.size == y.size &&
           (x.size == 0 || memcmp(x.data, y.data, x.size) == 0);
}

/* The file to push: where there was no state, an empty one. */
static bool is_pushable(const struct run *run)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    if (ctl_read_file(run->before, &text, NULL) != PT_OK || text.size > 2) {
        return true;
    }
    FILE *file = fopen(run->before, "we");
    bool good = file != NULL && fputs(STATE_EMPTY, file) >= 0;
    return file != NULL && fclose(file) == 0 && good;
}

/* The state as it was before the run, unless another run has changed it since. */
static void put_back(struct run *run)
{
    char now[512] = "";
    bool read = make_file(now) && pull(run, now);
    if (read && same_files(now, run->before)) {
        (void)unlink(now);
        return;
    }
    bool ours = read && same_files(now, run->after);
    (void)unlink(now);
    const char *words[] = {"state", "push", "-force", run->before};
    if (ours && is_pushable(run) && run_tool(run, words, 4, environ, "/dev/null") == 0) {
        printf("the state of %s is what it was before\n", run->tool);
        return;
    }
    run->keep = true;
    fprintf(stderr,
            "patronusctl: the state of %s was not put back%s; the one from before is in %s\n"
            "  try: look at the next plan; what this run would have deleted may have to be imported again\n",
            run->tool, read && !ours ? ", because another run has changed it" : "", run->before);
}

/* ---- the run -------------------------------------------------------------------------------------------------- */

static int discard(struct run *run, const char *why)
{
    ctl_change_set_drop(run->ctl, run->name);
    put_back(run);
    printf("%s: nothing was changed\n", why);
    return PT_CLI_EXIT_FAILED;
}

static const char *cause_of(const struct pt_msg *change_set)
{
    switch (pt_msg_i64(change_set, "rollback_cause")) {
    case PATRONUS__V1__ROLLBACK_CAUSE__NOT_CONFIRMED:
        return "nobody confirmed it in time";
    case PATRONUS__V1__ROLLBACK_CAUSE__NODES_LOST:
        return "edges lost the controllers";
    default:
        return "it was rolled back";
    }
}

/* Until the change set is confirmed or taken back. */
static int wait_for_end(struct run *run)
{
    struct ctl *ctl = run->ctl;
    struct pt_sys *sys = ctl_client_sys(ctl->client);
    uint64_t end_ms = pt_sys_now_ms(sys) + ctl->args->confirm_s * 1000 + PATIENCE_MS;
    for (;;) {
        struct pt_arena arena; /* of one look: there may be thousands */
        struct pt_arena *outer = ctl->arena;
        struct pt_msg *change_set = NULL;
        struct pt_error error = {0};
        pt_arena_init(&arena);
        ctl->arena = &arena;
        enum pt_code code = ctl_change_set_get(ctl, run->name, &change_set, &error);
        ctl->arena = outer;
        int64_t state = code == PT_OK ? pt_msg_i64(change_set, "state") : 0;
        const char *cause = code == PT_OK ? cause_of(change_set) : "";
        pt_arena_fini(&arena);
        if (state == PATRONUS__V1__CHANGE_SET_STATE__APPLIED) {
            printf("confirmed %s\n", run->name);
            return PT_CLI_EXIT_OK;
        }
        if (state == PATRONUS__V1__CHANGE_SET_STATE__ROLLED_BACK) {
            printf("%s was taken back: %s\n", run->name, cause);
            put_back(run);
            return PT_CLI_EXIT_FAILED;
        }
        if ((code != PT_OK && ctl_change_set_refused(&error)) || pt_sys_now_ms(sys) > end_ms) {
            run->keep = true;
            fprintf(stderr, "patronusctl: what became of %s is not known; the state from before is in %s\n", run->name,
                    run->before);
            return code != PT_OK ? ctl_fail(&error) : PT_CLI_EXIT_FAILED;
        }
        (void)fflush(stdout);
        ctl_client_rest(ctl->client, POLL_MS);
    }
}

static int apply(struct run *run)
{
    struct ctl *ctl = run->ctl;
    struct pt_msg *change_set = NULL;
    struct pt_error error = {0};
    if (ctl_change_set_get(ctl, run->name, &change_set, &error) != PT_OK) {
        run->keep = true;
        fprintf(stderr, "patronusctl: nothing was changed, but the state of %s says so; the one from before is in %s\n",
                run->tool, run->before);
        return ctl_fail(&error);
    }
    if (!pt_msg_has(change_set, "changes")) {
        ctl_change_set_drop(ctl, run->name);
        printf("nothing to change\n");
        return PT_CLI_EXIT_OK;
    }
    if (ctl_change_set_apply(ctl, change_set, &change_set, &error) != PT_OK) {
        int status = ctl_fail(&error);
        if (ctl_change_set_refused(&error)) {
            (void)discard(run, "the change set was refused");
            return status;
        }
        run->keep = true;
        fprintf(stderr, "patronusctl: whether it is in force is not known: patronusctl get changeset %s\n", run->name);
        return status;
    }
    size_t counts[4] = {0};
    ctl_change_set_print(change_set, counts);
    printf("%zu created, %zu configured, %zu deleted: in force together as %s\n",
           counts[PATRONUS__V1__CHANGE_ACTION__CHANGE_CREATE], counts[PATRONUS__V1__CHANGE_ACTION__CHANGE_UPDATE],
           counts[PATRONUS__V1__CHANGE_ACTION__CHANGE_DELETE], run->name);
    ctl_change_set_print_wait(ctl, change_set);
    return pt_cli_given(ctl->args, PT_CLI_CONFIRM) ? wait_for_end(run) : PT_CLI_EXIT_OK;
}

static int carry_out(struct run *run)
{
    struct ctl *ctl = run->ctl;
    struct pt_msg *change_set = NULL;
    struct pt_error error = {0};
    if (!make_file(run->before) || !make_file(run->after) || !pull(run, run->before)) {
        fprintf(stderr,
                "patronusctl: the state of %s cannot be read; nothing was changed\n"
                "  try: %s init, in the folder of the configuration\n",
                run->tool, run->tool);
        return PT_CLI_EXIT_FAILED;
    }
    if (ctl_change_set_put(ctl, run->name, NULL, &change_set, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    int status = run_tool(run, ctl->args->words, ctl->args->words_len, environment_of(run), NULL);
    bool read = pull(run, run->after);
    if (status != 0 || !read) {
        return discard(run, pt_arena_printf(ctl->arena, "%s %s failed", run->tool, ctl->args->words[0]));
    }
    return apply(run);
}

int ctl_tf(struct ctl *ctl)
{
    const char *verb = ctl->args->words_len > 0 ? ctl->args->words[0] : "";
    if (strcmp(verb, "apply") != 0 && strcmp(verb, "destroy") != 0) {
        return ctl_usage_text(ctl, "say what to run: apply or destroy; the tool's own flags stand behind --");
    }
    const char *organization = pt_cli_list_parent(&ctl->scope, pt_schema_kind(ctl->schema, "changeSet"), ctl->arena);
    if (strchr(organization, '-') == strchr(organization, '/') + 1) {
        return ctl_usage_text(ctl, "a change set is of one organization: name it with --parent");
    }
    struct run run = {.ctl = ctl, .tool = find_tool(ctl)};
    if (run.tool == NULL) {
        return ctl_usage_text(ctl, "neither terraform nor tofu is in PATH: name one with --tool");
    }
    struct pt_error error = {0};
    char id[33];
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    ctl_random_id(ctl->client, id);
    run.name = pt_arena_printf(ctl->arena, "%s/changeSets/tf-%.8s", organization, id);
    int status = carry_out(&run);
    if (!run.keep) {
        (void)unlink(run.before);
    }
    (void)unlink(run.after);
    return status;
}
