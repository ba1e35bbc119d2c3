/*
 * The nemesis: what can happen to nodes, disks and wires, by the seed.
 *
 * A fault is drawn every fault_gap on average; each seed has its own gap and turns some kinds off. What may happen
 * together is limited by two rules only, because without them data may rightly be lost: bits are flipped on one member
 * at a time while all others run, and a member whose disk was lost comes back under a new id.
 */
#include "nodes.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

#define DAMAGE_SETTLE_NS (3 * SECOND)
#define FILES_MAX 64

struct weight {
    unsigned weight;
    const char *name;
};

static const struct weight weights[FAULTS_LEN] = {
    [FAULT_KILL] = {14, "kill"},
    [FAULT_POWER] = {14, "power"},
    [FAULT_POWER_ALL] = {5, "power-all"},
    [FAULT_STOP] = {5, "stop"},
    [FAULT_HALVES] = {8, "halves"},
    [FAULT_ONE_WAY] = {10, "one-way"},
    [FAULT_ISOLATE_LEADER] = {8, "isolate-leader"},
    [FAULT_CLIENT_CUT] = {4, "client-cut"},
    [FAULT_PAUSE] = {8, "pause"},
    [FAULT_PAUSE_LEADER] = {8, "pause-leader"},
    [FAULT_SLOW_DISK] = {6, "slow-disk"},
    [FAULT_DISK_IO] = {8, "disk-io"},
    [FAULT_DISK_FULL] = {6, "disk-full"},
    [FAULT_FLIP] = {4, "flip"},
    [FAULT_MEMBERS] = {6, "members"},
    [FAULT_TRANSFER] = {10, "transfer"},
    [FAULT_CLOCK] = {6, "clock"},
    [FAULT_FORK] = {5, "fork"},
    [FAULT_STALE_LEADER] = {4, "stale-leader"},
    [FAULT_EDGE_KILL] = {8, "edge-kill"},
    [FAULT_EDGE_POWER] = {8, "edge-power"},
    [FAULT_EDGE_PAUSE] = {6, "edge-pause"},
    [FAULT_EDGE_CUT] = {10, "edge-cut"},
    [FAULT_EDGE_DISK] = {4, "edge-disk"},
};

void nemesis_init(struct world *world)
{
    for (unsigned i = 0; i < FAULTS_LEN; i++) {
        world->fault_weights[i] = chance(world, 70) ? weights[i].weight : 0;
    }
    /* A favourite: what is rare among all others is common in this seed. Eleven, so that processes which take every
     * second seed meet them all. */
    static const enum fault favourites[] = {
        FAULT_POWER_ALL, FAULT_FORK, FAULT_STALE_LEADER, FAULT_PAUSE_LEADER, FAULT_ISOLATE_LEADER, FAULT_DISK_IO,
        FAULT_DISK_FULL, FAULT_FLIP, FAULT_MEMBERS,      FAULT_EDGE_CUT,     FAULT_HALVES};
    enum fault favourite = favourites[world->options->seed % (sizeof(favourites) / sizeof(favourites[0]))];
    world->fault_weights[favourite] = 8 * weights[favourite].weight;
    tell(world, "nemesis: likes %s", weights[favourite].name);
    static const uint64_t gaps_ms[] = {40, 80, 150, 300};
    world->fault_gap_ns = gaps_ms[draw(world, 4)] * MS;
    world->next_fault_ns = now_ns(world) + world->fault_gap_ns;
}

/* ---- the wire ------------------------------------------------------------------------------------------------- */

void nemesis_cut(struct world *world, unsigned from, unsigned to, bool on)
{
    if (from != to && world->cuts[from][to] != on) {
        world->cuts[from][to] = on;
        pt_sim_partition(world->sim, from, to, on);
        pt_rpc_world_partition(world->net, from, to, on);
    }
}

static void mend(struct world *world)
{
    for (unsigned from = 0; from < HOSTS_MAX; from++) {
        for (unsigned to = 0; to < HOSTS_MAX; to++) {
            nemesis_cut(world, from, to, false);
        }
    }
    world->heal_ns = 0;
}

static void mend_later(struct world *world)
{
    world->heal_ns = now_ns(world) + (50 + draw(world, chance(world, 70) ? 600 : 4000)) * MS;
}

