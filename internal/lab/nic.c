/*
 * Settings of interfaces that need no netlink: sysctls, offloads by the old ethtool ioctl, and XDP by bpf(2) itself.
 *
 * The XDP program is two instructions, so neither a compiler nor libbpf is needed: r0 = XDP_PASS; exit.
 */
#include "lab/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum pt_code pt_nic_sysctl(const char *path, const char *value, struct pt_error *reterr)
{
    char full[160];
    (void)snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
    int fd = open(full, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? PT_OK : pt_fail_errno(reterr, errno, full, "cannot open the setting");
    }
    ssize_t written = write(fd, value, strlen(value));
    int number = errno;
    (void)close(fd);
    return written > 0 ? PT_OK : pt_fail_errno(reterr, number, full, "cannot set it to %s", value);
}

enum pt_code pt_nic_set_offloads(const char *interface, unsigned mask, bool on, struct pt_error *reterr)
{
    static const struct {
        unsigned bit;
        uint32_t command;
        const char *name;
    } offloads[] = {{PT_NIC_TX, ETHTOOL_STXCSUM, "tx"},
                    {PT_NIC_TSO, ETHTOOL_STSO, "tso"},
                    {PT_NIC_GSO, ETHTOOL_SGSO, "gso"},
                    {PT_NIC_GRO, ETHTOOL_SGRO, "gro"}};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, interface, "cannot open a socket for its offloads");
    }
    enum pt_code code = PT_OK;
    for (size_t i = 0; code == PT_OK && i < sizeof(offloads) / sizeof(offloads[0]); i++) {
        struct ethtool_value value = {.cmd = offloads[i].command, .data = on};
        struct ifreq request = {.ifr_data = (char *)&value};
        (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
        if ((mask & offloads[i].bit) != 0 && ioctl(fd, SIOCETHTOOL, &request) != 0) {
            code = pt_fail_errno(reterr, errno, interface, "cannot switch %s %s", offloads[i].name, on ? "on" : "off");
        }
    }
    (void)close(fd);
    return code;
}

static int bpf(int command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

enum pt_code pt_nic_attach_xdp_pass(unsigned ifindex, int *ret_link, struct pt_error *reterr)
{
    static const struct bpf_insn program[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT},
    };
    union bpf_attr load;
    memset(&load, 0, sizeof(load)); /* the kernel refuses set bits in what it does not know */
    load.prog_type = BPF_PROG_TYPE_XDP;
    load.insns = (uint64_t)(uintptr_t)program;
    load.insn_cnt = sizeof(program) / sizeof(program[0]);
    load.license = (uint64_t)(uintptr_t) "GPL";
    memcpy(load.prog_name, "pt_lab_pass", sizeof("pt_lab_pass"));
    int fd = bpf(BPF_PROG_LOAD, &load);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, NULL, "cannot load the XDP program of the relay");
    }
    union bpf_attr attach;
    memset(&attach, 0, sizeof(attach));
    attach.link_create.prog_fd = (uint32_t)fd;
    attach.link_create.target_ifindex = ifindex;
    attach.link_create.attach_type = BPF_XDP;
    attach.link_create.flags = XDP_FLAGS_DRV_MODE;
    int link = bpf(BPF_LINK_CREATE, &attach);
    int number = errno;
    (void)close(fd); /* the link holds the program */
    if (link < 0) {
        return pt_fail_errno(reterr, number, NULL, "cannot attach the XDP program of the relay");
    }
    *ret_link = link;
    return PT_OK;
}
