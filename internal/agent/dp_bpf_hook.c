/*
 * Attachments, and how they outlive the agent.
 *
 * tc filters belong to the interface: one at a fixed handle and priority in clsact, replaced in one step. XDP belongs
 * to a bpf_link, pinned by interface index: a later agent opens it and exchanges the program in it. Neither loses a
 * packet. The clsact qdisc stays when we detach; it may serve others.
 *
 * The swift hook on LANs is an accelerator: hook `lan` does all that it does. So it is attached only where it is sure
 * to be one: native XDP, and (unless told otherwise) hardware at both ends, because a virtual device that cannot send
 * XDP frames just now drops them, and one that can costs the host behind it its segmentation offload.
 *
 * XDP is attached natively when the driver can (flags 0 fail otherwise), else generically: the kernel then runs it on
 * finished socket buffers, correct but slower.
 */
#include "agent/dp_bpf_kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TC_HANDLE 1
#define TC_PRIORITY 1

static const char *interface_name(uint32_t ifindex, char name[IF_NAMESIZE])
{
    if (if_indextoname(ifindex, name) == NULL) {
        (void)snprintf(name, IF_NAMESIZE, "#%u", ifindex);
    }
    return name;
}

/* ---- tc ------------------------------------------------------------------------------------------------------- */

static enum pt_code attach_tc(int program, uint32_t ifindex, struct pt_error *reterr)
{
    char name[IF_NAMESIZE];
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY, .prog_fd = program,
                .flags = BPF_TC_F_REPLACE);
    int error = -bpf_tc_hook_create(&hook);
    if (error != 0 && error != EEXIST) {
        return pt_fail_errno(reterr, error, interface_name(ifindex, name),
                             "cannot add the clsact qdisc; the kernel needs CONFIG_NET_SCH_INGRESS");
    }
    error = -bpf_tc_attach(&hook, &options);
    if (error != 0) {
        return pt_fail_errno(reterr, error, interface_name(ifindex, name),
                             "cannot attach at tc ingress; the kernel needs CONFIG_NET_CLS_BPF");
    }
    return PT_OK;
}

static void detach_tc(uint32_t ifindex)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY);
    (void)bpf_tc_detach(&hook, &options); /* not there is fine */
}

enum pt_code pt_dp_attach_lan(const struct pt_dp_programs *programs, uint32_t ifindex, struct pt_error *reterr)
{
    return attach_tc(programs->lan, ifindex, reterr);
}

enum pt_code pt_dp_attach_tap(const struct pt_dp_programs *programs, uint32_t ifindex, struct pt_error *reterr)
{
    return attach_tc(programs->tap, ifindex, reterr);
}

void pt_dp_detach_lan(uint32_t ifindex)
{
    pt_dp_turn_off(ifindex);
    detach_tc(ifindex);
}

/* ---- XDP ------------------------------------------------------------------------------------------------------ */

static void link_path(const char *directory, const char *kind, uint32_t ifindex, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/%s_%u", directory, kind, ifindex);
}

/* True when the pinned link still holds its interface. */
static bool link_is_live(int fd, uint32_t ifindex)
{
    struct bpf_link_info info = {0};
    uint32_t size = sizeof(info);
    return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.xdp.ifindex == ifindex;
}

static bool xdp_is_native(uint32_t ifindex)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    return bpf_xdp_query((int)ifindex, 0, &query) == 0 && query.attach_mode == XDP_ATTACHED_DRV;
}

/* A new link, native if possible and not unwanted. A descriptor or a negative errno. */
static int link_create(int program, uint32_t ifindex, bool trains)
{
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = trains ? XDP_FLAGS_SKB_MODE : 0);
    int fd = bpf_link_create(program, (int)ifindex, BPF_XDP, &options);
    if (fd < 0 && errno != EBUSY && errno != ENODEV) {
        options.flags = XDP_FLAGS_SKB_MODE;
        fd = bpf_link_create(program, (int)ifindex, BPF_XDP, &options);
    }
    return fd < 0 ? -errno : fd;
}

