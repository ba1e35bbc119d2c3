/*
 * A follower that nobody waits for applies in larger pieces.
 *
 * What an entry costs to apply depends on how many go together: each batch is a transaction of the machine's, and since
 * the last one other work has had the processor's caches. In batches as small as those that arrive an entry cost a
 * follower under load half as much again as in one process by itself (docs/benchmarks.md). So behind a batch that it
 * has just applied a follower lets committed entries wait for LAG_MS, and applies them as one.
 *
 * It waits only
 *   as a follower        a leader answers by what it has applied, and who stands may have to lead at once
 *   behind other work    an entry that comes after a calm is applied at once, so a lone write is seen as soon as before
 *   while nobody watches the machine says so (may_lag), and nobody waits for a snapshot of a certain index
 *   with its word given  what is acknowledged is written down by the machine as it would be with the batch
 *   for what is small    at most LAG_LEN entries of LAG_SIZE bytes, all of them in the log's cache
 *   for commands         a configuration entry, libraft's business, is passed on at once, with all before it
 *
 * Nothing that others rely on is later for it: entries are durable and acknowledged before they are applied anyway. A
 * call that is judged here by the state, before it goes to the leader, may be judged by one that is LAG_MS older.
 */
#include "raft/node_priv.h"

#define LAG_MS 10U
#define LAG_LEN 256U           /* more than come in that time; below PT_RAFT_BATCH_LEN_MAX */
#define LAG_SIZE (256U * 1024) /* below PT_RAFT_BATCH_SIZE_MAX and the log's cache */

void pt_raft_lag_restart(struct pt_raft *raft)
{
    raft->lag.since_ms = pt_sys_now_ms(raft->sys);
    raft->lag.seen = raft->applied;
    raft->lag.size = 0;
    pt_timer_stop(raft->lag.timer);
}

void pt_raft_on_lag(void *arg)
{
    struct pt_raft *raft = arg;
    if (pt_raft_enter(raft)) {
        pt_raft_leave(raft); /* it is time: settling applies */
    }
}

/* Look at the entries up to `limit` that were not seen yet: are all small commands at hand? */
static bool all_fit(struct pt_raft *raft, uint64_t limit)
{
    if (limit - raft->applied > LAG_LEN) {
        return false;
    }
    for (; raft->lag.seen < limit; raft->lag.seen++) {
        struct pt_raft_record record;
        if (!pt_raft_log_get(raft->log, raft->lag.seen + 1, &record) || record.type != PT_RAFT_ENTRY_COMMAND) {
            return false;
        }
        raft->lag.size += record.data.size;
    }
    return raft->lag.size <= LAG_SIZE;
}

bool pt_raft_lags(struct pt_raft *raft, uint64_t limit)
{
    const struct pt_machine *machine = &raft->options.machine;
    uint64_t took_ms = pt_sys_now_ms(raft->sys) - raft->lag.since_ms;
    if (took_ms >= LAG_MS || raft->raft.state != RAFT_FOLLOWER || machine->may_lag == NULL ||
        !pt_list_empty(&raft->exports) || raft->lag.seen < raft->applied || !all_fit(raft, limit) ||
        !machine->may_lag(machine->context, pt_raft_stored(raft))) {
        return false;
    }
    if (!pt_timer_active(raft->lag.timer)) {
        pt_timer_start(raft->lag.timer, LAG_MS - took_ms, 0);
    }
    return true;
}
