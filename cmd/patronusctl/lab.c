/*
 * The lab's command line: words to calls of internal/lab, results to text. `commands` is the table of all.
 *
 * Options stand anywhere before "--" (before the command's own words for exec). Errors go to standard error as one line
 * "patronusctl lab: [where: ]what", so that scripts can show them as they are.
 */
#include "lab.h"

#include "lab/lab.h"
#include "lab/netns.h"
#include "lab/process.h"
#include "lab/relay.h"
#include "lab/relay_control.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char usage_text[] =
    "patronusctl lab: a WAN on this machine, in network namespaces (root is required)\n"
    "\n"
    "  lab up [FILE|--sites3|--b4] [--limit] [--seed N]     make it; --sites3 when nothing is said\n"
    "  lab status [--json]                                  nodes, links, parameters, drops\n"
    "  lab link cut|restore LINK [--up|--down]              drop every frame, silently, the carrier staying up\n"
    "  lab link set LINK KEY=VALUE... [--up|--down]         delay=20ms jitter=2ms loss=1% reorder=1% duplicate=1% "
    "rate=50mbit\n"
    "                                                       queue=64kB cut=yes|no\n"
    "  lab exec NODE COMMAND...                             run a command in a node's namespace\n"
    "  lab start NODE [--as NAME] -- COMMAND...             run a daemon there, with pidfile and log\n"
    "  lab stop NODE [--as NAME] [--kill]                   end the node's daemons, or that one\n"
    "  lab export [FILE|--sites3|--b4] [--json]             nodes, links, addresses and segments as JSON\n"
    "  lab down                                             end and remove everything\n"
    "\n"
    "Every command takes --name LAB (default \"pt\"). A LINK is NODE/LINK or NODE/INTERFACE, for example nyc/internet\n"
    "or nyc/wan0, and may hold * and ?. --up means from the node only, --down to the node only. LAN hosts are nodes\n"
    "too: nyc-corp. More: docs/mod/lab.md\n";

enum option_id {
    OPT_NAME,
    OPT_JSON,
    OPT_LIMIT,
    OPT_SEED,
    OPT_SITES3,
    OPT_B4,
    OPT_AS,
    OPT_KILL,
    OPT_UP,
    OPT_DOWN,
    OPT_READY,
    OPT_HELP
};
#define BIT(id) (1U << (id))

static const struct option long_options[] = {
    {"name", required_argument, NULL, OPT_NAME},
    {"json", no_argument, NULL, OPT_JSON},
    {"limit", no_argument, NULL, OPT_LIMIT},
    {"seed", required_argument, NULL, OPT_SEED},
    {"sites3", no_argument, NULL, OPT_SITES3},
    {"b4", no_argument, NULL, OPT_B4},
    {"as", required_argument, NULL, OPT_AS},
    {"kill", no_argument, NULL, OPT_KILL},
    {"up", no_argument, NULL, OPT_UP},
    {"down", no_argument, NULL, OPT_DOWN},
    {"ready", no_argument, NULL, OPT_READY},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

struct arguments {
    unsigned given; /* BIT() of each option */
    const char *name;
    const char *as;
    uint64_t seed;
    char **words; /* what is no option, the command's own word left out */
    int words_len;
};

static int fail(const struct pt_error *error)
{
    if (error->field[0] != '\0') {
        (void)fprintf(stderr, "patronusctl lab: %s: %s\n", error->field, error->text);
    } else {
        (void)fprintf(stderr, "patronusctl lab: %s\n", error->text);
    }
    return 1;
}

static int usage_error(const char *problem)
{
    (void)fprintf(stderr, "patronusctl lab: %s; `patronusctl lab --help` says how\n", problem);
    return 2;
}

/* ---- topologies as arguments ---------------------------------------------------------------------------------- */

struct source {
    const char *name; /* for errors */
    const char *text;
    size_t size;
    char *owned; /* what to free */
};

static int read_source(const char *path, struct source *ret_source)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)fprintf(stderr, "patronusctl lab: %s: %s\n", path, strerror(errno));
        return 1;
    }
    char *text = malloc(PT_LAB_FILE_SIZE_MAX + 1);
    size_t size = text != NULL ? fread(text, 1, PT_LAB_FILE_SIZE_MAX + 1, file) : 0;
    (void)fclose(file);
    *ret_source = (struct source){.name = path, .text = text, .size = size, .owned = text};
    return text != NULL ? 0 : usage_error("out of memory");
}