static void cut_both(struct world *world, unsigned a, unsigned b)
{
    nemesis_cut(world, a, b, true);
    nemesis_cut(world, b, a, true);
}

static bool cut_halves(struct world *world)
{
    unsigned side = (unsigned)draw(world, 1U << HOSTS_MAX);
    for (unsigned a = 0; a < HOSTS_MAX; a++) {
        for (unsigned b = 0; b < a; b++) {
            /* Clients see both sides: that is how stale answers would show. */
            if (a != world->client_host && b != world->client_host && ((side >> a ^ side >> b) & 1) != 0) {
                cut_both(world, a, b);
            }
        }
    }
    return true;
}

static bool isolate_leader(struct world *world)
{
    const struct controller_host *leader = leader_of(world);
    if (leader == NULL) {
        return false;
    }
    bool from_edges = chance(world, 50);
    unsigned ways = (unsigned)draw(world, 3);
    for (unsigned host = 0; host < HOSTS_MAX; host++) {
        if (host == world->client_host || (host >= CONTROLLERS_MAX && !from_edges)) {
            continue;
        }
        nemesis_cut(world, leader->host, host, ways != 1);
        nemesis_cut(world, host, leader->host, ways != 2);
    }
    return true;
}

static void cut_from_controllers(struct world *world, const struct controller_host *node)
{
    for (unsigned host = 0; host < CONTROLLERS_MAX; host++) {
        if (host != node->host) {
            cut_both(world, node->host, host);
        }
    }
}

/* Controllers reach each other by this one only, and `without` reaches none: so nobody else can be elected. */
static void cut_to_star(struct world *world, const struct controller_host *centre,
                        const struct controller_host *without)
{
    mend(world);
    for (unsigned a = 0; a < CONTROLLERS_MAX; a++) {
        for (unsigned b = 0; b < a; b++) {
            bool spoke = a == centre->host || b == centre->host;
            if (!spoke || a == without->host || b == without->host) {
                cut_both(world, a, b);
            }
        }
    }
    world->heal_ns = now_ns(world) + 1500 * MS;
}

/* Logs fork, and an older branch is led on before a newer one wins (Raft, figure 8):
 *
 *   1  the first leader is cut off with entries that nobody else has; a second one is elected
 *   2  it is cut off at once, with an entry of its own; the first one is elected again and goes on with its old entries
 *   3  it is cut off before it gets far; the second one is elected again, and its branch wins
 */
static bool fork_logs(struct world *world)
{
    struct controller_host *leader = leader_of(world);
    if (world->fork_phase != 0 || world->heal_ns != 0 || leader == NULL) {
        return false;
    }
    world->fork_phase = 1;
    world->fork_first = leader;
    world->fork_ns = UINT64_MAX;
    cut_from_controllers(world, leader);
    world->heal_ns = now_ns(world) + 1500 * MS;
    return true;
}

void nemesis_elected(struct world *world, struct controller_host *node)
{
    if (world->fork_phase == 1 && node != world->fork_first) {
        world->fork_second = node;
        world->fork_phase = 2;
        cut_to_star(world, world->fork_first, node);
    } else if (world->fork_phase == 2 && node == world->fork_first) {
        world->fork_ns = now_ns(world) + draw(world, 40) * MS;
    } else if (world->fork_phase == 3 && node == world->fork_second) {
        world->fork_phase = 0;
        world->heal_ns = now_ns(world) + draw(world, 300) * MS;
    }
}

static void go_on_forking(struct world *world)
{
    if (world->fork_phase != 0 && world->heal_ns == 0) {
        world->fork_phase = 0; /* nobody was elected in time */
    } else if (world->fork_phase == 2 && world->fork_ns <= now_ns(world)) {
        world->fork_phase = 3;
        cut_to_star(world, world->fork_second, world->fork_first);
        if (controller_serves(world->fork_first) && chance(world, 40)) {
            controller_crash(world->fork_first, chance(world, 50));
        }
    }
}

/* Edges begin anew, at this controller first. */
static void move_edges(struct world *world, unsigned first_address, uint64_t from_ns, uint64_t spread_ns)
{
    for (unsigned i = 0; i < world->edges_len; i++) {
        struct edge_host *edge = &world->edges[i];
        if (edge->state == HOST_UP && chance(world, 70)) {
            edge_crash(edge, false);
            edge->restart_ns = from_ns + draw(world, spread_ns);
            edge->first_address = first_address;
        }
    }
}

