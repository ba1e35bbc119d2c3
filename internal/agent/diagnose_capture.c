/*
 * Capture: frames of one segment's wire, as the pieces of a pcap file.
 *
 * Pieces leave each FLUSH_MS with at most PIECE_SIZE bytes: the stream to the leader carries bundles and liveness too,
 * and a capture of a full wire must not stand in their way. What comes beyond that is counted as lost. Traffic itself
 * is copied by the kernel and never waits.
 */
#include "agent/diagnose.h"

#include "base/assert.h"

#include <string.h>

#define FLUSH_MS 100
#define PIECE_SIZE 65536U

static void flush(struct pt_diagnostic *diagnostic)
{
    struct pt_diagnostic_capture *capture = &diagnostic->capture;
    Patronus__V1__DiagnosticReport report = PATRONUS__V1__DIAGNOSTIC_REPORT__INIT;
    Patronus__V1__CaptureResponse piece = PATRONUS__V1__CAPTURE_RESPONSE__INIT;
    if (capture->pcap.size == 0 && capture->end_reason == NULL) {
        return;
    }
    piece.pcap = (ProtobufCBinaryData){.len = capture->pcap.size, .data = capture->pcap.data};
    piece.packets = capture->packets;
    piece.lost = capture->lost + diagnostic->agent->options.wires->lost(diagnostic->wire);
    piece.end_reason = (char *)(uintptr_t)(capture->end_reason != NULL ? capture->end_reason : "");
    report.response_case = PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_CAPTURE;
    report.capture = &piece;
    pt_diagnostic_tell(diagnostic, &report, capture->end_reason != NULL);
    pt_buf_reset(&capture->pcap);
}

static void on_frame(void *arg, const struct pt_wire_frame *frame)
{
    struct pt_diagnostic *diagnostic = arg;
    struct pt_diagnostic_capture *capture = &diagnostic->capture;
    struct pt_bytes kept = frame->bytes;
    if (diagnostic->over || capture->end_reason != NULL || !pt_frame_matches(&capture->match, kept)) {
        return;
    }
    kept.size = kept.size < capture->snap_size ? kept.size : capture->snap_size;
    size_t size = PT_PCAP_RECORD_SIZE + kept.size;
    if (capture->size + size > capture->size_max) {
        capture->end_reason = "size";
        return;
    }
    if (capture->pcap.size + size > PIECE_SIZE) {
        capture->lost++;
        return;
    }
    pt_pcap_add(&capture->pcap, frame->time_ns, kept, frame->wire_size);
    capture->size += size;
    if (++capture->packets == capture->packets_max) {
        capture->end_reason = "packets";
    }
}

static void on_timer(struct pt_diagnostic *diagnostic)
{
    struct pt_diagnostic_capture *capture = &diagnostic->capture;
    if (capture->end_reason == NULL && pt_sys_now_ns(diagnostic->agent->options.sys) >= capture->end_ns) {
        capture->end_reason = "duration";
    }
    flush(diagnostic);
}

static void end(struct pt_diagnostic *diagnostic)
{
    pt_buf_fini(&diagnostic->capture.pcap);
}

static enum pt_code begin(struct pt_diagnostic *diagnostic, const Patronus__V1__DiagnosticOrder *order,
                          struct pt_error *reterr)
{
    const Patronus__V1__CaptureRequest *request = order->capture;
    struct pt_diagnostic_capture *capture = &diagnostic->capture;
    *capture = (struct pt_diagnostic_capture){
        .packets_max = pt_diagnostic_bound(request->max_packets, 1000, 1, 100000),
        .size_max = pt_diagnostic_bound(request->max_size, 1 << 20, 1024, 16 << 20),
        .snap_size = pt_diagnostic_bound(request->snap_size, 128, 64, 9000),
        .match = {.protocol = (uint8_t)request->protocol, .port = (uint16_t)request->port}};
    uint64_t duration_ms = pt_diagnostic_bound(request->duration_ms, 30000, 100, 300000);
    capture->end_ns = pt_sys_now_ns(diagnostic->agent->options.sys) + duration_ms * 1000000;
    if (request->prefix[0] != '\0') {
        capture->match.has_prefix = true;
        PT_TRY(pt_prefix_parse(request->prefix, &capture->match.prefix, reterr));
    }
    /* Headers are read beyond what is kept: 128 bytes hold them all. */
    const struct pt_wire_options options = {
        .snap_size = capture->snap_size < 128 ? 128 : capture->snap_size, .on_frame = on_frame, .arg = diagnostic};
    PT_TRY(pt_diagnostic_open(diagnostic, order->vni, NULL, &options, NULL, reterr));
    pt_pcap_begin(&capture->pcap, capture->snap_size);
    capture->size = PT_PCAP_HEADER_SIZE;
    pt_timer_start(diagnostic->timer, 0, FLUSH_MS);
    return PT_OK;
}

const struct pt_diagnostic_type pt_diagnostic_capture = {.begin = begin, .on_timer = on_timer, .end = end};
