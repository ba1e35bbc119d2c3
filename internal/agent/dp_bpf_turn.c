/*
 * Hook `turn` (bpf/turn.bpf.c): attached to a LAN while diagnostics send through it. It is loaded then and at no other
 * time; one that an agent left behind when it died is replaced by the next, or goes with hook `lan`.
 */
#include "agent/dp_bpf_kernel.h"

#include "bpf/turn.skel.h"

#include <bpf/libbpf.h>
#include <errno.h>

#define HANDLE 1
#define PRIORITY 2 /* not that of hooks that belong to bundles */

enum pt_code pt_dp_turn_on(uint32_t ifindex, struct pt_error *reterr)
{
    struct pt_turn_bpf *object = pt_turn_bpf__open_and_load();
    if (object == NULL) {
        return pt_fail_errno(reterr, errno, "pt_turn", "cannot load the program");
    }
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = HANDLE, .priority = PRIORITY, .flags = BPF_TC_F_REPLACE,
                .prog_fd = bpf_program__fd(object->progs.pt_turn));
    int error = -bpf_tc_hook_create(&hook);
    if (error == 0 || error == EEXIST) {
        error = -bpf_tc_attach(&hook, &options);
    }
    pt_turn_bpf__destroy(object); /* the filter holds the program */
    return error == 0 ? PT_OK
                      : pt_fail_errno(reterr, error, "pt_turn",
                                      "cannot attach at tc egress; the kernel needs CONFIG_NET_CLS_BPF");
}

void pt_dp_turn_off(uint32_t ifindex)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = HANDLE, .priority = PRIORITY);
    (void)bpf_tc_detach(&hook, &options); /* not there is fine */
}
