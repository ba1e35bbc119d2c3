/*
 * libndpi, as the engine sees it (library.c is the one door). Private to the folder.
 */
#pragma once

#include "dpi/dpi.h"

struct dpi_library;
struct dpi_state; /* what the library remembers of a flow */

/* What it makes of a flow so far. */
struct dpi_look {
    uint32_t signature, carrier; /* 0: not known */
    enum pt_dpi_evidence evidence;
    uint8_t confidence;
    bool may_say_more; /* it would learn more from further packets */
    const char *host;  /* of the state; "" when it is not known */
};

/* PT_EXHAUSTED when it cannot be had. */
PT_MUST enum pt_code dpi_library_new(struct dpi_library **ret_library, struct pt_error *reterr);
void dpi_library_free(struct dpi_library *library);
struct dpi_state *dpi_state_new(void);
void dpi_state_free(struct dpi_state *state); /* NULL is fine */
void dpi_library_packet(struct dpi_library *library, struct dpi_state *state, const struct pt_dpi_packet *packet,
                        uint64_t time_ms, struct dpi_look *ret_look);
/* No more packets come: what is it most likely? */
void dpi_library_guess(struct dpi_library *library, struct dpi_state *state, uint8_t protocol,
                       struct dpi_look *ret_look);
/* The signature of hosts of that name; 0: none. */
uint32_t dpi_library_host(struct dpi_library *library, const char *host);