/* The file, or the shipped topology that an option names; sites3 by default. */
static int choose_source(const struct arguments *arguments, struct source *ret_source)
{
    bool b4 = (arguments->given & BIT(OPT_B4)) != 0;
    bool sites3 = (arguments->given & BIT(OPT_SITES3)) != 0;
    if (arguments->words_len + b4 + sites3 > 1) {
        return usage_error("give one topology: a file, --sites3 or --b4");
    }
    if (arguments->words_len == 1) {
        return read_source(arguments->words[0], ret_source);
    }
    ret_source->name = b4 ? "b4.lab" : "sites3.lab";
    ret_source->text = pt_lab_topology_shipped(b4 ? "b4" : "sites3", &ret_source->size);
    return 0;
}

/* ---- up and down ---------------------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int cmd_up(const struct arguments *arguments)
{
    struct source source = {0};
    struct pt_error error = {0};
    char program[4096];
    int failed = choose_source(arguments, &source);
    if (failed != 0) {
        return failed;
    }
    ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[size > 0 ? size : 0] = '\0';
    struct pt_lab_up_options options = {.name = arguments->name,
                                        .source = source.name,
                                        .text = source.text,
                                        .text_size = source.size,
                                        .limit = (arguments->given & BIT(OPT_LIMIT)) != 0,
                                        .seed = arguments->seed,
                                        .program = program};
    uint64_t start_ms = now_ms();
    enum pt_code code = pt_lab_up(&options, &error);
    free(source.owned);
    if (code != PT_OK) {
        return fail(&error);
    }
    struct pt_lab_topology topology = {0};
    if (pt_lab_open(arguments->name, &topology, &error) != PT_OK) {
        return fail(&error);
    }
    (void)printf("lab %s is up: %zu nodes, %zu LANs, %zu links, in %.1f s\n", arguments->name, topology.nodes_len,
                 topology.lans_len, topology.links_len, (double)(now_ms() - start_ms) / 1000);
    pt_lab_topology_fini(&topology);
    return 0;
}

static int cmd_down(const struct arguments *arguments)
{
    struct pt_error error = {0};
    bool found = false;
    if (pt_lab_down(arguments->name, &found, &error) != PT_OK) {
        return fail(&error);
    }
    (void)printf(found ? "lab %s is down\n" : "there was no lab %s\n", arguments->name);
    return 0;
}

/* ---- status --------------------------------------------------------------------------------------------------- */

struct pids {
    struct pt_buf text; /* "12 bash, 40 patronusd" or "{"pid": 12, ...}" */
    bool json;
};

static void put_pid(void *arg, pid_t pid, const char *command)
{
    struct pids *pids = arg;
    pt_buf_append_str(&pids->text, pids->text.size == 0 ? "" : ", ");
    if (!pids->json) {
        pt_buf_printf(&pids->text, "%d %s", (int)pid, command);
        return;
    }
    pt_buf_printf(&pids->text, "{\"pid\": %d, \"command\": \"", (int)pid);
    for (const char *at = command; *at != '\0'; at++) {
        bool plain = *at >= ' ' && *at != '"' && *at != '\\' && *at != 0x7f;
        pt_buf_append_u8(&pids->text, plain ? (uint8_t)*at : '?'); /* a process may call itself anything */
    }
    pt_buf_append_str(&pids->text, "\"}");
}

static void put_nodes(const char *name, const struct pt_lab_topology *topology, bool json)
{
    if (!json) {
        (void)printf("%-16s %-11s %-24s %s\n", "NODE", "ROLE", "NAMESPACE", "PROCESSES");
    }
    for (size_t i = 0; i < topology->nodes_len; i++) {
        const struct pt_lab_node *node = &topology->nodes[i];
        const char *role = node->role == PT_LAB_SITE ? "site" : "controller";
        char netns[PT_NETNS_NAME_SIZE];
        struct pids pids = {.json = json};
        pt_buf_init(&pids.text);
        pt_process_each(pt_netns_inode(pt_lab_netns(name, node->name, netns)), put_pid, &pids);
        const char *text = pids.text.size != 0 ? (const char *)pids.text.data : "";
        if (json) {
            (void)printf("%s\n    {\"name\": \"%s\", \"role\": \"%s\", \"namespace\": \"%s\", \"processes\": [%s]}",
                         i == 0 ? "" : ",", node->name, role, netns, text);
        } else {
            (void)printf("%-16s %-11s %-24s %s\n", node->name, role, netns, text[0] != '\0' ? text : "-");
        }
        pt_buf_fini(&pids.text);
    }
}

