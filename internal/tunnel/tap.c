/*
 * The TAP device: several queues, a virtio header before each frame, every offload on, so that hosts' super-packets
 * come in whole and go out whole.
 *
 * IPv6 is switched off on it: the kernel would send router solicitations and multicast reports into the tunnel.
 */
#include "tunnel/engine_priv.h"

#include "bpf/abi/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TAP_MTU 65521
#define TAP_QUEUE_LEN 1000

static enum pt_code open_queue(const char *device, bool many, int *ret_fd, struct pt_error *reterr)
{
    struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (many ? IFF_MULTI_QUEUE : 0))};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, "/dev/net/tun",
                             "encrypted tunnels need it: load the tun module, or give the container the device");
    }
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
    unsigned offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
#ifdef TUN_F_USO4
    offload |= TUN_F_USO4 | TUN_F_USO6;
#else
    offload |= 0x20 | 0x40; /* headers older than the kernel may be */
#endif
    int failed = ioctl(fd, TUNSETIFF, &request) < 0 ? errno : 0;
    if (failed == 0 && ioctl(fd, TUNSETOFFLOAD, offload) < 0) {
        /* Before Linux 6.2 there is no UDP segmentation. */
        failed = ioctl(fd, TUNSETOFFLOAD, offload & ~(0x20U | 0x40U)) < 0 ? errno : 0;
    }
    if (failed != 0) {
        (void)close(fd);
        return pt_fail_errno(reterr, failed, device, "the tunnel device cannot be made");
    }
    *ret_fd = fd;
    return PT_OK;
}

static void disable_ipv6(const char *device)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", device);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) { /* no such file: no IPv6, which is as good */
        (void)!write(fd, "1", 1);
        (void)close(fd);
    }
}

static enum pt_code bring_up(const char *device, uint32_t *ret_index, struct pt_error *reterr)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, device, "no socket to set the device up with");
    }
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
    request.ifr_mtu = TAP_MTU;
    (void)ioctl(fd, SIOCSIFMTU, &request); /* smaller is fine: nothing is routed to it */
    request.ifr_qlen = TAP_QUEUE_LEN;
    (void)ioctl(fd, SIOCSIFTXQLEN, &request);
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, (const uint8_t[6]){PT_TAP_TO_0, PT_TAP_TO_1}, 6);
    (void)ioctl(fd, SIOCSIFHWADDR, &request); /* the programs redirect before the kernel looks at it */
    int failed = ioctl(fd, SIOCGIFFLAGS, &request) < 0 ? errno : 0;
    request.ifr_flags |= IFF_UP | IFF_NOARP;
    failed = failed == 0 && ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? errno : failed;
    failed = failed == 0 && ioctl(fd, SIOCGIFINDEX, &request) < 0 ? errno : failed;
    (void)close(fd);
    if (failed != 0) {
        return pt_fail_errno(reterr, failed, device, "the tunnel device cannot be set up");
    }
    *ret_index = (uint32_t)request.ifr_ifindex;
    return PT_OK;
}

enum pt_code pt_tap_open(const char *device, int *fds, unsigned fds_len, uint32_t *ret_index, struct pt_error *reterr)
{
    for (unsigned i = 0; i < fds_len; i++) {
        enum pt_code code = open_queue(device, fds_len > 1, &fds[i], reterr);
        if (code == PT_OK && i == 0) {
            disable_ipv6(device);
            code = bring_up(device, ret_index, reterr);
        }
        if (code != PT_OK) {
            for (unsigned j = 0; j <= i; j++) {
                if (fds[j] >= 0) {
                    (void)close(fds[j]);
                    fds[j] = -1;
                }
            }
            return code;
        }
    }
    return PT_OK;
}