/* A leader sleeps while others elect another one, and edges turn to that. When it wakes, nobody but edges reaches it,
 * and they ask it first: it must not talk them back to what it knows. */
static bool make_stale(struct world *world)
{
    struct controller_host *leader = leader_of(world);
    if (world->stale != NULL || world->heal_ns != 0 || leader == NULL) {
        return false;
    }
    uint64_t sleep_ns = (1000 + draw(world, 1000)) * MS;
    cut_from_controllers(world, leader);
    pt_sim_pause(world->sim, leader->host, sleep_ns);
    world->stale = leader;
    world->stale_wake_ns = now_ns(world) + sleep_ns;
    world->heal_ns = world->stale_wake_ns + 400 * MS;
    move_edges(world, leader->number % CONTROLLERS_MAX, now_ns(world) + 100 * MS, 300 * MS);
    return true;
}

static void go_on_staling(struct world *world)
{
    if (world->stale != NULL && now_ns(world) + 60 * MS >= world->stale_wake_ns) {
        move_edges(world, world->stale->number - 1, world->stale_wake_ns - 50 * MS, 120 * MS);
        world->stale = NULL;
    }
}

static bool hurt_wire(struct world *world, enum fault fault)
{
    if (world->heal_ns != 0) {
        return false;
    }
    unsigned a = (unsigned)draw(world, CONTROLLERS_MAX), b = (unsigned)draw(world, CONTROLLERS_MAX);
    bool done = true;
    if (fault == FAULT_HALVES) {
        done = cut_halves(world);
    } else if (fault == FAULT_ISOLATE_LEADER) {
        done = isolate_leader(world);
    } else if (fault == FAULT_CLIENT_CUT) {
        nemesis_cut(world, a, world->client_host, chance(world, 70));
        nemesis_cut(world, world->client_host, a, true);
    } else if (fault == FAULT_EDGE_CUT) {
        unsigned edge = world->edges[draw(world, world->edges_len)].host;
        for (unsigned host = 0; host < CONTROLLERS_MAX; host++) {
            if (chance(world, 60)) {
                cut_both(world, edge, host);
            }
        }
    } else {
        done = a != b;
        nemesis_cut(world, a, b, done);
    }
    if (done) {
        mend_later(world);
    }
    return done;
}

/* ---- controllers ---------------------------------------------------------------------------------------------- */

static struct controller_host *some_controller(struct world *world)
{
    struct controller_host *node = &world->controllers[draw(world, CONTROLLERS_MAX)];
    return controller_serves(node) ? node : NULL;
}

/* First disks get slow, so that much is on its way to them; then the power goes, everywhere. */
static bool power_all(struct world *world)
{
    uint64_t now = now_ns(world);
    if (world->blackout_ns != 0) {
        return false;
    }
    world->blackout_ns = now + (30 + draw(world, 150)) * MS;
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        struct controller_host *node = &world->controllers[i];
        if (controller_serves(node) && chance(world, 80)) {
            node->slow_until_ns = world->blackout_ns + SECOND;
            pt_sim_slow_disk(world->sim, node->host, (2 + draw(world, 60)) * MS);
        }
    }
    return true;
}

static void black_out(struct world *world)
{
    if (world->blackout_ns == 0 || now_ns(world) < world->blackout_ns) {
        return;
    }
    world->blackout_ns = 0;
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        if (controller_serves(&world->controllers[i]) && chance(world, 95)) {
            controller_crash(&world->controllers[i], true);
        }
    }
}

struct files {
    char names[FILES_MAX][40];
    size_t len;
    const char *folder;
};

static void add_file(void *arg, const char *name)
{
    struct files *files = arg;
    if (files->len < FILES_MAX && strlen(name) < 30) {
        (void)snprintf(files->names[files->len++], sizeof(files->names[0]), "%s%s", files->folder, name);
    }
}

/* Is any member's data lost or in doubt? Then no other may be taken away as well. */
static bool all_are_sound(const struct world *world)
{
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        const struct controller_host *node = &world->controllers[i];
        if (node->damaged || node->state == HOST_BROKEN ||
            (controller_serves(node) && pt_raft_status(pt_controller_raft(node->controller)).quarantined)) {
            return false;
        }
    }
    return true;
}

