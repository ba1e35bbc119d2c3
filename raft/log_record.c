/*
 * Format. A segment file has a head of one sector, then records, then zeros to its fixed size. All integers big-endian.
 *
 *   head     0 "PTRAFTSG"   8 u32 version   12 u32 CRC-32C of [16, 512)   16 u64 first index   24 chain before it (32)
 *   record   0 u32 CRC-32C of [4, 64)   4 u32 data size   8 u32 CRC-32C of data   12 type   13 'R'   14 u16 0
 *            16 u64 index   24 u64 term   32 chain before (32)   64 data   64+n 0x5A   zeros to a multiple of 8
 *
 * The chain behind a record is SHA-256 over its bytes [4, 64 + n), which hold the chain before it. So equal chains mean
 * equal histories, on one node over time and between nodes, and every record vouches for all that stand before it.
 *
 * Torn or damaged? A segment is filled with zeros and synced before its first use, is never used twice, and a cut tail
 * is zeroed before it is written again. A sector that a power cut kept from the disk therefore reads as zeros where the
 * record should be, while a flipped bit leaves the sector otherwise as it was. A record that does not check is TORN
 * when one of the sectors it spans holds nothing but zeros of it, and BAD otherwise. The trailer byte keeps the last
 * sector of a whole record from being all zeros. What remains undecidable: an entry with 512 aligned zero bytes that
 * also has a flipped bit elsewhere looks torn; the witness (raft_node.h) still catches it once it was applied.
 *
 * Metadata: two copies of the same 4 KiB, written one after the other with a sync behind each. Whatever one fault hits,
 * the other copy is right: if the first is torn the update was never acted on; if the second is, the first has it.
 *
 *   copy     0 "PTRAFTMD"   8 u32 version   12 u32 CRC-32C of [16, 4096)   16 u64 sequence   24 u64 term
 *            32 u64 vote   40 u64 limit applied   48 u64 limit acked   56 flags
 */
#include "raft/log_record.h"

#include <string.h>

#define RECORD_MAGIC 'R'
#define RECORD_TRAILER 0x5AU
#define FORMAT_VERSION 1U

static const char segment_magic[8] = {'P', 'T', 'R', 'A', 'F', 'T', 'S', 'G'};
static const char meta_magic[8] = {'P', 'T', 'R', 'A', 'F', 'T', 'M', 'D'};

size_t pt_raft_record_size(size_t data_size)
{
    return (PT_RAFT_RECORD_HEAD_SIZE + data_size + 1 + 7) & ~(size_t)7;
}

void pt_raft_record_encode(uint64_t index, uint64_t term, enum pt_raft_entry_type type, struct pt_bytes data,
                           struct pt_digest *chain, struct pt_buf *out)
{
    size_t size = pt_raft_record_size(data.size);
    uint8_t *p = pt_buf_reserve(out, size);
    memset(p, 0, PT_RAFT_RECORD_HEAD_SIZE);
    pt_put_be32(p + 4, (uint32_t)data.size);
    pt_put_be32(p + 8, pt_crc32c(0, data.data, data.size));
    p[12] = (uint8_t)type;
    p[13] = RECORD_MAGIC;
    pt_put_be64(p + 16, index);
    pt_put_be64(p + 24, term);
    memcpy(p + 32, chain->bytes, PT_DIGEST_SIZE);
    pt_put_be32(p, pt_crc32c(0, p + 4, PT_RAFT_RECORD_HEAD_SIZE - 4));
    if (data.size != 0) {
        memcpy(p + PT_RAFT_RECORD_HEAD_SIZE, data.data, data.size);
    }
    memset(p + PT_RAFT_RECORD_HEAD_SIZE + data.size, 0, size - PT_RAFT_RECORD_HEAD_SIZE - data.size);
    p[PT_RAFT_RECORD_HEAD_SIZE + data.size] = RECORD_TRAILER;
    *chain = pt_sha256(p + 4, PT_RAFT_RECORD_HEAD_SIZE - 4 + data.size);
    out->size += size;
}

