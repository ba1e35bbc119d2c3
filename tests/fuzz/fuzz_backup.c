/* libs: pt_node pt_crypto */
/*
 * The head of a backup: any bytes parse or are refused with a place, and what parses is written again byte for byte.
 */
#include "base/assert.h"
#include "node/backup.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_backup_manifest manifest;
    struct pt_error error = {0};
    size_t head_size = 0;
    if (pt_backup_head_parse((struct pt_bytes){data, size}, &manifest, &head_size, &error) != PT_OK) {
        pt_assert(error.field[0] != '\0' && error.text[0] != '\0');
        return 0;
    }
    PT_AUTO(buf) struct pt_buf again = {0};
    pt_backup_head_write(&manifest, &again);
    pt_assert(again.size == head_size && memcmp(again.data, data, head_size) == 0);
    return 0;
}
