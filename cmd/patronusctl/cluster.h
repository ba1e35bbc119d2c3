/*
 * How every controller sees the cluster: for cluster status and for doctor.
 */
#pragma once

#include "ctl.h"

#define CTL_VIEWS_MAX 64

struct ctl_view {
    const char *address;         /* API address */
    const char *name;            /* Controller resource, "" when only its address is known */
    const struct pt_msg *status; /* GetClusterStatusResponse; NULL when it did not answer */
    struct pt_error error;       /* then why */
};

struct ctl_views {
    struct ctl_view items[CTL_VIEWS_MAX];
    size_t len;
    struct pt_error list_error; /* code PT_OK when the list of controllers could be read */
};

/* The servers of the command line, and every controller that the cluster knows. Needs ctl_connect. */
void ctl_views_read(struct ctl *ctl, struct ctl_views *views);
/* The one that says it leads, of the highest term; NULL when there is none. */
const struct ctl_view *ctl_views_leader(const struct ctl_views *views);
