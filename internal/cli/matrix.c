/*
 * Rates are measured without an upper bound, Demand resources have one: what is above it is written as the bound.
 */
#include "cli/matrix.h"

#include "base/map.h"
#include "cli/path.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RATE_BPS_MAX UINT64_C(400000000000) /* of a Demand */

static const struct {
    const char *word, *field;
} rates[] = {{"now", "rate_bps"}, {"p50", "p50_bps"},       {"p95", "p95_bps"},
             {"max", "max_bps"},  {"next", "forecast_bps"}, {"usual", "usual_bps"}};
#define RATES_LEN (sizeof(rates) / sizeof(rates[0]))

const char *pt_cli_matrix_field(const char *word)
{
    for (size_t i = 0; i < RATES_LEN; i++) {
        if (strcmp(rates[i].word, word) == 0) {
            return rates[i].field;
        }
    }
    return NULL;
}

void pt_cli_matrix_table(const struct pt_cli_scope *scope, const struct pt_msg *reply, struct pt_arena *arena,
                         struct pt_buf *out)
{
    const struct pt_msg_field *cells = pt_msg_field(reply, "cells");
    pt_buf_printf(out, "%-16s %-16s %-12s %12s %12s %12s %12s %12s %12s %14s\n", "FROM", "TO", "CLASS", "NOW", "P50",
                  "P95", "MAX", "NEXT", "USUAL", "BYTES");
    for (size_t i = 0; cells != NULL && i < cells->len; i++) {
        const struct pt_msg *cell = cells->values[i].message;
        pt_buf_printf(out, "%-16s %-16s %-12s", pt_cli_short_name(scope, pt_msg_str(cell, "source_site")),
                      pt_cli_short_name(scope, pt_msg_str(cell, "destination_site")),
                      pt_cli_value_name(cell, "traffic_class"));
        for (size_t j = 0; j < RATES_LEN; j++) {
            uint64_t bps = pt_msg_u64(cell, rates[j].field);
            bool unknown = bps == 0 && strcmp(rates[j].word, "usual") == 0;
            pt_buf_printf(out, " %12s", unknown ? "-" : pt_cli_rate(bps, arena));
        }
        pt_buf_printf(out, " %14" PRIu64 "\n", pt_msg_u64(cell, "bytes"));
    }
}

/* From one site to another is not the way back. */
static uint64_t id_of(const struct pt_msg *cell)
{
    const char *source = pt_msg_str(cell, "source_site");
    const char *destination = pt_msg_str(cell, "destination_site");
    uint64_t id = pt_hash_mix(pt_hash(source, strlen(source)));
    id = pt_hash_mix(id ^ pt_hash(destination, strlen(destination)));
    return pt_hash_mix(id ^ (uint64_t)pt_msg_i64(cell, "traffic_class"));
}

void pt_cli_matrix_demands(const struct pt_msg *reply, const char *parent, const char *field, struct pt_buf *out)
{
    const struct pt_msg_field *cells = pt_msg_field(reply, "cells");
    size_t written = 0;
    pt_buf_append_str(out, "[");
    for (size_t i = 0; cells != NULL && i < cells->len; i++) {
        const struct pt_msg *cell = cells->values[i].message;
        uint64_t bps = pt_msg_u64(cell, field);
        if (bps == 0) {
            continue;
        }
        pt_buf_printf(
            out,
            "%s\n {\"kind\":\"Demand\",\"name\":\"%s/demands/measured-%016" PRIx64
            "\",\"sourceSite\":\"%s\",\"destinationSite\":\"%s\",\"trafficClass\":\"%s\",\"rateBps\":\"%" PRIu64 "\"}",
            written++ == 0 ? "" : ",", parent, id_of(cell), pt_msg_str(cell, "source_site"),
            pt_msg_str(cell, "destination_site"), pt_cli_value_name(cell, "traffic_class"),
            bps < RATE_BPS_MAX ? bps : RATE_BPS_MAX);
    }
    pt_buf_append_str(out, "\n]\n");
}