bool pt_raft_all_zero(const uint8_t *data, size_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

/* Does some sector hold nothing of [offset, offset + size)? */
static bool sector_missing(struct pt_bytes segment, size_t offset, size_t size)
{
    size_t end = offset + size < segment.size ? offset + size : segment.size;
    while (offset < end) {
        size_t sector_end = (offset / PT_RAFT_SECTOR_SIZE + 1) * PT_RAFT_SECTOR_SIZE;
        size_t stop = sector_end < end ? sector_end : end;
        if (pt_raft_all_zero(segment.data + offset, stop - offset)) {
            return true;
        }
        offset = stop;
    }
    return false;
}

enum pt_raft_record_state pt_raft_record_parse(struct pt_bytes segment, size_t offset,
                                               struct pt_raft_record *ret_record, struct pt_digest *ret_chain)
{
    if (segment.size - offset < PT_RAFT_RECORD_HEAD_SIZE) {
        return pt_raft_all_zero(segment.data + offset, segment.size - offset) ? PT_RAFT_RECORD_END : PT_RAFT_RECORD_BAD;
    }
    const uint8_t *p = segment.data + offset;
    if (pt_raft_all_zero(p, PT_RAFT_RECORD_HEAD_SIZE)) {
        return PT_RAFT_RECORD_END;
    }
    if (pt_be32(p) != pt_crc32c(0, p + 4, PT_RAFT_RECORD_HEAD_SIZE - 4) || p[13] != RECORD_MAGIC ||
        p[12] < PT_RAFT_ENTRY_COMMAND || p[12] > PT_RAFT_ENTRY_CHANGE) {
        return sector_missing(segment, offset, PT_RAFT_RECORD_HEAD_SIZE) ? PT_RAFT_RECORD_TORN : PT_RAFT_RECORD_BAD;
    }
    size_t data_size = pt_be32(p + 4);
    size_t size = pt_raft_record_size(data_size);
    if (data_size > PT_RAFT_DATA_SIZE_MAX || size > segment.size - offset) {
        return PT_RAFT_RECORD_BAD; /* the head checks, so this was written so: not by us */
    }
    const uint8_t *data = p + PT_RAFT_RECORD_HEAD_SIZE;
    if (pt_be32(p + 8) != pt_crc32c(0, data, data_size) || data[data_size] != RECORD_TRAILER ||
        !pt_raft_all_zero(data + data_size + 1, size - PT_RAFT_RECORD_HEAD_SIZE - data_size - 1)) {
        return sector_missing(segment, offset, PT_RAFT_RECORD_HEAD_SIZE + data_size + 1) ? PT_RAFT_RECORD_TORN
                                                                                         : PT_RAFT_RECORD_BAD;
    }
    *ret_record = (struct pt_raft_record){.index = pt_be64(p + 16),
                                          .term = pt_be64(p + 24),
                                          .type = (enum pt_raft_entry_type)p[12],
                                          .data = {data, data_size},
                                          .size = size};
    memcpy(ret_record->previous.bytes, p + 32, PT_DIGEST_SIZE);
    *ret_chain = pt_sha256(p + 4, PT_RAFT_RECORD_HEAD_SIZE - 4 + data_size);
    return PT_RAFT_RECORD_GOOD;
}

void pt_raft_segment_encode(const struct pt_raft_segment_head *head, uint8_t out[PT_RAFT_SEGMENT_HEAD_SIZE])
{
    memset(out, 0, PT_RAFT_SEGMENT_HEAD_SIZE);
    memcpy(out, segment_magic, sizeof segment_magic);
    pt_put_be32(out + 8, FORMAT_VERSION);
    pt_put_be64(out + 16, head->first_index);
    memcpy(out + 24, head->previous.bytes, PT_DIGEST_SIZE);
    pt_put_be32(out + 12, pt_crc32c(0, out + 16, PT_RAFT_SEGMENT_HEAD_SIZE - 16));
}

enum pt_raft_record_state pt_raft_segment_parse(struct pt_bytes segment, struct pt_raft_segment_head *ret_head)
{
    if (segment.size < PT_RAFT_SEGMENT_HEAD_SIZE) {
        return segment.size == 0 ? PT_RAFT_RECORD_END : PT_RAFT_RECORD_BAD;
    }
    const uint8_t *p = segment.data;
    if (pt_raft_all_zero(p, PT_RAFT_SEGMENT_HEAD_SIZE)) {
        return PT_RAFT_RECORD_END;
    }
    if (memcmp(p, segment_magic, sizeof segment_magic) != 0 || pt_be32(p + 8) != FORMAT_VERSION ||
        pt_be32(p + 12) != pt_crc32c(0, p + 16, PT_RAFT_SEGMENT_HEAD_SIZE - 16)) {
        return PT_RAFT_RECORD_BAD;
    }
    ret_head->first_index = pt_be64(p + 16);
    memcpy(ret_head->previous.bytes, p + 24, PT_DIGEST_SIZE);
    return PT_RAFT_RECORD_GOOD;
}

void pt_raft_meta_encode(const struct pt_raft_meta *meta, uint8_t out[PT_RAFT_META_SIZE])
{
    memset(out, 0, PT_RAFT_META_SIZE);
    memcpy(out, meta_magic, sizeof meta_magic);
    pt_put_be32(out + 8, FORMAT_VERSION);
    pt_put_be64(out + 16, meta->sequence);
    pt_put_be64(out + 24, meta->term);
    pt_put_be64(out + 32, meta->voted_for);
    pt_put_be64(out + 40, meta->limit_applied);
    pt_put_be64(out + 48, meta->limit_acked);
    out[56] = (uint8_t)((meta->limited ? 1U : 0U) | (meta->quarantined ? 2U : 0U) | (meta->forgetful ? 4U : 0U));
    pt_put_be32(out + 12, pt_crc32c(0, out + 16, PT_RAFT_META_SIZE - 16));
}

bool pt_raft_meta_parse(const uint8_t data[PT_RAFT_META_SIZE], struct pt_raft_meta *ret_meta)
{
    if (memcmp(data, meta_magic, sizeof meta_magic) != 0 || pt_be32(data + 8) != FORMAT_VERSION ||
        pt_be32(data + 12) != pt_crc32c(0, data + 16, PT_RAFT_META_SIZE - 16)) {
        return false;
    }
    *ret_meta = (struct pt_raft_meta){.sequence = pt_be64(data + 16),
                                      .term = pt_be64(data + 24),
                                      .voted_for = pt_be64(data + 32),
                                      .limit_applied = pt_be64(data + 40),
                                      .limit_acked = pt_be64(data + 48),
                                      .limited = (data[56] & 1U) != 0,
                                      .quarantined = (data[56] & 2U) != 0,
                                      .forgetful = (data[56] & 4U) != 0};
    return true;
}
