/*
 * CPU time of one create in apply: parse, checks, encode, store, commit; batches of 64 as under load. Prints
 * microseconds a create, by kind.
 *
 *   bench_kind [creates of each kind]
 */
#include "base/assert.h"
#include "kind/kind.h"
#include "mod/mods.h"
#include "sys/sys_uv.h"

#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH_LEN 64

static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct bench {
    struct pt_machine_kind *machine;
    uint64_t index;
    const char *annotation; /* makes a resource of about 256 bytes */
};

static void make(struct bench *bench, const char *parent, const char *plural, const char *kind, uint64_t number,
                 struct pt_buf *out)
{
    const struct pt_schema *schema = pt_kind_schema(bench->machine);
    struct pt_arena arena;
    pt_arena_init(&arena);
    const struct pt_message_type *type = pt_schema_kind(schema, kind);
    struct pt_msg *msg = pt_msg_new(&arena, type);
    pt_msg_set_str(msg, &arena, "display_name", bench->annotation);
    PT_AUTO(buf) struct pt_buf resource = {0};
    pt_msg_encode(msg, &resource);
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = PATRONUS__V1__VERB__CREATE;
    mutation.kind_id = type->resource->kind_id;
    mutation.name = pt_arena_printf(&arena, "%s%s%s/r%" PRIu64, parent, parent[0] != '\0' ? "/" : "", plural, number);
    mutation.uid = pt_arena_printf(&arena, "%032" PRIx64, number);
    mutation.resource = (ProtobufCBinaryData){.data = resource.data, .len = resource.size};
    Patronus__V1__Mutation *mutations[] = {&mutation};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.mutations = mutations;
    transaction.n_mutations = 1;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = 1700000000000000000 + (int64_t)number * 150000;
    command.principal = (char *)(uintptr_t) "spiffe://cluster/admin/root";
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    pt_kind_command(&command, out);
    pt_arena_fini(&arena);
}

static double run(struct bench *bench, const char *parent, const char *plural, const char *kind, uint64_t len)
{
    double spent_s = 0;
    for (uint64_t done = 0; done < len;) {
        struct pt_buf data[BATCH_LEN] = {0};
        struct pt_log_entry entries[BATCH_LEN];
        size_t batch = 0;
        for (; batch < BATCH_LEN && done < len; batch++, done++) {
            make(bench, parent, plural, kind, done, &data[batch]);
            entries[batch] =
                (struct pt_log_entry){.index = ++bench->index, .term = 1, .data = pt_buf_bytes(&data[batch])};
        }
        struct pt_digest hash = {0};
        struct pt_error error = {0};
        double start_s = cpu_s();
        enum pt_code code = pt_kind_apply(bench->machine, entries, batch, bench->index, &hash, &error);
        spent_s += cpu_s() - start_s;
        if (code != PT_OK || pt_kind_verdict(bench->machine, bench->index)->error.code != PT_OK) {
            (void)fprintf(stderr, "%s%s\n", error.text, pt_kind_verdict(bench->machine, bench->index)->error.text);
            exit(1);
        }
        for (size_t i = 0; i < batch; i++) {
            pt_buf_fini(&data[i]);
        }
    }
    return spent_s / (double)len * 1e6;
}

int main(int argc, char **argv)
{
    uint64_t len = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000;
    struct pt_sys *sys = NULL;
    struct pt_schema *schema = NULL;
    struct pt_error error = {0};
    char folder[] = "/tmp/pt-bench-XXXXXX";
    char path[64];
    if (mkdtemp(folder) == NULL || pt_sys_uv_new(&sys, &error) != PT_OK ||
        pt_schema_new(pt_schema_embedded(), &schema, &error) != PT_OK) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/state.db", folder);
    const struct pt_kind_options options = {.sys = sys, .schema = schema, .mods = pt_mods(), .store_path = path};
    struct bench bench = {.annotation =
                              "two hundred and fifty-six bytes are what the comparison with etcd writes, so a "
                              "display name is made as long as it may be and no longer; here it is....."};
    if (pt_kind_open(&options, &bench.machine, &error) != PT_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    printf("apply_organization_us %.1f\n", run(&bench, "", "organizations", "organization", len < 9999 ? len : 9999));
    printf("apply_site_us %.1f\n", run(&bench, "organizations/r0", "sites", "site", len < 9999 ? len : 9999));
    printf("apply_sla_profile_us %.1f\n",
           run(&bench, "organizations/r0", "slaProfiles", "slaProfile", len < 9999 ? len : 9999));
    pt_kind_close(bench.machine);
    pt_schema_free(schema);
    pt_sys_uv_free(sys);
    (void)unlink(path);
    (void)rmdir(folder);
    return 0;
}
