/*
 * Findings: what is wrong, how bad it is, and what to do.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>

#define CTL_FINDINGS_MAX 200

enum ctl_severity { CTL_BROKEN, CTL_WARNING, CTL_NOTE };

struct ctl_finding {
    enum ctl_severity severity;
    char text[400];
    char remedy[300];
};

struct ctl_findings {
    struct ctl_finding items[CTL_FINDINGS_MAX];
    size_t len;
    size_t left_out; /* beyond the limit */
    size_t checks;   /* that were made */
};

PT_PRINTF(4, 5)
void ctl_found(struct ctl_findings *findings, enum ctl_severity severity, const char *remedy, const char *format, ...);

/* What this machine's kernel lacks for an edge. Needs root; forks, so it comes before anything starts a thread. */
void ctl_probe_kernel(struct ctl_findings *findings);
