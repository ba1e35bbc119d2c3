/*
 * patronusctl te recompute [FILE]: are a leader's solutions what comes of what they say they were computed from?
 *
 * They come from the leader, or from a file that `te solutions -o json` has written. The solver that runs is this
 * program's; what is compared is every weight, and the utilisation, the bound and the gap that a solution claims.
 */
#include "ctl.h"
#include "te.h"

#include "mod/te/ask.h"
#include "wire/json.h"

#include <inttypes.h>

enum pt_code ctl_te_read_solutions(struct ctl *ctl, const char *path, struct pt_msg **ret_solutions,
                                   struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    const struct pt_message_type *type =
        pt_schema_method(ctl->schema, "/patronus.v1.TrafficEngineeringService/ListSolutions")->output;
    PT_TRY(ctl_read_file(path, &text, reterr));
    return pt_json_read(ctl->schema, type, (const char *)text.data, text.size, ctl->arena, ret_solutions, reterr);
}

static enum pt_code recompute(const struct pt_msg *msg, bool *ret_equal, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_msg_encode(msg, &data);
    Patronus__V1__Solution *solution = patronus__v1__solution__unpack(NULL, data.size, data.data);
    if (solution == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "solutions", "this is no solution");
    }
    enum pt_code code = te_solution_recompute(solution, ret_equal, reterr);
    patronus__v1__solution__free_unpacked(solution, NULL);
    return code;
}

int ctl_te_recompute(const struct pt_msg *solution)
{
    struct pt_error error = {0};
    bool equal = false;
    uint64_t epoch = pt_msg_u64(solution, "epoch");
    PT_AUTO(buf) struct pt_buf out = {0};
    if (recompute(solution, &equal, &error) != PT_OK) {
        pt_buf_printf(&out, "epoch %" PRIu64 ": %s: %s\n", epoch, error.field, error.text);
    } else {
        pt_buf_printf(&out, "epoch %" PRIu64 ": %s\n", epoch,
                      equal ? "the same, bit for bit" : "DIFFERS from what comes of its inputs");
    }
    ctl_print(&out);
    return equal ? PT_CLI_EXIT_OK : PT_CLI_EXIT_FAILED;
}
