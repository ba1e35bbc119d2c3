/*
 * The one door to libndpi (4.2). Its protocol numbers change from version to version; names are what our catalogue
 * knows them by, so they are translated by a table that is made when the library is opened.
 */
#include "dpi/library.h"

#include "base/assert.h"
#include "dpi/catalog.h"

#include <ndpi_api.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOLS_MAX 1024

struct dpi_library {
    struct ndpi_detection_module_struct *module;
    uint32_t numbers[PROTOCOLS_MAX]; /* by the library's number; 0: none of ours */
};

struct dpi_state {
    struct ndpi_flow_struct *flow;
};

static uint32_t number_of(const char *library_name)
{
    uint32_t number = 0;
    const char *name = NULL, *known = NULL;
    for (size_t i = 0; pt_dpi_signature_at(i, &number, &name, &known); i++) {
        if (strcmp(known, library_name) == 0) {
            return number;
        }
    }
    return 0;
}

enum pt_code dpi_library_new(struct dpi_library **ret_library, struct pt_error *reterr)
{
    struct dpi_library *library = calloc(1, sizeof(*library));
    pt_assert(library != NULL);
    library->module = ndpi_init_detection_module(ndpi_no_prefs);
    if (library->module == NULL) {
        free(library);
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_NONE, "libndpi",
                       "cannot open the library; it needs about 30 MB of memory");
    }
    NDPI_PROTOCOL_BITMASK all;
    NDPI_BITMASK_SET_ALL(all);
    ndpi_set_protocol_detection_bitmask2(library->module, &all);
    ndpi_finalize_initialization(library->module);
    unsigned len = ndpi_get_num_supported_protocols(library->module);
    for (unsigned i = 1; i < len && i < PROTOCOLS_MAX; i++) {
        library->numbers[i] = number_of(ndpi_get_proto_name(library->module, (uint16_t)i));
    }
    *ret_library = library;
    return PT_OK;
}

void dpi_library_free(struct dpi_library *library)
{
    if (library != NULL) {
        ndpi_exit_detection_module(library->module);
        free(library);
    }
}

struct dpi_state *dpi_state_new(void)
{
    struct dpi_state *state = calloc(1, sizeof(*state));
    pt_assert(state != NULL);
    state->flow = ndpi_flow_malloc(SIZEOF_FLOW_STRUCT);
    pt_assert(state->flow != NULL);
    memset(state->flow, 0, SIZEOF_FLOW_STRUCT);
    return state;
}

void dpi_state_free(struct dpi_state *state)
{
    if (state != NULL) {
        ndpi_free_flow(state->flow);
        free(state);
    }
}

static enum pt_dpi_evidence evidence_of_name(const ndpi_protocol *protocol)
{
    const uint16_t ids[] = {protocol->app_protocol, protocol->master_protocol};
    for (size_t i = 0; i < 2; i++) {
        switch (ids[i]) {
        case NDPI_PROTOCOL_QUIC:
            return PT_DPI_EVIDENCE_QUIC_NAME;
        case NDPI_PROTOCOL_TLS:
        case NDPI_PROTOCOL_DTLS:
            return PT_DPI_EVIDENCE_TLS_NAME;
        case NDPI_PROTOCOL_DNS:
            return PT_DPI_EVIDENCE_DNS_NAME;
        case NDPI_PROTOCOL_HTTP:
            return PT_DPI_EVIDENCE_HTTP_HOST;
        default:
            break;
        }
    }
    return PT_DPI_EVIDENCE_PAYLOAD;
}

static void look_at(const struct dpi_library *library, const struct dpi_state *state, const ndpi_protocol *protocol,
                    struct dpi_look *ret_look)
{
    struct dpi_look look = {.host = state->flow->host_server_name};
    uint16_t app = protocol->app_protocol, master = protocol->master_protocol;
    look.signature = app < PROTOCOLS_MAX ? library->numbers[app] : 0;
    look.carrier = master < PROTOCOLS_MAX && master != app ? library->numbers[master] : 0;
    if (look.signature == 0) {
        look.signature = look.carrier;
        look.carrier = 0;
    }
    switch (look.signature != 0 ? state->flow->confidence : NDPI_CONFIDENCE_UNKNOWN) {
    case NDPI_CONFIDENCE_MATCH_BY_PORT:
        look.evidence = PT_DPI_EVIDENCE_PORT;
        look.confidence = 30;
        break;
    case NDPI_CONFIDENCE_MATCH_BY_IP:
        look.evidence = PT_DPI_EVIDENCE_ADDRESS;
        look.confidence = 50;
        break;
    case NDPI_CONFIDENCE_DPI_CACHE:
        look.evidence = PT_DPI_EVIDENCE_RELATED;
        look.confidence = 70;
        break;
    case NDPI_CONFIDENCE_UNKNOWN:
        look.evidence = look.signature != 0 ? PT_DPI_EVIDENCE_PORT : PT_DPI_EVIDENCE_NONE;
        look.confidence = look.signature != 0 ? 20 : 0;
        break;
    default:
        look.evidence = look.host[0] != '\0' ? evidence_of_name(protocol) : PT_DPI_EVIDENCE_PAYLOAD;
        look.confidence = 95;
        break;
    }
    *ret_look = look;
}

void dpi_library_packet(struct dpi_library *library, struct dpi_state *state, const struct pt_dpi_packet *packet,
                        uint64_t time_ms, struct dpi_look *ret_look)
{
    ndpi_protocol protocol =
        ndpi_detection_process_packet(library->module, state->flow, packet->data, packet->size, time_ms);
    look_at(library, state, &protocol, ret_look);
    ret_look->may_say_more = ndpi_extra_dissection_possible(library->module, state->flow) != 0;
}

void dpi_library_guess(struct dpi_library *library, struct dpi_state *state, uint8_t protocol,
                       struct dpi_look *ret_look)
{
    uint8_t guessed = 0;
    (void)protocol; /* the library keeps it */
    ndpi_protocol found = ndpi_detection_giveup(library->module, state->flow, 1, &guessed);
    look_at(library, state, &found, ret_look);
}

uint32_t dpi_library_host(struct dpi_library *library, const char *host)
{
    char name[PT_DPI_HOST_SIZE];
    ndpi_protocol_match_result result = {0};
    size_t len = strlen(host);
    if (len == 0 || len >= sizeof(name)) {
        return 0;
    }
    memcpy(name, host, len + 1);
    int id = ndpi_match_string_subprotocol(library->module, name, (unsigned)len, &result);
    return id > 0 && id < PROTOCOLS_MAX ? library->numbers[id] : 0;
}
