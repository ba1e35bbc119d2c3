/* libs: pt_tunnel */
/*
 * Inner packets, as a host's virtual link or an opened seal brings them. The first byte chooses: a super-packet that is
 * cut (the size of a piece in the next two bytes), or two packets that may be joined (the size of the first in them).
 */
#include "base/assert.h"
#include "tunnel/packet.h"

#include <string.h>

static uint8_t buffer[2 * PT_PACKET_SIZE_MAX + PT_PACKET_HEADERS_MAX];

/* Pieces are within the packet, well formed, and carry its data: no byte more or less. */
static void cut(size_t size, uint16_t piece_size)
{
    struct pt_packet parsed, of_piece;
    struct pt_cut pieces;
    size_t data = 0, one;
    const uint8_t *piece;
    if (!pt_packet_parse(buffer, size, true, &parsed) || !pt_cut_start(&pieces, buffer, size, &parsed, piece_size)) {
        return;
    }
    while ((piece = pt_cut_next(&pieces, &one)) != NULL) {
        pt_assert(piece >= buffer && piece + one <= buffer + size);
        pt_assert(one > parsed.headers_size && one <= (size_t)parsed.headers_size + piece_size);
        pt_assert(pt_packet_parse(piece, one, false, &of_piece) && of_piece.headers_size == parsed.headers_size);
        data += one - parsed.headers_size;
    }
    pt_assert(data == size - parsed.headers_size);
}

/* What fits is joined, as the engine does it, and what comes out is one well-formed packet. */
static void join(size_t size, size_t first_size)
{
    struct pt_packet first, next, whole;
    struct pt_join joined;
    const uint8_t *second = buffer + first_size;
    size_t second_size = size - first_size;
    if (!pt_packet_parse(buffer, first_size, false, &first) || !pt_packet_parse(second, second_size, false, &next)) {
        return;
    }
    (void)pt_packet_mark_congestion(buffer, &first);
    pt_join_start(&joined, buffer, first_size, &first);
    pt_assert(joined.size == first_size && joined.count == 1);
    if (!pt_join_fits(&joined, buffer, second, second_size, &next)) {
        return;
    }
    static uint8_t made[sizeof(buffer)];
    memcpy(made, buffer, first_size);
    memcpy(made + first_size, second + next.headers_size, second_size - next.headers_size);
    pt_join_add(&joined, made, second, second_size);
    pt_assert(joined.count == 2 && joined.size == first_size + second_size - next.headers_size);
    pt_join_finish(&joined, made);
    pt_assert(pt_packet_parse(made, joined.size, false, &whole) && whole.headers_size == first.headers_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size - 3 > PT_PACKET_SIZE_MAX) {
        return 0;
    }
    uint16_t number = (uint16_t)(data[1] << 8 | data[2]);
    memcpy(buffer, data + 3, size - 3);
    if (data[0] % 2 == 0) {
        cut(size - 3, number);
    } else if (number <= size - 3) {
        join(size - 3, number);
    }
    return 0;
}