/* Every other member runs undamaged: what one disk loses is on the others. */
static bool others_are_well(struct world *world, const struct controller_host *node)
{
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        const struct controller_host *other = &world->controllers[i];
        if (other != node && other->state != HOST_UNUSED && !controller_serves(other)) {
            return false;
        }
    }
    return all_are_sound(world) && operator_idle(world);
}

void nemesis_flip(struct world *world, struct controller_host *node)
{
    controller_crash(node, chance(world, 50));
    pt_sim_restart(world->sim, node->host);
    struct pt_sys *sys = pt_sim_host(world->sim, node->host);
    char base[16], raft[24], path[80];
    struct files files = {.folder = ""};
    (void)snprintf(base, sizeof(base), "/d%u", node->folder);
    (void)snprintf(raft, sizeof(raft), "/d%u/raft", node->folder);
    pt_assert(pt_dir_list(sys, base, add_file, &files, NULL) == PT_OK);
    files.folder = "raft/";
    pt_assert(pt_dir_list(sys, raft, add_file, &files, NULL) == PT_OK);
    for (unsigned tries = 0; tries < 20 && files.len > 0; tries++) {
        (void)snprintf(path, sizeof(path), "%s/%s", base, files.names[draw(world, files.len)]);
        struct pt_file *file = NULL;
        uint64_t size = 0;
        if (pt_file_open(sys, path, PT_OPEN_READ, &file, NULL) == PT_OK) {
            pt_assert(pt_file_size(file, &size, NULL) == PT_OK);
            pt_file_close(file);
        }
        /* Segments are mostly zeros behind their records: aim at the front half the time. */
        uint64_t reach = size > 4096 && chance(world, 50) ? 4096 : size;
        uint64_t bit = size > 0 ? draw(world, reach * 8) : 0;
        if (size > 0 && pt_sim_flip_bit(world->sim, node->host, path, bit)) {
            tell(world, "%s: bit %llu of %s flips", node->name, (unsigned long long)bit, path);
            node->damaged = true;
            (void)snprintf(node->flipped_path, sizeof(node->flipped_path), "%s", path);
            node->flipped_bit = bit;
            node->flipped_to = pt_sim_durable_bit(world->sim, node->host, path, bit);
            node->damaged_ns = now_ns(world);
            return;
        }
    }
}

/* Somebody sets the clock, or sets it right again. Nothing that must be certain may go by it. */
static void set_clock(struct world *world, const struct controller_host *node)
{
    /* Within the life of the certificates: a controller that takes them for expired, or for made in the future, rightly
     * refuses everybody, or to start. Setting a clock right again takes it back by as much. */
    static const int64_t hours[] = {0, 1, 24 * 300};
    int64_t skew = hours[draw(world, sizeof(hours) / sizeof(hours[0]))];
    tell(world, "%s: its clock is set %lld hours off", node->name, (long long)skew);
    pt_sim_set_wall(world->sim, node->host, skew * 3600 * (int64_t)SECOND);
}

static bool fail_disk(struct world *world, struct controller_host *node, enum pt_code code)
{
    if (node->disk_failing) {
        return false;
    }
    node->disk_failing = true;
    node->faulty_until_ns = now_ns(world) + (200 + draw(world, 1500)) * MS;
    pt_sim_fail_disk(world->sim, node->host, 1 + (unsigned)draw(world, chance(world, 50) ? 20 : 300), code,
                     code == PT_NO_SPACE || chance(world, 50));
    return true;
}

static void transferred(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg, (void)code, (void)index; /* whether it worked does not matter here */
}

