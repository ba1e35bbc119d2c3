/* libs: pt_agent */
/*
 * The file in which decisions are kept, as anything may have left it: what is read is whole, and reading comes to an
 * end.
 */
#include "agent/recall_keep.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_bytes rest = {data, size};
    struct pt_kept kept;
    uint64_t sequence = 0;
    if (!pt_kept_open(&rest, &sequence)) {
        return 0;
    }
    for (size_t before = rest.size; pt_kept_next(&rest, &kept); before = rest.size) {
        pt_assert(rest.size < before && kept.flow != NULL && kept.record != NULL);
        pt_kept_fini(&kept);
    }
    return 0;
}
