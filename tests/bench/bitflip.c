/*
 * One bit after another of a stopped controller's files is flipped, and the files are opened as at a start.
 *
 *     bench_bitflip STATE RAFT FLIPS SEED     state.db, and the folder of the log and the snapshot beside it
 *
 * The files are copied to a simulated disk first, where a start costs no sync; what opens them is what a controller
 * opens them with: the store (every row, its sum, SQLite's structure), the log (places, checksums, chain, both copies
 * of the metadata), the judgement of the log by the store's witness, the snapshot's record and its file's SHA-256. Then
 * everything that they hold is read: the state's digest, the witness, the history, term and vote, and each entry. That
 * reading is one SHA-256, taken of the sound files before and after; with a bit flipped,
 *
 *   detected    the opening or the reading said that something is wrong
 *   harmless    nobody said so, and the reading is the same: the bit lies where nothing is kept, or one of two copies
 *               stood in for the other
 *   undetected  nobody said so, and the reading differs
 *
 * Files take turns, so that the small ones come up as often as the large; every other flip of a file falls between its
 * beginning and its last byte that is not zero, for segments of the log are mostly zeros set aside. Positions come from
 * the seed. Prints: FLIPS DETECTED HARMLESS UNDETECTED; the same by file on standard error.
 */
#include "raft/log.h"
#include "raft/snapshot_file.h"
#include "store/store.h"
#include "sys/sys_sim.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 64
#define FILE_SIZE_MAX (64U << 20)
#define STORE "/node/state.db"
#define RAFT "/node/raft"

enum verdict { DETECTED, HARMLESS, UNDETECTED, VERDICTS };

struct file {
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE]; /* on the simulated disk */
    struct pt_buf sound;
    uint64_t used; /* bytes up to the last that is not zero */
    unsigned count[VERDICTS];
};

struct bench {
    struct pt_sim *sim;
    struct pt_sys *sys;
    struct file files[FILES_MAX];
    size_t files_len;
    char group[256]; /* of the log's identity */
    uint64_t raft_id;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bitflip: %s: %s\n", what, why);
    exit(1);
}

/* ---- the copy -------------------------------------------------------------------------------------------------- */

static void put(const struct bench *bench, const struct file *file)
{
    struct pt_error error = {0};
    if (pt_path_write(bench->sys, file->path, file->sound.data, file->sound.size, &error) != PT_OK) {
        die(file->path, error.text);
    }
}

static void take_file(struct bench *bench, const char *from, const char *to)
{
    static uint8_t chunk[1 << 16];
    FILE *in = fopen(from, "rb");
    if (in == NULL || bench->files_len == FILES_MAX) {
        die(from, "cannot be read, or there are too many files");
    }
    struct file *file = &bench->files[bench->files_len++];
    (void)snprintf(file->path, sizeof(file->path), "%s", to);
    for (size_t size; (size = fread(chunk, 1, sizeof(chunk), in)) > 0 && file->sound.size < FILE_SIZE_MAX;) {
        pt_buf_append(&file->sound, chunk, size);
    }
    (void)fclose(in);
    file->used = file->sound.size;
    while (file->used > 0 && file->sound.data[file->used - 1] == 0) {
        file->used--;
    }
    put(bench, file);
    if (file->used == 0) { /* a lock, or space set aside: there is no bit that says anything */
        pt_buf_fini(&file->sound);
        bench->files_len--;
        *file = (struct file){0};
    }
}

static void take_folder(struct bench *bench, const char *state, const char *raft)
{
    char from[1024], to[PT_RAFT_SNAPSHOT_PATH_SIZE];
    take_file(bench, state, STORE);
    (void)snprintf(from, sizeof(from), "%s.acked", state);
    take_file(bench, from, STORE ".acked");
    DIR *folder = opendir(raft);
    if (folder == NULL) {
        die(raft, "is no folder");
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_type == DT_REG) {
            (void)snprintf(from, sizeof(from), "%.700s/%s", raft, entry->d_name);
            (void)snprintf(to, sizeof(to), RAFT "/%s", entry->d_name);
            take_file(bench, from, to);
        }
    }
    (void)closedir(folder);
}