static bool hurt_controller(struct world *world, struct controller_host *node, enum fault fault)
{
    switch ((int)fault) {
    case FAULT_KILL:
    case FAULT_POWER:
        controller_crash(node, fault == FAULT_POWER);
        return true;
    case FAULT_STOP:
        node->stop_by_ns = now_ns(world) + 20 * SECOND;
        controller_stop(node);
        return true;
    case FAULT_PAUSE:
    case FAULT_PAUSE_LEADER:
        pt_sim_pause(world->sim, node->host, (20 + draw(world, chance(world, 70) ? 400 : 3000)) * MS);
        return true;
    case FAULT_SLOW_DISK:
        node->slow_until_ns = now_ns(world) + (100 + draw(world, 2000)) * MS;
        pt_sim_slow_disk(world->sim, node->host, (1 + draw(world, chance(world, 70) ? 20 : 200)) * MS);
        return true;
    case FAULT_DISK_IO:
        return fail_disk(world, node, PT_IO);
    case FAULT_DISK_FULL:
        return fail_disk(world, node, PT_NO_SPACE);
    case FAULT_FLIP:
        if (!others_are_well(world, node)) {
            return false;
        }
        nemesis_flip(world, node); /* the crash is a fault where no bit is found */
        return true;
    case FAULT_CLOCK:
        set_clock(world, node);
        return true;
    case FAULT_TRANSFER:
        pt_raft_transfer(pt_controller_raft(node->controller), 0, transferred, NULL);
        return true;
    default:
        pt_unreachable();
    }
}

static bool hurt_edge(struct world *world, enum fault fault)
{
    struct edge_host *edge = &world->edges[draw(world, world->edges_len)];
    if (edge->state != HOST_UP) {
        return false;
    }
    if (fault == FAULT_EDGE_PAUSE) {
        pt_sim_pause(world->sim, edge->host, (20 + draw(world, 3000)) * MS);
    } else if (fault == FAULT_EDGE_DISK) {
        edge->faulty_until_ns = now_ns(world) + (200 + draw(world, 1500)) * MS;
        pt_sim_fail_disk(world->sim, edge->host, 1 + (unsigned)draw(world, 10), chance(world, 50) ? PT_IO : PT_NO_SPACE,
                         chance(world, 50));
    } else {
        edge_crash(edge, fault == FAULT_EDGE_POWER);
    }
    return true;
}

static bool hurt(struct world *world, enum fault fault)
{
    switch (fault) {
    case FAULT_POWER_ALL:
        return power_all(world);
    case FAULT_HALVES:
    case FAULT_ONE_WAY:
    case FAULT_ISOLATE_LEADER:
    case FAULT_CLIENT_CUT:
    case FAULT_EDGE_CUT:
        return hurt_wire(world, fault);
    case FAULT_FORK:
        return fork_logs(world);
    case FAULT_STALE_LEADER:
        return make_stale(world);
    case FAULT_MEMBERS:
        return all_are_sound(world) && operator_change_members(world);
    case FAULT_EDGE_KILL:
    case FAULT_EDGE_POWER:
    case FAULT_EDGE_PAUSE:
    case FAULT_EDGE_DISK:
        return hurt_edge(world, fault);
    default: {
        bool leader =
            fault == FAULT_PAUSE_LEADER || fault == FAULT_TRANSFER || (fault == FAULT_KILL && chance(world, 30));
        struct controller_host *node = leader ? leader_of(world) : some_controller(world);
        return node != NULL && hurt_controller(world, node, fault);
    }
    }
}

static void inject(struct world *world)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < FAULTS_LEN; i++) {
        sum += world->fault_weights[i];
    }
    if (sum == 0) {
        return;
    }
    unsigned dice = (unsigned)draw(world, sum), fault = 0;
    while (dice >= world->fault_weights[fault]) {
        dice -= world->fault_weights[fault++];
    }
    tell(world, "nemesis: %s", weights[fault].name);
    if (hurt(world, fault)) {
        world->faults++;
    } else {
        tell(world, "nemesis: not now");
    }
}

/* ---- time passes ---------------------------------------------------------------------------------------------- */

/* Damage that was not found by now is harmless, or it is a bug. */
static void judge_damage(struct controller_host *node)
{
    struct world *world = node->world;
    struct pt_error error = {0};
    if (pt_raft_status(pt_controller_raft(node->controller)).quarantined) {
        return;
    }
    enum pt_code code = pt_store_scrub(pt_kind_store(pt_controller_machine(node->controller)), &error);
    if (code == PT_IO && node->disk_failing) {
        tell(world, "%s: the scrub met a disk fault of ours, and is repeated", node->name);
    } else if (code == PT_OK) {
        node->damaged = false;
        tell(world, "%s: sound again", node->name);
    } else {
        violate(world, "%s runs on damaged data and has not found out: %.150s", node->name, error.text);
    }
}

