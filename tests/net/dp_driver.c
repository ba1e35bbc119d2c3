/*
 * One node's data plane without the rest of the agent: reads commands from standard input, answers each with one line
 * or more and then "ok" or "failed: why". Started inside the node's network namespace.
 *
 *    apply FILE | verify | alive PATH | dead PATH | counters | quit
 *
 * `dp_driver DIRECTORY` opens the data plane; `dp_driver DIRECTORY remove` detaches it.
 */
#include "agent/dp.h"
#include "base/log.h"

#include "bpf/abi/drop.h"

#include "../bpf/bundle_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static const char *drop_label(uint32_t reason)
{
    static const char *const labels[] = {
#define LABEL(name, number, label, text) [number] = label,
        PT_DROPS(LABEL)
#undef LABEL
    };
    return reason < sizeof(labels) / sizeof(labels[0]) && labels[reason] != NULL ? labels[reason] : "unknown";
}

static void print_path(void *arg, const struct pt_dp_path_counters *c)
{
    (void)arg;
    printf("path %" PRIu64 " tx %" PRIu64 " %" PRIu64 " rx %" PRIu64 " %" PRIu64 "\n", c->path_id, c->tx_packets,
           c->tx_bytes, c->rx_packets, c->rx_bytes);
}

static void print_drop(void *arg, const struct pt_dp_drop *drop)
{
    (void)arg;
    printf("drop %s %" PRIu64 "\n", drop_label(drop->reason), drop->packets);
}

static void print_demand(void *arg, uint32_t site_label, uint64_t bytes)
{
    (void)arg;
    printf("demand %u %" PRIu64 "\n", site_label, bytes);
}

static enum pt_code do_apply(struct pt_dp *dp, const char *file, struct pt_error *reterr)
{
    struct pt_bundle *bundle = bundle_from_file(file);
    if (bundle == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, file, "not a bundle");
    }
    uint64_t start = now_us();
    enum pt_code code = dp->ops->apply(dp, bundle, reterr);
    printf("apply_us %" PRIu64 "\n", now_us() - start);
    pt_bundle_unref(bundle);
    return code;
}

static enum pt_code do_command(struct pt_dp *dp, const char *command, const char *argument, struct pt_error *reterr)
{
    struct pt_digest digest;
    char hex[65];
    if (strcmp(command, "apply") == 0) {
        return do_apply(dp, argument, reterr);
    }
    if (strcmp(command, "verify") == 0) {
        uint64_t start = now_us();
        PT_TRY(dp->ops->verify(dp, &digest, reterr));
        printf("digest %s\nverify_us %" PRIu64 "\n", pt_digest_hex(&digest, hex), now_us() - start);
        return PT_OK;
    }
    if (strcmp(command, "alive") == 0 || strcmp(command, "dead") == 0) {
        dp->ops->set_path_alive(dp, strtoull(argument, NULL, 0), command[0] == 'a');
        return PT_OK;
    }
    if (strcmp(command, "counters") == 0) {
        dp->ops->counters(dp, print_path, print_drop, NULL);
        dp->ops->demands(dp, print_demand, NULL);
        return PT_OK;
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, command, "no such command");
}

int main(int argc, char **argv)
{
    struct pt_log log = {.level_min = PT_LOG_INFO};
    struct pt_error error = {0};
    struct pt_dp *dp = NULL;
    char line[4096];
    if (argc < 2) {
        fprintf(stderr, "usage: dp_driver DIRECTORY [remove]\n");
        return 2;
    }
    struct pt_dp_bpf_options options = {.pin_directory = argv[1], .log = &log};
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    uint64_t start = now_us();
    enum pt_code code = argc > 2 ? pt_dp_bpf_remove(&options, &error) : pt_dp_bpf_new(&options, &dp, &error);
    if (code != PT_OK) {
        printf("failed: %s: %s\n", error.field, error.text);
        return 1;
    }
    printf("open_us %" PRIu64 "\nok\n", now_us() - start);
    while (argc == 2 && fgets(line, sizeof(line), stdin) != NULL) {
        char *save = NULL, *command = strtok_r(line, " \n", &save), *argument = strtok_r(NULL, " \n", &save);
        if (command == NULL || strcmp(command, "quit") == 0) {
            break;
        }
        if (do_command(dp, command, argument == NULL ? "" : argument, &error) == PT_OK) {
            printf("ok\n");
        } else {
            printf("failed: %s: %s\n", error.field, error.text);
        }
    }
    if (dp != NULL) {
        dp->ops->close(dp);
    }
    return 0;
}
