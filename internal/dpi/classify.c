#include "dpi/classify.h"

enum pt_code pt_dpi_classify(struct pt_dpi *dpi, uint32_t scope, const uint8_t *data, size_t size,
                             struct pt_dpi_summary *ret_summary, struct pt_error *reterr)
{
    struct pt_dpi_capture capture;
    struct pt_dpi_summary summary = {0};
    struct pt_dpi_record record;
    bool more = true, changed = false;
    PT_TRY(pt_dpi_capture_open(data, size, &capture, reterr));
    enum pt_code code = PT_OK;
    while (code == PT_OK && more) {
        code = pt_dpi_capture_next(&capture, &record, &more, reterr);
        struct pt_dpi_packet packet;
        if (code != PT_OK || !more) {
            break;
        }
        summary.packets++;
        if (record.ip == NULL || !pt_dpi_packet_parse(record.ip, record.ip_size, &packet) ||
            pt_dpi_packet(dpi, scope, &packet, record.time_ms, &changed) == NULL) {
            summary.skipped++;
        }
    }
    for (size_t i = 0; code == PT_OK; i++) {
        struct pt_dpi_flow *flow = pt_dpi_flow_at(dpi, i);
        if (flow == NULL) {
            break;
        }
        pt_dpi_finish(dpi, flow);
    }
    *ret_summary = summary;
    return code;
}
