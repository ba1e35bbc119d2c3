/*
 * Network namespaces and what the lab does to interfaces in them.
 *
 * A namespace is visible to the standard tools because it is bound to /run/netns/<name>, as `ip netns` does. Only the
 * calling thread changes namespace; the lab's programs have one thread. Everything here needs root.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PT_NETNS_DIRECTORY "/run/netns"
#define PT_NETNS_NAME_SIZE 128

/* Make the namespace, bring its loopback up and mark it as made by the lab `owner`. The caller's namespace is kept. */
PT_MUST enum pt_code pt_netns_add(const char *name, const char *owner, struct pt_error *reterr);
/* Unbind; the kernel frees it when the last process has left. Fine when it does not exist. */
void pt_netns_remove(const char *name);
bool pt_netns_exists(const char *name);
/* The inode that identifies it in /proc/<pid>/ns/net; 0 when it does not exist. */
ino_t pt_netns_inode(const char *name);
/* True when pt_netns_add made it for `owner`. */
bool pt_netns_is_owned(const char *name, const char *owner);
/* Call fn for each name in /run/netns that starts with prefix. */
void pt_netns_each(const char *prefix, void (*fn)(void *arg, const char *name), void *arg);
/* Enter for good: what `lab exec` and daemons do. */
PT_MUST enum pt_code pt_netns_enter(const char *name, struct pt_error *reterr);
/* Enter, and be able to leave: *ret_back is given to pt_netns_leave. */
PT_MUST enum pt_code pt_netns_visit(const char *name, int *ret_back, struct pt_error *reterr);
void pt_netns_leave(int back);

/* Write /proc/sys/net/<path> in the namespace of the caller. PT_OK when the path does not exist (IPv6 off). */
PT_MUST enum pt_code pt_nic_sysctl(const char *path, const char *value, struct pt_error *reterr);

enum pt_nic_offload {
    PT_NIC_TX = 1,  /* transmit checksums */
    PT_NIC_TSO = 2, /* TCP segmentation */
    PT_NIC_GSO = 4, /* generic segmentation */
    PT_NIC_GRO = 8  /* receive aggregation */
};
/* Switch the offloads named in the mask on or off, in the namespace of the caller. */
PT_MUST enum pt_code pt_nic_set_offloads(const char *interface, unsigned mask, bool on, struct pt_error *reterr);
/* Attach a program that passes every packet up. It makes a veth receive by NAPI, without which frames that its peer
 * gets by XDP_REDIRECT are dropped. In force until *ret_link is closed. */
PT_MUST enum pt_code pt_nic_attach_xdp_pass(unsigned ifindex, int *ret_link, struct pt_error *reterr);