/* One line of the relay's status. False when it is not one. */
static bool put_direction(char *line, bool json, bool first)
{
    char *rest = NULL;
    const char *link = strtok_r(line, "\t", &rest);
    const char *direction = strtok_r(NULL, "\t", &rest);
    const char *params = strtok_r(NULL, "\t", &rest);
    uint64_t n[8] = {0};
    if (params == NULL ||
        sscanf(rest, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
               &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7]) != 8) {
        return false;
    }
    if (json) {
        (void)printf("%s\n    {\"link\": \"%s\", \"direction\": \"%s\", \"parameters\": \"%s\", \"frames\": %" PRIu64
                     ", \"bytes\": %" PRIu64 ", \"drops_cut\": %" PRIu64 ", \"drops_loss\": %" PRIu64
                     ", \"drops_tail\": %" PRIu64 ", \"drops_send\": %" PRIu64 ", \"queued\": %" PRIu64
                     ", \"duplicates\": %" PRIu64 "}",
                     first ? "" : ",", link, direction, params, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]);
    } else {
        (void)printf("%-20s %-4s %10" PRIu64 " %12" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %6" PRIu64 "  %s\n",
                     link, direction, n[0], n[1], n[2], n[3], n[4] + n[5], n[6], params);
    }
    return true;
}

