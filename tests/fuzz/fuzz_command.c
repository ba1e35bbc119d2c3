/* libs: pt_mod pt_kind */
/* flags: -detect_leaks=0 */
/*
 * Apply of arbitrary bytes: a log entry never crashes a node. It is applied, refused without a trace, or stops the node
 * with PT_CORRUPT. The machine stands on a small world in the simulator and is made anew when something stopped it.
 *
 * What the machine keeps from input to input looks like a leak to libFuzzer, which then scans all memory after each
 * one; the flag turns that off. Leaks are looked for when the corpus is replayed.
 *
 * The first byte chooses: even, the rest is the entry; odd, the rest is one Mutation's resource for the kind and verb
 * of the second and third byte, so that the fuzzer gets past the envelope.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "kind/kind.h"
#include "mod/mods.h"
#include "sys/sys_sim.h"

#include "patronus/v1/replication.pb-c.h"

#include <stdio.h>
#include <string.h>

struct node {
    struct pt_sim *sim;
    struct pt_schema *schema;
    struct pt_machine_kind *machine;
    uint64_t index;
};

static struct node node; /* kept from input to input: making one takes longer than using it */

static enum pt_code apply(struct pt_bytes data, struct pt_error *reterr)
{
    const struct pt_digest hash = {0};
    const struct pt_log_entry entry = {.index = ++node.index, .term = 1, .data = data};
    return pt_kind_apply(node.machine, &entry, 1, node.index, &hash, reterr);
}

static void put_mutation(uint32_t verb, uint32_t kind_id, const char *name, struct pt_bytes resource,
                         struct pt_buf *out)
{
    char path[] = "display_name";
    char *paths[] = {path};
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = (Patronus__V1__Verb)verb;
    mutation.kind_id = kind_id;
    mutation.name = (char *)(uintptr_t)name;
    mutation.resource = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)resource.data, .len = resource.size};
    mutation.paths = paths;
    mutation.n_paths = verb == PATRONUS__V1__VERB__UPDATE;
    mutation.allow_missing = true;
    Patronus__V1__Mutation *mutations[] = {&mutation};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.mutations = mutations;
    transaction.n_mutations = 1;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.principal = (char *)(uintptr_t) "internal";
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    pt_kind_command(&command, out);
}

static void stop(void)
{
    pt_kind_close(node.machine);
    pt_sim_free(node.sim);
    node.machine = NULL;
    node.sim = NULL;
}

static void start(void)
{
    static const struct {
        uint32_t kind_id;
        const char *name;
    } world[] = {{1, "organizations/a"},
                 {2, "organizations/a/sites/s"},
                 {3, "organizations/a/sites/s/edges/e"},
                 {5, "organizations/a/fabrics/f"}};
    const struct pt_sim_options options = {.seed = 1};
    node.sim = pt_sim_new(&options);
    struct pt_sys *sys = pt_sim_host(node.sim, pt_sim_add_host(node.sim));
    if (node.schema == NULL) {
        pt_assert(pt_schema_new(pt_schema_embedded(), &node.schema, NULL) == PT_OK);
    }
    const struct pt_kind_options kind = {
        .sys = sys, .schema = node.schema, .mods = pt_mods(), .store_path = "/state.db"};
    pt_assert(pt_kind_open(&kind, &node.machine, NULL) == PT_OK);
    node.index = 0;
    for (size_t i = 0; i < sizeof(world) / sizeof(world[0]); i++) {
        PT_AUTO(buf) struct pt_buf data = {0};
        put_mutation(PATRONUS__V1__VERB__CREATE, world[i].kind_id, world[i].name, (struct pt_bytes){0}, &data);
        pt_assert(apply(pt_buf_bytes(&data), NULL) == PT_OK);
        pt_assert(pt_kind_verdict(node.machine, node.index)->error.code == PT_OK);
    }
}

static void wrap(const uint8_t *data, size_t size, struct pt_buf *out)
{
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(node.schema, &len);
    const struct pt_resource_type *kind = kinds[data[1] % len]->resource;
    char name[PT_NAME_SIZE_MAX];
    const char *parent = strcmp(kind->parent, "organization") == 0 ? "organizations/a/"
                         : strcmp(kind->parent, "site") == 0       ? "organizations/a/sites/s/"
                                                                   : "";
    (void)snprintf(name, sizeof(name), "%s%s/x", parent, kind->plural);
    put_mutation(1 + data[2] % 3, kind->kind_id, name, (struct pt_bytes){data + 3, size - 3}, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > PT_MESSAGE_SIZE_MAX) {
        return 0;
    }
    if (node.machine == NULL || node.index > 10000) {
        stop();
        start();
    }
    PT_AUTO(buf) struct pt_buf entry = {0};
    if (data[0] % 2 == 0) {
        pt_buf_append(&entry, data + 1, size - 1);
    } else {
        wrap(data, size, &entry);
    }
    struct pt_error error = {0};
    struct pt_digest before = pt_store_digest(pt_kind_store(node.machine));
    enum pt_code code = apply(pt_buf_bytes(&entry), &error);
    if (code != PT_OK) {
        pt_assert(code == PT_CORRUPT && error.text[0] != '\0');
        PT_AUTO(buf) struct pt_buf noop = {0};
        pt_kind_noop(&noop);
        if (apply(pt_buf_bytes(&noop), NULL) != PT_OK) { /* it had begun: stopped for good */
            stop();
        }
        return 0;
    }
    const struct pt_verdict *verdict = pt_kind_verdict(node.machine, node.index);
    pt_assert(verdict != NULL);
    struct pt_digest after = pt_store_digest(pt_kind_store(node.machine));
    /* A refusal changes nothing; what access refused leaves an audit record. */
    pt_assert(verdict->error.code == PT_OK || verdict->error.denied || pt_digest_equal(&before, &after));
    pt_assert(verdict->error.code == PT_OK || verdict->error.text[0] != '\0');
    return 0;
}