static void whose(struct bench *bench)
{
    for (size_t i = 0; i < bench->files_len; i++) {
        const struct file *file = &bench->files[i];
        char text[512] = "";
        if (strcmp(file->path, RAFT "/identity") == 0) {
            (void)snprintf(text, sizeof(text), "%.*s", (int)file->sound.size, (const char *)file->sound.data);
            if (sscanf(text, "patronus raft log 1\ncluster %255s\nnode %" SCNu64, bench->group, &bench->raft_id) == 2) {
                return;
            }
        }
    }
    die(RAFT "/identity", "does not say whose log it is");
}

/* ---- a start --------------------------------------------------------------------------------------------------- */

static bool add_event(void *arg, uint64_t revision, uint32_t ordinal, const char *name, struct pt_bytes event)
{
    struct pt_buf *reading = arg;
    pt_buf_append(reading, &revision, sizeof(revision));
    pt_buf_append(reading, &ordinal, sizeof(ordinal));
    pt_buf_append(reading, name, strlen(name) + 1);
    pt_buf_append(reading, event.data, event.size);
    return true;
}

static enum pt_code read_store(struct pt_store *store, struct pt_buf *reading, struct pt_error *reterr)
{
    struct pt_digest digest = pt_store_digest(store);
    uint64_t floor = pt_store_history_floor(store);
    pt_buf_append(reading, digest.bytes, sizeof(digest.bytes));
    PT_TRY(pt_store_scrub(store, reterr));
    return pt_store_history_scan(store, floor >> 20, floor & ((1U << 20) - 1), add_event, reading, reterr);
}

static enum pt_code read_log(struct pt_raft_log *log, struct pt_buf *reading, struct pt_error *reterr)
{
    const struct pt_raft_meta *meta = pt_raft_log_meta(log);
    const uint64_t numbers[] = {meta->term, meta->voted_for, pt_raft_log_first(log), pt_raft_log_last(log)};
    pt_buf_append(reading, numbers, sizeof(numbers));
    for (uint64_t i = numbers[2]; i <= numbers[3]; i++) {
        const uint64_t head[] = {pt_raft_log_term(log, i), pt_raft_log_type(log, i)};
        pt_buf_append(reading, head, sizeof(head));
        PT_TRY(pt_raft_log_read_now(log, i, reading, reterr));
    }
    return PT_OK;
}

static enum pt_code read_snapshot(struct pt_sys *sys, struct pt_raft_snapshot *snapshot, struct pt_buf *reading,
                                  struct pt_error *reterr)
{
    PT_TRY(pt_raft_snapshot_load(sys, RAFT, snapshot, reterr));
    pt_raft_manifest_encode(snapshot, reading);
    if (snapshot->index == 0) {
        return PT_OK;
    }
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    uint64_t size;
    struct pt_digest digest;
    pt_raft_snapshot_path(RAFT, snapshot, path);
    PT_TRY(pt_raft_file_digest(sys, path, false, &size, &digest, reterr));
    return size == snapshot->size && pt_digest_equal(&digest, &snapshot->digest)
               ? PT_OK
               : pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, path, "the snapshot is not what its record says");
}

static enum pt_code read_raft(const struct bench *bench, const struct pt_witness *state, struct pt_buf *reading,
                              struct pt_error *reterr)
{
    const struct pt_raft_log_options options = {
        .sys = bench->sys, .directory = RAFT, .cluster_id = bench->group, .node_id = bench->raft_id};
    const struct pt_raft_witness witness = {.applied_index = state->applied_index,
                                            .applied_term = state->applied_term,
                                            .acked_index = state->acked_index,
                                            .log_hash = state->log_hash};
    struct pt_raft_log *log = NULL;
    struct pt_raft_snapshot snapshot = {0};
    PT_TRY(pt_raft_log_open(&options, &log, reterr));
    enum pt_code code = read_snapshot(bench->sys, &snapshot, reading, reterr);
    if (code == PT_OK) {
        const char *damage = pt_raft_log_damage(log, &witness, snapshot.index);
        code = damage[0] == '\0' ? read_log(log, reading, reterr)
                                 : pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, RAFT, "%.200s", damage);
    }
    pt_raft_snapshot_clear(&snapshot);
    pt_raft_log_close(log);
    return code;
}

