/* libs: pt_measure */
/* Test packets from anybody: an answer is as long as the question and says who asked; the rest is not touched. And as
 * answers from anybody: one is taken only when it repeats what was asked, and never twice. */
#include "base/assert.h"
#include "measure/stamp.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pt_stamp_arrival arrival = {.came_ns = 1, .ttl = 3};
    uint8_t answer[PT_STAMP_SIZE_MAX];
    bool answered = pt_stamp_reflect(data, size, &arrival, answer);
    pt_assert(answered == (size >= PT_STAMP_SIZE && size <= PT_STAMP_SIZE_MAX));
    if (answered) {
        pt_assert(memcmp(answer + 24, data, 14) == 0 && memcmp(answer, data, 4) == 0);
        for (size_t i = PT_STAMP_SIZE; i < size; i++) { /* only flags may change, and only be set */
            pt_assert((answer[i] & data[i]) == data[i] && ((answer[i] ^ data[i]) & 0x3f) == 0);
        }
        pt_stamp_leave(answer, 2);
    }
    struct pt_stamp_session session;
    struct pt_measure_report report;
    uint8_t asked[PT_STAMP_SIZE], made[PT_STAMP_SIZE_MAX];
    pt_stamp_session_init(&session, 1);
    pt_stamp_ask(&session, 1000000000, asked);
    pt_assert(!pt_stamp_take(&session, data, size, 2000000000) || memcmp(data + 28, asked + 4, 8) == 0);
    if (size >= PT_STAMP_SIZE && size <= PT_STAMP_SIZE_MAX && session.received == 0) { /* the same, as an answer */
        memcpy(made, data, size);
        memcpy(made + 24, asked, 14);
        pt_assert(pt_stamp_take(&session, made, size, 2000000000) && !pt_stamp_take(&session, made, size, 2000000000));
        pt_measure_report(&session.measure, 0, &report);
    }
    return 0;
}
