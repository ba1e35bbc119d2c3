/* libs: pt_agent */
/*
 * Packets and frames from anybody, as diagnostics read them. Input: a byte of what a capture wants, then a frame.
 */
#include "agent/echo.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const struct pt_frame_match match = {.has_prefix = (data[0] & 1) != 0,
                                         .prefix = {.ip = pt_ip_from_v4(0x0a000000), .len = 8},
                                         .protocol = (data[0] & 2) != 0 ? 17 : 0,
                                         .port = (data[0] & 4) != 0 ? 53 : 0};
    struct pt_bytes frame = {data + 1, size - 1};
    struct pt_echo_answer answer;
    (void)pt_frame_matches(&match, frame);
    if (pt_echo_read(frame, &answer)) {
        pt_assert(answer.kind <= PT_ECHO_ERROR && answer.error != NULL);
        pt_assert((answer.kind == PT_ECHO_ERROR) == (answer.error[0] != '\0'));
    }
    return 0;
}