static void pass_controller(struct controller_host *node, uint64_t now)
{
    struct world *world = node->world;
    if (node->state == HOST_DOWN && node->restart_ns <= now) {
        controller_start(node);
    } else if (node->state == HOST_BROKEN) {
        (void)operator_replace(world, node); /* at a later tick when one is under way */
    } else if (node->state == HOST_STOPPING && node->stop_by_ns <= now) {
        violate(world, "%s: an orderly stop does not end", node->name);
    }
    if (node->slow_until_ns != 0 && node->slow_until_ns <= now) {
        node->slow_until_ns = 0;
        pt_sim_slow_disk(world->sim, node->host, 0);
    }
    if (node->faulty_until_ns != 0 && node->faulty_until_ns <= now) {
        pt_sim_fail_disk(world->sim, node->host, 0, PT_OK, false);
        if (node->faulty_until_ns + 5 * SECOND <= now) { /* what failed may still be on its way: behind slow syncs */
            node->faulty_until_ns = 0;
            node->disk_failing = false;
        }
    }
    if (node->damaged && controller_serves(node) && node->damaged_ns + DAMAGE_SETTLE_NS <= now) {
        judge_damage(node);
    }
}

static void pass_edge(struct edge_host *edge, uint64_t now)
{
    if (edge->state == HOST_DOWN && edge->restart_ns <= now) {
        edge_start(edge);
    }
    if (edge->faulty_until_ns != 0 && edge->faulty_until_ns <= now) {
        edge->faulty_until_ns = 0;
        pt_sim_fail_disk(edge->world->sim, edge->host, 0, PT_OK, false);
    }
}

static void pass_time(struct world *world)
{
    uint64_t now = now_ns(world);
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        pass_controller(&world->controllers[i], now);
    }
    for (unsigned i = 0; i < world->edges_len; i++) {
        pass_edge(&world->edges[i], now);
    }
}

void nemesis_tick(struct world *world)
{
    uint64_t now = now_ns(world);
    pass_time(world);
    go_on_forking(world);
    go_on_staling(world);
    black_out(world);
    if (world->heal_ns != 0 && world->heal_ns <= now) {
        mend(world);
    }
    if (now >= world->next_fault_ns) {
        inject(world);
        world->next_fault_ns = now + draw(world, world->fault_gap_ns * 2);
    }
}

void nemesis_heal(struct world *world)
{
    mend(world);
    world->blackout_ns = 0;
    world->fork_phase = 0;
    world->stale = NULL;
    uint64_t now = now_ns(world);
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        struct controller_host *node = &world->controllers[i];
        if (node->state == HOST_DOWN) {
            node->restart_ns = now;
        }
        node->slow_until_ns = node->slow_until_ns != 0 ? now : 0;
        node->faulty_until_ns = node->faulty_until_ns > now ? now : node->faulty_until_ns;
    }
    for (unsigned i = 0; i < world->edges_len; i++) {
        if (world->edges[i].state == HOST_DOWN) {
            world->edges[i].restart_ns = now;
        }
        world->edges[i].faulty_until_ns = world->edges[i].faulty_until_ns != 0 ? now : 0;
    }
    pass_time(world);
}

static void attend_fatal(struct controller_host *node)
{
    struct world *world = node->world;
    struct pt_error error = node->error;
    bool faulty = node->disk_failing, damaged = controller_is_damaged(node);
    tell(world, "%s: stopped itself: %s %s: %.120s", node->name, pt_code_name(error.code), error.field, error.text);
    controller_crash(node, false);
    bool disk = error.code == PT_IO || error.code == PT_NO_SPACE;
    if (disk && faulty) {
        return;
    }
    if (damaged) {
        node->state = HOST_BROKEN;
        return;
    }
    violate(world, "%s stopped itself though nothing was done to it: %s %s: %.150s", node->name,
            pt_code_name(error.code), error.field, error.text);
}

void nemesis_attend(struct world *world)
{
    world->attention = false;
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        struct controller_host *node = &world->controllers[i];
        if (node->fatal && (node->state == HOST_UP || node->state == HOST_STOPPING)) {
            attend_fatal(node);
        } else if (node->stopped) {
            tell(world, "%s: stopped in order", node->name);
            controller_crash(node, false);
        }
    }
}
