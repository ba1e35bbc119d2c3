/* A path takes three lines, and one more where classes are split otherwise than the pair as a whole. */
#include "cli/path.h"

#include <inttypes.h>

const char *pt_cli_rate(uint64_t bps, struct pt_arena *arena)
{
    double value = (double)bps;
    const char *unit = "bit/s";
    if (bps >= 1000000000) {
        value /= 1e9;
        unit = "Gbit/s";
    } else if (bps >= 1000000) {
        value /= 1e6;
        unit = "Mbit/s";
    } else if (bps >= 1000) {
        value /= 1e3;
        unit = "kbit/s";
    }
    return pt_arena_printf(arena, "%.*f %s", value < 10 && bps >= 1000 ? 2 : 0, value, unit);
}

const char *pt_cli_value_name(const struct pt_msg *msg, const char *field)
{
    const struct pt_enum_type *type = pt_message_field(msg->type, field)->enumeration;
    for (size_t i = 0; i < type->values_len; i++) {
        if (type->values[i].number == pt_msg_i64(msg, field)) {
            return type->values[i].name;
        }
    }
    return "";
}

static void put_class_shares(const struct pt_msg *path, struct pt_buf *out)
{
    const struct pt_msg_field *shares = pt_msg_field(path, "class_shares");
    if (shares == NULL || shares->len == 0) {
        return;
    }
    for (size_t i = 0; i < shares->len; i++) {
        const struct pt_msg *share = shares->values[i].message;
        pt_buf_printf(out, "%s%.1f%% of %s", i == 0 ? "    but " : ", ", (double)pt_msg_u64(share, "share_ppm") / 1e4,
                      pt_cli_value_name(share, "traffic_class"));
    }
    pt_buf_append_str(out, "\n");
}

static void put_links(const struct pt_cli_scope *scope, const struct pt_msg *path, struct pt_buf *out)
{
    const struct pt_msg_field *links = pt_msg_field(path, "links");
    if (links == NULL || links->len == 0) {
        return;
    }
    for (size_t i = 0; i < links->len; i++) {
        pt_buf_printf(out, "%s%s",
                      i == 0       ? "    "
                      : i % 2 == 1 ? " -> "
                                   : ", ",
                      pt_cli_short_name(scope, (const char *)links->values[i].bytes.data));
    }
    pt_buf_append_str(out, "\n");
}

void pt_cli_explained_path(const struct pt_cli_scope *scope, const struct pt_msg *path, struct pt_arena *arena,
                           struct pt_buf *out)
{
    uint64_t capacity = pt_msg_u64(path, "capacity_bps");
    pt_buf_printf(out, "tier %" PRIu64 ", %5.1f%% of it, metric %" PRIu64 " us, fullest link %.1f%%: %s\n",
                  pt_msg_u64(path, "tier"), (double)pt_msg_u64(path, "share_ppm") / 1e4, pt_msg_u64(path, "metric"),
                  (double)pt_msg_u64(path, "utilization_ppm") / 1e4, pt_msg_str(path, "reason"));
    put_class_shares(path, out);
    pt_buf_printf(out, "    round trip %.1f ms, loss %.2f%%, capacity %s\n", (double)pt_msg_u64(path, "rtt_us") / 1e3,
                  (double)pt_msg_u64(path, "loss_ppm") / 1e4, capacity != 0 ? pt_cli_rate(capacity, arena) : "unknown");
    put_links(scope, path, out);
}
