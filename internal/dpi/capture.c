/*
 * pcap: a header of 24 bytes, then packets, each with 16 bytes before it (seconds, fraction, size here, size then).
 * pcapng: blocks (type, length, body, length again); those that matter are the section header (byte order), interfaces
 * (link type, resolution of time), and packets. Others are stepped over by their length.
 */
#include "dpi/capture.h"

#include "base/word16.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAGIC_US 0xa1b2c3d4U
#define MAGIC_NS 0xa1b23c4dU
#define BLOCK_SECTION 0x0a0d0d0aU
#define BYTE_ORDER 0x1a2b3c4dU
#define BLOCK_INTERFACE 1
#define BLOCK_SIMPLE 3
#define BLOCK_PACKET 6
#define OPTION_RESOLUTION 9
#define FRAME_SIZE_MAX 262144

#define LINK_NULL 0
#define LINK_ETHERNET 1
#define LINK_RAW_BSD 12
#define LINK_RAW 101
#define LINK_LOOP 108
#define LINK_LINUX 113
#define LINK_IPV4 228
#define LINK_IPV6 229
#define LINK_LINUX2 276

static uint16_t get16(const struct pt_dpi_capture *capture, size_t at)
{
    const uint8_t *p = capture->data + at;
    return (uint16_t)(capture->big_endian ? pt_be16(p) : p[1] << 8 | p[0]);
}

static uint32_t get32(const struct pt_dpi_capture *capture, size_t at)
{
    uint32_t first = get16(capture, at), second = get16(capture, at + 2);
    return capture->big_endian ? first << 16 | second : second << 16 | first;
}

static enum pt_code damaged(const struct pt_dpi_capture *capture, struct pt_error *reterr, const char *what)
{
    char field[64];
    (void)snprintf(field, sizeof(field), "capture, packet %" PRIu64 ", byte %zu", capture->packets + 1, capture->at);
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, field, "%s", what);
}

static bool is_known(uint16_t link_type)
{
    return link_type == LINK_NULL || link_type == LINK_ETHERNET || link_type == LINK_RAW_BSD || link_type == LINK_RAW ||
           link_type == LINK_LOOP || link_type == LINK_LINUX || link_type == LINK_IPV4 || link_type == LINK_IPV6 ||
           link_type == LINK_LINUX2;
}

static enum pt_code add_interface(struct pt_dpi_capture *capture, uint32_t link_type, uint64_t units_per_s,
                                  struct pt_error *reterr)
{
    char text[160];
    if (!is_known((uint16_t)link_type)) {
        (void)snprintf(text, sizeof(text),
                       "link type %u is not read: capture on an Ethernet interface, a tunnel, or Linux's \"any\"",
                       link_type & 0xffff);
        return damaged(capture, reterr, text);
    }
    if (capture->interfaces_len == PT_DPI_INTERFACES_MAX) {
        return damaged(capture, reterr, "it has more than 64 interfaces");
    }
    capture->interfaces[capture->interfaces_len++] =
        (struct pt_dpi_interface){.link_type = (uint16_t)link_type, .units_per_s = units_per_s};
    return PT_OK;
}

enum pt_code pt_dpi_capture_open(const uint8_t *data, size_t size, struct pt_dpi_capture *ret_capture,
                                 struct pt_error *reterr)
{
    struct pt_dpi_capture capture = {.data = data, .size = size};
    if (size < 24) {
        return damaged(&capture, reterr, "it is too short for a capture: even an empty one has 24 bytes");
    }
    uint32_t magic = get32(&capture, 0);
    capture.ng = magic == BLOCK_SECTION;
    if (!capture.ng) {
        capture.big_endian = magic != MAGIC_US && magic != MAGIC_NS;
        magic = get32(&capture, 0);
        if (magic != MAGIC_US && magic != MAGIC_NS) {
            return damaged(&capture, reterr, "it is neither pcap nor pcapng; write it with tcpdump -w or Wireshark");
        }
        PT_TRY(add_interface(&capture, get32(&capture, 20), magic == MAGIC_NS ? 1000000000 : 1000000, reterr));
        capture.at = 24;
    }
    *ret_capture = capture;
    return PT_OK;
}

