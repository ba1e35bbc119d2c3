/*
 * Membership follows the Controller resources: the leader compares them with consensus' configuration and makes one
 * change at a time until they agree. A change that fails (the node is not up yet) is tried again later. A leader whose
 * own resource is gone, or is to be a standby, hands leadership over first; the next one makes the change.
 */
#include "serve/controller_priv.h"

#include "patronus/v1/cluster.pb-c.h"

#include <inttypes.h>
#include <string.h>

#define MEMBERS_MAX 64
#define RETRY_NS (2000ULL * 1000000ULL)

struct wanted {
    uint64_t id;
    bool voter;
    char address[80];
};

struct wanted_list {
    struct wanted items[MEMBERS_MAX];
    size_t len;
};

static bool collect(void *arg, const char *name, const struct pt_msg *msg)
{
    (void)name;
    struct wanted_list *list = arg;
    uint64_t id = pt_msg_u64(msg, "raft_id");
    if (id == 0) {
        return true; /* made by hand: no node has joined under this name */
    }
    struct wanted *item = &list->items[list->len++];
    item->id = id;
    item->voter = pt_msg_i64(msg, "role") == PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    const char *address = pt_msg_str(msg, "peer_address");
    size_t size = strnlen(address, sizeof(item->address) - 1);
    memcpy(item->address, address, size);
    item->address[size] = '\0';
    return list->len < MEMBERS_MAX;
}

static void on_changed(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_controller *controller = arg;
    if (code == PT_CLOSED) {
        return;
    }
    controller->member_change_running = false;
    if (code == PT_OK) {
        pt_log_info(controller->log, "membership changed", "index=%" PRIu64, index);
    } else if (controller->leading) {
        controller->member_retry_at_ns = pt_sys_now_ns(controller->sys) + RETRY_NS;
        pt_log_info(controller->log, "membership not changed yet", "code=%s", pt_code_name(code));
    }
}

static const struct pt_raft_member *member_by_id(const struct pt_raft_member *members, size_t len, uint64_t id)
{
    for (size_t i = 0; i < len; i++) {
        if (members[i].id == id) {
            return &members[i];
        }
    }
    return NULL;
}

void pt_serve_members_tick(struct pt_controller *controller)
{
    if (controller->member_change_running || pt_sys_now_ns(controller->sys) < controller->member_retry_at_ns) {
        return;
    }
    struct wanted_list list = {.len = 0};
    struct pt_view *view = pt_view_new(controller->machine);
    pt_view_scan(view, "controller", "", collect, &list);
    pt_view_free(view);
    struct pt_raft_member members[MEMBERS_MAX];
    size_t members_len = pt_raft_members(controller->raft, members, MEMBERS_MAX);

    if (list.len == 0) {
        return; /* not founded yet */
    }
    for (size_t i = 0; i < list.len; i++) {
        const struct wanted *item = &list.items[i];
        const struct pt_raft_member *member = member_by_id(members, members_len, item->id);
        if (member == NULL) {
            controller->member_change_running = true;
            pt_raft_add(controller->raft, item->id, item->address, on_changed, controller);
            return;
        }
        if (member->voter != item->voter || member->spare) {
            controller->member_change_running = true;
            if (item->id == controller->options.identity.raft_id) {
                /* A leader cannot take its own vote away: the next one does. */
                pt_raft_transfer(controller->raft, 0, on_changed, controller);
                return;
            }
            pt_raft_assign(controller->raft, item->id, item->voter, on_changed, controller);
            return;
        }
    }
    for (size_t i = 0; i < members_len; i++) {
        bool found = false;
        for (size_t j = 0; j < list.len && !found; j++) {
            found = list.items[j].id == members[i].id;
        }
        if (!found) {
            controller->member_change_running = true;
            if (members[i].id == controller->options.identity.raft_id) {
                pt_raft_transfer(controller->raft, 0, on_changed, controller);
                return;
            }
            pt_raft_remove(controller->raft, members[i].id, on_changed, controller);
            return;
        }
    }
}