static enum pt_code attach_xdp(int program, const char *directory, uint32_t ifindex, bool trains,
                               struct pt_error *reterr)
{
    char path[PATH_MAX], name[IF_NAMESIZE];
    link_path(directory, "link", ifindex, path);
    int fd = bpf_obj_get(path);
    if (fd >= 0) {
        bool same = !trains || !xdp_is_native(ifindex);
        bool kept = same && link_is_live(fd, ifindex) && bpf_link_update(fd, program, NULL) == 0;
        if (!same) {
            (void)bpf_link_detach(fd); /* both kinds at once are refused */
        }
        (void)close(fd);
        if (kept) {
            return PT_OK;
        }
        (void)unlink(path); /* of an interface that was deleted; its index is another's now */
    }
    fd = link_create(program, ifindex, trains);
    if (fd == -EBUSY || fd == -EEXIST) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, interface_name(ifindex, name),
                       "another XDP program is attached; remove it: ip link set dev %s xdp off",
                       interface_name(ifindex, name));
    }
    if (fd < 0) {
        return pt_fail_errno(reterr, -fd, interface_name(ifindex, name), "cannot attach XDP");
    }
    int result = bpf_obj_pin(fd, path);
    int error = errno;
    (void)close(fd); /* the pin holds it; without one it is detached by this */
    return result == 0 ? PT_OK : pt_fail_errno(reterr, error, path, "cannot pin the XDP link");
}

enum pt_code pt_dp_attach_wan(const struct pt_dp_programs *programs, const char *directory, uint32_t ifindex,
                              bool trains, bool *ret_native, struct pt_error *reterr)
{
    /* The companion first: XDP hands packets to it. */
    PT_TRY(attach_tc(programs->wan_tc, ifindex, reterr));
    PT_TRY(attach_xdp(programs->wan, directory, ifindex, trains, reterr));
    *ret_native = xdp_is_native(ifindex);
    return PT_OK;
}

static void detach_xdp(const char *directory, const char *kind, uint32_t ifindex)
{
    char path[PATH_MAX];
    link_path(directory, kind, ifindex, path);
    int fd = bpf_obj_get(path);
    if (fd >= 0) {
        (void)bpf_link_detach(fd); /* at once, even if another process has it open */
        (void)close(fd);
    }
    (void)unlink(path);
}

void pt_dp_detach_wan(const char *directory, uint32_t ifindex)
{
    detach_xdp(directory, "link", ifindex);
    detach_tc(ifindex);
}

/* ---- the swift hook ------------------------------------------------------------------------------------------- */

bool pt_dp_attach_swift(const struct pt_dp_programs *programs, const char *directory, uint32_t ifindex)
{
    char path[PATH_MAX];
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
    link_path(directory, "swift", ifindex, path);
    int fd = bpf_obj_get(path);
    if (fd >= 0) {
        bool kept = link_is_live(fd, ifindex) && bpf_link_update(fd, programs->swift, NULL) == 0;
        (void)close(fd);
        if (kept) {
            return true;
        }
        (void)unlink(path);
    }
    fd = bpf_link_create(programs->swift, (int)ifindex, BPF_XDP, &options);
    if (fd < 0) {
        return false;
    }
    bool pinned = bpf_obj_pin(fd, path) == 0;
    (void)close(fd); /* without a pin this detaches it */
    return pinned;
}

void pt_dp_detach_swift(const char *directory, uint32_t ifindex)
{
    detach_xdp(directory, "swift", ifindex);
}

/* Drivers of hardware say on which bus it is. */
bool pt_dp_is_hardware(uint32_t ifindex)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq request = {.ifr_data = (void *)&info};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool hardware = fd >= 0 && if_indextoname(ifindex, request.ifr_name) != NULL &&
                    ioctl(fd, SIOCETHTOOL, &request) == 0 && info.bus_info[0] != '\0';
    if (fd >= 0) {
        (void)close(fd);
    }
    return hardware;
}