static void put_links(struct pt_buf *reply, bool json)
{
    if (!json) {
        (void)printf("\n%-20s %-4s %10s %12s %7s %7s %7s %6s  %s\n", "LINK", "WAY", "FRAMES", "BYTES", "CUT", "LOST",
                     "TAIL", "QUEUED", "PARAMETERS");
    }
    char *rest = NULL;
    bool first = true;
    for (char *line = strtok_r((char *)reply->data, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        first = !put_direction(line, json, first) && first;
    }
}

static int cmd_status(const struct arguments *arguments)
{
    struct pt_error error = {0};
    struct pt_lab_topology topology = {0};
    char path[PT_LAB_PATH_SIZE];
    bool json = (arguments->given & BIT(OPT_JSON)) != 0;
    if (pt_lab_open(arguments->name, &topology, &error) != PT_OK) {
        return fail(&error);
    }
    pid_t relay = pt_process_pid(pt_lab_path(arguments->name, "relay.pid", path));
    struct pt_buf reply;
    pt_buf_init(&reply);
    enum pt_code code = pt_relay_ask(pt_lab_path(arguments->name, "relay.sock", path), "status", &reply, &error);
    if (json) {
        (void)printf("{\n  \"name\": \"%s\",\n  \"relay_pid\": %d,\n  \"nodes\": [", arguments->name, (int)relay);
    } else {
        (void)printf("lab %s, relay %s%.0d\n\n", arguments->name, relay != 0 ? "process " : "dead", (int)relay);
    }
    put_nodes(arguments->name, &topology, json);
    (void)printf(json ? "],\n  \"links\": [" : "");
    if (code == PT_OK) {
        put_links(&reply, json);
    }
    (void)printf(json ? "]\n}\n" : "");
    pt_buf_fini(&reply);
    pt_lab_topology_fini(&topology);
    return code == PT_OK ? 0 : fail(&error);
}

/* ---- links ---------------------------------------------------------------------------------------------------- */

static const char *direction_of(const struct arguments *arguments)
{
    bool up = (arguments->given & BIT(OPT_UP)) != 0;
    bool down = (arguments->given & BIT(OPT_DOWN)) != 0;
    return up == down ? "both" : up ? "up" : "down";
}

static int cmd_link(const struct arguments *arguments)
{
    const char *verb = arguments->words_len >= 1 ? arguments->words[0] : "";
    bool cut = strcmp(verb, "cut") == 0;
    bool restore = strcmp(verb, "restore") == 0;
    bool set = strcmp(verb, "set") == 0;
    if (!cut && !restore && !set) {
        return usage_error("'lab link' is followed by cut, restore or set");
    }
    if (set ? arguments->words_len < 3 : arguments->words_len != 2) {
        return usage_error(set ? "'lab link set' takes a link and at least one KEY=VALUE"
                               : "'lab link cut' and 'restore' take one link");
    }
    PT_AUTO(buf) struct pt_buf request;
    PT_AUTO(buf) struct pt_buf reply;
    pt_buf_init(&request);
    pt_buf_init(&reply);
    pt_buf_printf(&request, "set %s %s", arguments->words[1], direction_of(arguments));
    for (int i = 2; i < arguments->words_len; i++) {
        pt_buf_printf(&request, " %s", arguments->words[i]);
    }
    pt_buf_append_str(&request, cut ? " cut=yes" : restore ? " cut=no" : "");
    if (request.size > PT_RELAY_REQUEST_SIZE_MAX) {
        return usage_error("these are too many words for one 'lab link set'");
    }
    struct pt_error error = {0};
    struct pt_lab_topology topology = {0};
    char path[PT_LAB_PATH_SIZE];
    if (pt_lab_open(arguments->name, &topology, &error) != PT_OK) {
        return fail(&error);
    }
    pt_lab_topology_fini(&topology);
    if (pt_relay_ask(pt_lab_path(arguments->name, "relay.sock", path), (const char *)request.data, &reply, &error) !=
        PT_OK) {
        return fail(&error);
    }
    return 0;
}

/* ---- nodes ---------------------------------------------------------------------------------------------------- */

static int cmd_exec(const struct arguments *arguments)
{
    struct pt_error error = {0};
    char netns[PT_NETNS_NAME_SIZE];
    if (arguments->words_len < 2) {
        return usage_error("'lab exec' takes a node and a command");
    }
    if (pt_lab_check_name(arguments->name, &error) != PT_OK || pt_lab_check_root(&error) != PT_OK) {
        return fail(&error);
    }
    (void)pt_lab_netns(arguments->name, arguments->words[0], netns);
    if (!pt_netns_exists(netns)) {
        (void)fprintf(stderr, "patronusctl lab: the lab '%s' has no node '%s'; `patronusctl lab status` lists them\n",
                      arguments->name, arguments->words[0]);
        return 1;
    }
    if (pt_netns_enter(netns, &error) != PT_OK) {
        return fail(&error);
    }
    execvp(arguments->words[1], arguments->words + 1);
    (void)fprintf(stderr, "patronusctl lab: %s: %s\n", arguments->words[1], strerror(errno));
    return 127; /* as a shell */
}

static int cmd_start(const struct arguments *arguments)
{
    struct pt_error error = {0};
    pid_t pid = 0;
    if (arguments->words_len < 2) {
        return usage_error("'lab start' takes a node, '--' and a command");
    }
    if (pt_lab_start(arguments->name, arguments->words[0], arguments->as, (const char *const *)arguments->words + 1,
                     &pid, &error) != PT_OK) {
        return fail(&error);
    }
    (void)printf("%d\n", (int)pid);
    return 0;
}

static int cmd_stop(const struct arguments *arguments)
{
    struct pt_error error = {0};
    size_t len = 0;
    if (arguments->words_len != 1) {
        return usage_error("'lab stop' takes one node");
    }
    if (pt_lab_stop(arguments->name, arguments->words[0], arguments->as, (arguments->given & BIT(OPT_KILL)) != 0, &len,
                    &error) != PT_OK) {
        return fail(&error);
    }
    (void)printf("stopped %zu\n", len);
    return 0;
}

/* ---- export and relay ----------------------------------------------------------------------------------------- */

static int cmd_export(const struct arguments *arguments)
{
    struct pt_error error = {0};
    struct pt_lab_topology topology = {0};
    bool from_file = arguments->words_len != 0 || (arguments->given & (BIT(OPT_B4) | BIT(OPT_SITES3))) != 0;
    enum pt_code code = PT_OK;
    if (from_file) {
        struct source source = {0};
        int failed = choose_source(arguments, &source);
        if (failed != 0) {
            return failed;
        }
        code = pt_lab_check_name(arguments->name, &error);
        code = code == PT_OK ? pt_lab_topology_parse(source.name, source.text, source.size, &topology, &error) : code;
        free(source.owned);
    } else {
        code = pt_lab_open(arguments->name, &topology, &error);
    }
    if (code != PT_OK) {
        return fail(&error);
    }
    struct pt_buf json;
    pt_buf_init(&json);
    pt_lab_export(arguments->name, &topology, &json);
    bool written = fwrite(json.data, 1, json.size, stdout) == json.size && fflush(stdout) == 0;
    pt_buf_fini(&json);
    pt_lab_topology_fini(&topology);
    return written ? 0 : 1;
}

/* Not for people: `lab up` starts it in the relay's namespace, with descriptor 3 for "ready". */
static int cmd_relay(const struct arguments *arguments)
{
    struct pt_error error = {0};
    struct pt_lab_topology topology = {0};
    char path[PT_LAB_PATH_SIZE];
    bool ready = (arguments->given & BIT(OPT_READY)) != 0;
    enum pt_code code = pt_lab_check_root(&error);
    code = code == PT_OK ? pt_lab_open(arguments->name, &topology, &error) : code;
    if (code == PT_OK) {
        if ((arguments->given & BIT(OPT_LIMIT)) != 0) {
            pt_lab_limit(&topology);
        }
        struct pt_relay_options options = {.topology = &topology,
                                           .socket_path = pt_lab_path(arguments->name, "relay.sock", path),
                                           .seed = arguments->seed,
                                           .ready_fd = ready ? 3 : -1};
        code = pt_relay_run(&options, &error);
    }
    pt_lab_topology_fini(&topology);
    if (code != PT_OK && ready) {
        (void)dprintf(3, "%s: %s\n", error.field, error.text);
    }
    return code == PT_OK ? 0 : fail(&error);
}

/* ---- dispatch ------------------------------------------------------------------------------------------------- */

static const struct command {
    const char *word;
    int (*run)(const struct arguments *arguments);
    unsigned options; /* beside --name */
    int words_max;    /* -1: any number */
} commands[] = {
    {"up", cmd_up, BIT(OPT_SITES3) | BIT(OPT_B4) | BIT(OPT_LIMIT) | BIT(OPT_SEED), 1},
    {"status", cmd_status, BIT(OPT_JSON), 0},
    {"link", cmd_link, BIT(OPT_UP) | BIT(OPT_DOWN), -1},
    {"exec", cmd_exec, 0, -1},
    {"start", cmd_start, BIT(OPT_AS), -1},
    {"stop", cmd_stop, BIT(OPT_AS) | BIT(OPT_KILL), 1},
    {"export", cmd_export, BIT(OPT_SITES3) | BIT(OPT_B4) | BIT(OPT_JSON), 1},
    {"down", cmd_down, 0, 0},
    {"relay", cmd_relay, BIT(OPT_READY) | BIT(OPT_SEED) | BIT(OPT_LIMIT), 0},
};

/* 0, or the exit code. */
static int parse_arguments(const struct command *command, int argc, char **argv, struct arguments *ret)
{
    *ret = (struct arguments){.name = "pt", .seed = 1};
    /* '+': the words of exec's command are not ours, also those that look like options. */
    const char *mode = command->run == cmd_exec ? "+" : "";
    optind = 0; /* GNU: start anew, patronusctl has used getopt before us */
    for (int id = 0; (id = getopt_long(argc, argv, mode, long_options, NULL)) != -1;) {
        if (id == '?' || (id != OPT_NAME && (command->options & BIT(id)) == 0)) {
            return id == '?' ? 2 : usage_error("this command does not take that option");
        }
        ret->given |= BIT(id);
        ret->name = id == OPT_NAME ? optarg : ret->name;
        ret->as = id == OPT_AS ? optarg : ret->as;
        if (id == OPT_SEED) {
            char *end = NULL;
            ret->seed = strtoull(optarg, &end, 10);
            if (optarg[0] < '0' || optarg[0] > '9' || *end != '\0') {
                return usage_error("--seed takes a number");
            }
        }
    }
    ret->words = argv + optind;
    ret->words_len = argc - optind;
    return command->words_max >= 0 && ret->words_len > command->words_max ? usage_error("there are too many words") : 0;
}

int pt_cmd_lab(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        (void)fputs(usage_text, argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    for (int i = 2; i < argc && strcmp(argv[1], "exec") != 0 && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(usage_text, stdout);
            return 0;
        }
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].word, argv[1]) == 0) {
            struct arguments arguments;
            int failed = parse_arguments(&commands[i], argc - 1, argv + 1, &arguments);
            return failed != 0 ? failed : commands[i].run(&arguments);
        }
    }
    return usage_error("there is no such command");
}