/* ---- frames --------------------------------------------------------------------------------------------------- */

static bool is_ip(uint16_t ethertype)
{
    return ethertype == 0x0800 || ethertype == 0x86dd;
}

/* Where the IP header stands in an Ethernet frame; 0: it has none. */
static size_t ethernet_header(const uint8_t *frame, size_t size)
{
    size_t at = 12;
    for (int i = 0; i < 3 && at + 2 <= size; i++) {
        uint16_t type = pt_be16(frame + at);
        if (is_ip(type)) {
            return at + 2;
        }
        if (type != 0x8100 && type != 0x88a8) { /* VLAN tags stand before the type */
            return 0;
        }
        at += 4;
    }
    return 0;
}

static void find_ip(uint16_t link_type, struct pt_dpi_record *record)
{
    const uint8_t *frame = record->frame;
    size_t size = record->frame_size, header = 0;
    bool found = true;
    if (link_type == LINK_ETHERNET) {
        header = ethernet_header(frame, size);
        found = header != 0;
    } else if (link_type == LINK_LINUX) {
        header = 16;
        found = size > header && is_ip(pt_be16(frame + 14));
    } else if (link_type == LINK_LINUX2) {
        header = 20;
        found = size > header && is_ip(pt_be16(frame));
    } else if (link_type == LINK_NULL || link_type == LINK_LOOP) {
        header = 4; /* an address family, whose numbers differ; the packet's own version says it */
    }
    if (found && size > header && (frame[header] >> 4 == 4 || frame[header] >> 4 == 6)) {
        record->ip = frame + header;
        record->ip_size = size - header;
    }
}

static enum pt_code take_frame(struct pt_dpi_capture *capture, size_t interface, size_t at, size_t size,
                               uint64_t time_units, struct pt_dpi_record *record, struct pt_error *reterr)
{
    if (interface >= capture->interfaces_len) {
        return damaged(capture, reterr, "it is of an interface that was not described");
    }
    const struct pt_dpi_interface *from = &capture->interfaces[interface];
    *record = (struct pt_dpi_record){.frame = capture->data + at, .frame_size = size};
    record->time_ms = time_units / from->units_per_s * 1000 + time_units % from->units_per_s * 1000 / from->units_per_s;
    find_ip(from->link_type, record);
    capture->packets++;
    return PT_OK;
}

/* ---- pcap ----------------------------------------------------------------------------------------------------- */

static enum pt_code next_classic(struct pt_dpi_capture *capture, struct pt_dpi_record *record, struct pt_error *reterr)
{
    if (capture->size - capture->at < 16) {
        return damaged(capture, reterr, "the file ends within the header of a packet: it was cut short");
    }
    uint64_t units = capture->interfaces[0].units_per_s;
    uint64_t time = get32(capture, capture->at) * units + get32(capture, capture->at + 4);
    uint32_t size = get32(capture, capture->at + 8);
    char text[120];
    if (size > FRAME_SIZE_MAX || size > capture->size - capture->at - 16) {
        (void)snprintf(text, sizeof(text), "the packet says %u bytes, and %zu are left: the file was cut short", size,
                       capture->size - capture->at - 16);
        return damaged(capture, reterr, text);
    }
    PT_TRY(take_frame(capture, 0, capture->at + 16, size, time, record, reterr));
    capture->at += 16 + size;
    /* Where it is depends on this packet's size, so no processor foresees it: have it come while this one is looked at.
     */
    __builtin_prefetch(capture->data + capture->at);
    __builtin_prefetch(capture->data + capture->at + 64);
    return PT_OK;
}

/* ---- pcapng --------------------------------------------------------------------------------------------------- */

