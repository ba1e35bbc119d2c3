/*
 * Does this kernel have what the data plane needs? Each probe tries the thing itself, in its smallest form: a program
 * of two instructions is loaded and dropped; a clsact queue is made on the loopback of a network namespace of its own,
 * which vanishes with the child process that made it. Nothing of the machine's own network is touched.
 */
#include "doctor.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0, or errno. */
static int load_program(enum bpf_prog_type type)
{
    const struct bpf_insn instructions[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT},
    };
    static const char license[] = "GPL";
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof(attributes));
    attributes.prog_type = type;
    attributes.insn_cnt = sizeof(instructions) / sizeof(instructions[0]);
    attributes.insns = (uint64_t)(uintptr_t)instructions;
    attributes.license = (uint64_t)(uintptr_t)license;
    long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes));
    if (fd < 0) {
        return errno;
    }
    (void)close((int)fd);
    return 0;
}

/* Ask for a clsact queue on the loopback; 0, or errno. */
static int add_clsact(void)
{
    struct {
        struct nlmsghdr header;
        struct tcmsg tc;
        struct rtattr kind;
        char name[8];
    } request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = RTM_NEWQDISC,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
        .tc = {.tcm_ifindex = 1, .tcm_parent = TC_H_CLSACT, .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0)},
        .kind = {.rta_len = RTA_LENGTH(7), .rta_type = TCA_KIND},
        .name = "clsact",
    };
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[256];
    } answer = {0};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return errno;
    }
    int result = EIO;
    if (send(fd, &request, sizeof(request), 0) == (ssize_t)sizeof(request) &&
        recv(fd, &answer, sizeof(answer), 0) >= (ssize_t)(sizeof(answer.header) + sizeof(answer.error.error))) {
        result = -answer.error.error;
    }
    (void)close(fd);
    return result;
}

static int in_own_namespace(int (*probe)(void))
{
    pid_t child = fork();
    if (child < 0) {
        return errno;
    }
    if (child == 0) {
        _exit(unshare(CLONE_NEWNET) != 0 ? errno : probe());
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        return EIO;
    }
    return WEXITSTATUS(status);
}

static const char *bpf_remedy(int number)
{
    switch (number) {
    case EPERM:
    case EACCES:
        return "an edge needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (in a container: give them), and no kernel "
               "lockdown";
    case ENOSYS:
        return "use a kernel with CONFIG_BPF_SYSCALL=y";
    default:
        return "use a kernel of version 5.15 or later with CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_ACT and "
               "CONFIG_XDP_SOCKETS";
    }
}

void ctl_probe_kernel(struct ctl_findings *findings)
{
    static const struct {
        enum bpf_prog_type type;
        const char *name;
    } types[] = {{BPF_PROG_TYPE_XDP, "XDP"}, {BPF_PROG_TYPE_SCHED_CLS, "traffic control"}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        findings->checks++;
        int number = load_program(types[i].type);
        if (number != 0) {
            ctl_found(findings, CTL_WARNING, bpf_remedy(number),
                      "this machine cannot be an edge: the kernel refuses an eBPF program of type %s: %s",
                      types[i].name, strerrordesc_np(number));
        }
    }
    findings->checks++;
    int number = in_own_namespace(add_clsact);
    if (number == EPERM) {
        ctl_found(findings, CTL_NOTE, "run as root outside of a restricted container",
                  "network namespaces cannot be made here, so clsact was not probed");
    } else if (number != 0) {
        ctl_found(findings, CTL_WARNING, "load the module sch_ingress, or use a kernel with CONFIG_NET_SCH_INGRESS",
                  "this machine cannot be an edge: there is no clsact queue: %s", strerrordesc_np(number));
    }
    findings->checks++;
    if (access("/sys/fs/bpf", F_OK) != 0) {
        ctl_found(findings, CTL_WARNING, "mount it: mount -t bpf bpf /sys/fs/bpf",
                  "there is no /sys/fs/bpf: programs and maps could not outlive a restart of the agent");
    }
}