/* False when something was found wrong; *reterr says what. */
static bool start(const struct bench *bench, struct pt_digest *ret_reading, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf reading = {0};
    struct pt_store *store = NULL;
    if (pt_store_open(bench->sys, STORE, &store, reterr) != PT_OK) {
        return false;
    }
    struct pt_witness witness = pt_store_witness(store);
    enum pt_code code = read_store(store, &reading, reterr);
    if (code == PT_OK) {
        pt_buf_append(&reading, &witness.applied_index, sizeof(witness.applied_index));
        pt_buf_append(&reading, &witness.applied_term, sizeof(witness.applied_term));
        pt_buf_append(&reading, &witness.acked_index, sizeof(witness.acked_index));
        code = read_raft(bench, &witness, &reading, reterr);
    }
    pt_store_close(store);
    if (code == PT_OK) {
        *ret_reading = pt_sha256(reading.data, reading.size);
    }
    return code == PT_OK;
}

/* ---- flips ----------------------------------------------------------------------------------------------------- */

/* Put back what a start may have changed: the store writes to all of its files, the log's are only read. */
static void mend(struct bench *bench, const struct file *flipped)
{
    struct pt_error error = {0};
    if (pt_path_remove(bench->sys, STORE "-wal", &error) != PT_OK) {
        die(STORE "-wal", error.text);
    }
    for (size_t i = 0; i < bench->files_len; i++) {
        const struct file *file = &bench->files[i];
        if (file == flipped || strncmp(file->path, STORE, strlen(STORE)) == 0) {
            put(bench, file);
        }
    }
}

static enum verdict flip(struct bench *bench, struct file *file, bool used, const struct pt_digest *sound)
{
    uint64_t bit = pt_sim_random(bench->sim, (used ? file->used : file->sound.size) * 8);
    struct pt_digest reading;
    struct pt_error error = {0};
    if (!pt_sim_flip_bit(bench->sim, 0, file->path, bit)) {
        die(file->path, "has no such bit");
    }
    enum verdict verdict = DETECTED;
    if (start(bench, &reading, &error)) {
        verdict = pt_digest_equal(&reading, sound) ? HARMLESS : UNDETECTED;
    }
    if (verdict == UNDETECTED) {
        fprintf(stderr, "undetected: %s, bit %" PRIu64 " of byte %" PRIu64 "\n", file->path, bit % 8, bit / 8);
    }
    mend(bench, file);
    return verdict;
}

int main(int argc, char **argv)
{
    if (argc != 5 || atoi(argv[3]) < 1) {
        fprintf(stderr, "usage: bench_bitflip STATE RAFT FLIPS SEED\n");
        return 2;
    }
    const struct pt_sim_options options = {.seed = strtoull(argv[4], NULL, 10)};
    struct bench bench = {.sim = pt_sim_new(&options)};
    unsigned flips = (unsigned)atoi(argv[3]), total[VERDICTS] = {0};
    struct pt_digest before, after;
    struct pt_error error = {0};
    bench.sys = pt_sim_host(bench.sim, pt_sim_add_host(bench.sim));
    if (pt_dir_make(bench.sys, "/node", &error) != PT_OK || pt_dir_make(bench.sys, RAFT, &error) != PT_OK) {
        die("/node", error.text);
    }
    take_folder(&bench, argv[1], argv[2]);
    whose(&bench);
    if (!start(&bench, &before, &error)) {
        die("the files are not sound to begin with", error.text);
    }
    mend(&bench, NULL);
    for (unsigned i = 0; i < flips; i++) {
        struct file *file = &bench.files[i % bench.files_len];
        enum verdict verdict = flip(&bench, file, i / bench.files_len % 2 == 0, &before);
        file->count[verdict]++;
        total[verdict]++;
    }
    if (!start(&bench, &after, &error) || !pt_digest_equal(&before, &after)) {
        die("a flip outlived its turn", error.text);
    }
    for (size_t i = 0; i < bench.files_len; i++) {
        struct file *file = &bench.files[i];
        fprintf(stderr, "%s: %zu bytes, %" PRIu64 " used: %u detected, %u harmless, %u undetected\n", file->path,
                file->sound.size, file->used, file->count[DETECTED], file->count[HARMLESS], file->count[UNDETECTED]);
        pt_buf_fini(&file->sound);
    }
    pt_sim_free(bench.sim);
    printf("%u %u %u %u\n", flips, total[DETECTED], total[HARMLESS], total[UNDETECTED]);
    return 0;
}