/* Time stamps of an interface count 10^-6 s, or what its option says. */
static uint64_t resolution(const struct pt_dpi_capture *capture, size_t at, size_t end)
{
    while (at + 4 <= end) {
        uint16_t code = get16(capture, at), size = get16(capture, at + 2);
        if (code == OPTION_RESOLUTION && size == 1 && at + 5 <= end) {
            uint8_t value = capture->data[at + 4];
            uint64_t units = 1;
            for (int i = 0; i < (value & 0x7f) && units < 1000000000000U; i++) {
                units *= value & 0x80 ? 2 : 10;
            }
            return units;
        }
        at += 4 + ((size_t)size + 3) / 4 * 4;
    }
    return 1000000;
}

static enum pt_code take_packet(struct pt_dpi_capture *capture, size_t body, size_t end, bool simple,
                                struct pt_dpi_record *record, struct pt_error *reterr)
{
    size_t header = simple ? 4 : 20;
    if (body + header > end) {
        return damaged(capture, reterr, "its block is too short for a packet");
    }
    uint32_t size = get32(capture, body + (simple ? 0 : 12));
    if (simple && size > end - body - header) {
        size = (uint32_t)(end - body - header); /* the size then; here the block says */
    }
    if (size > FRAME_SIZE_MAX || size > end - body - header) {
        return damaged(capture, reterr, "it says more bytes than its block has");
    }
    uint64_t time = simple ? 0 : (uint64_t)get32(capture, body + 4) << 32 | get32(capture, body + 8);
    return take_frame(capture, simple ? 0 : get32(capture, body), body + header, size, time, record, reterr);
}

/* Bounds of the block at `at`. */
static enum pt_code next_block(struct pt_dpi_capture *capture, uint32_t *ret_type, size_t *ret_end,
                               struct pt_error *reterr)
{
    size_t left = capture->size - capture->at;
    if (left < 12) {
        return damaged(capture, reterr, "the file ends within a block: it was cut short");
    }
    *ret_type = get32(capture, capture->at);
    if (*ret_type == BLOCK_SECTION) { /* byte order may change with each section */
        capture->big_endian = false;
        capture->big_endian = get32(capture, capture->at + 8) != BYTE_ORDER;
        if (get32(capture, capture->at + 8) != BYTE_ORDER) {
            return damaged(capture, reterr, "its section header has no byte order");
        }
        capture->interfaces_len = 0;
    }
    uint32_t length = get32(capture, capture->at + 4);
    if (length < 12 || length % 4 != 0 || length > left) {
        return damaged(capture, reterr, "the block's length is beyond the end of the file: it was cut short");
    }
    *ret_end = capture->at + length - 4;
    return PT_OK;
}

static enum pt_code next_ng(struct pt_dpi_capture *capture, struct pt_dpi_record *record, bool *ret_more,
                            struct pt_error *reterr)
{
    *ret_more = false;
    while (capture->at < capture->size && !*ret_more) {
        uint32_t type = 0;
        size_t end = 0, body = capture->at + 8;
        PT_TRY(next_block(capture, &type, &end, reterr));
        if (type == BLOCK_INTERFACE) {
            if (body + 8 > end) {
                return damaged(capture, reterr, "its block is too short for an interface");
            }
            PT_TRY(add_interface(capture, get16(capture, body), resolution(capture, body + 8, end), reterr));
        } else if (type == BLOCK_PACKET || type == BLOCK_SIMPLE) {
            PT_TRY(take_packet(capture, body, end, type == BLOCK_SIMPLE, record, reterr));
            *ret_more = true;
        }
        capture->at = end + 4;
    }
    return PT_OK;
}

enum pt_code pt_dpi_capture_next(struct pt_dpi_capture *capture, struct pt_dpi_record *ret_record, bool *ret_more,
                                 struct pt_error *reterr)
{
    struct pt_dpi_record record = {0};
    bool more = capture->at < capture->size;
    if (more && capture->ng) {
        PT_TRY(next_ng(capture, &record, &more, reterr));
    } else if (more) {
        PT_TRY(next_classic(capture, &record, reterr));
    }
    *ret_more = more;
    if (more) {
        *ret_record = record;
    }
    return PT_OK;
}
