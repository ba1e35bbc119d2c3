/* See bed.h. */
#include "bed.h"
#include "base/net.h"
#include "bundle_text.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* ---- the bed -------------------------------------------------------------------------------------------------- */

bool bed_possible(void)
{
    if (geteuid() != 0) {
        printf("skipped: needs root for network namespaces and BPF\n");
        return false;
    }
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pt_bed", 4, 4, 1, NULL);
    if (fd < 0) {
        printf("skipped: BPF is not allowed here: %s\n", strerror(errno));
        return false;
    }
    (void)close(fd);
    return true;
}

static void must(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "test bed: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
    }
}

/* Identifier of the program at tc ingress. */
static int tc_program(uint32_t ifindex)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = 1, .priority = 1);
    must(bpf_tc_query(&hook, &options) == 0, "no filter at tc ingress");
    int fd = bpf_prog_get_fd_by_id(options.prog_id);
    must(fd >= 0, "cannot open the filter's program");
    return fd;
}

static void find_programs(struct bed *bed)
{
    uint32_t id = 0;
    bed->lan_program = tc_program(bed->lan0);
    bed->wan_tc_program = tc_program(bed->wan0);
    must(bpf_xdp_query_id((int)bed->wan0, 0, &id) == 0, "no XDP program");
    bed->wan_program = bpf_prog_get_fd_by_id(id);
    must(bed->wan_program >= 0, "cannot open the XDP program");
    bed->swift_program = bpf_xdp_query_id((int)bed->lan0, 0, &id) == 0 && id != 0 ? bpf_prog_get_fd_by_id(id) : -1;
}

void bed_apply(struct bed *bed, const char *text)
{
    struct pt_bundle *bundle = bundle_from_text(text);
    struct pt_error error = {0};
    must(bundle != NULL, "bad bundle");
    if (bed->dp->ops->apply(bed->dp, bundle, &error) != PT_OK) {
        fprintf(stderr, "test bed: apply: %s: %s\n", error.field, error.text);
        exit(EXIT_FAILURE);
    }
    bed->dp->ops->settle(bed->dp);
    pt_bundle_unref(bundle);
}

static void bed_open_with(struct bed *bed, const char *bundle, enum pt_dp_swift swift)
{
    struct pt_error error = {0};
    memset(bed, 0, sizeof(*bed));
    must(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0, "unshare");
    must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
    must(system("for i in lan0 lan1 wan0 wan1; do ip link add $i type veth peer name peer-$i && "
                "ip link set $i up && ip link set peer-$i up || exit 1; done; ip link set lo up") == 0,
         "interfaces");
    bed->lan0 = if_nametoindex("lan0");
    bed->lan1 = if_nametoindex("lan1");
    bed->wan0 = if_nametoindex("wan0");
    bed->wan1 = if_nametoindex("wan1");
    (void)snprintf(bed->pins, sizeof(bed->pins), "/run/patronus-bed-%d", getpid());
    struct pt_dp_bpf_options options = {.pin_directory = bed->pins, .swift = swift};
    if (pt_dp_bpf_new(&options, &bed->dp, &error) != PT_OK) {
        fprintf(stderr, "test bed: %s: %s\n", error.field, error.text);
        exit(EXIT_FAILURE);
    }
    bed_apply(bed, bundle);
    find_programs(bed);
}

void bed_open(struct bed *bed, const char *bundle)
{
    bed_open_with(bed, bundle, PT_DP_SWIFT_OFF);
}

void bed_open_swift(struct bed *bed, const char *bundle)
{
    bed_open_with(bed, bundle, PT_DP_SWIFT_ON);
}

void bed_close(struct bed *bed)
{
    struct pt_dp_bpf_options options = {.pin_directory = bed->pins};
    struct pt_error error = {0};
    (void)close(bed->lan_program);
    (void)close(bed->wan_program);
    (void)close(bed->wan_tc_program);
    if (bed->swift_program >= 0) {
        (void)close(bed->swift_program);
    }
    bed->dp->ops->close(bed->dp);
    must(pt_dp_bpf_remove(&options, &error) == PT_OK, error.text);
}

static int pinned(const char *pins, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/v%d/%s", pins, PT_ABI_VERSION, name);
    return bpf_obj_get(path);
}

int bed_pinned(const char *pins, const char *name)
{
    int fd = pinned(pins, name);
    must(fd >= 0, name);
    return fd;
}

struct bpf_object *bed_load_beside(const char *pins, const char *program, const char *file)
{
    char path[4096];
    const char *slash = strrchr(program, '/');
    struct bpf_map *map;
    (void)snprintf(path, sizeof(path), "%.*s%s", slash == NULL ? 0 : (int)(slash - program + 1), program, file);
    struct bpf_object *object = bpf_object__open_file(path, NULL);
    must(object != NULL, path);
    bpf_object__for_each_map(map, object)
    {
        int fd = pinned(pins, bpf_map__name(map));
        if (fd >= 0) {
            must(bpf_map__reuse_fd(map, fd) == 0, bpf_map__name(map));
            (void)close(fd);
        }
    }
    must(bpf_object__load(object) == 0, "cannot load the programs");
    return object;
}

/* ---- counters ------------------------------------------------------------------------------------------------- */

struct counts {
    uint64_t drops[PT_DROP_LEN_MAX];
    uint64_t wanted;
    struct pt_dp_path_counters path;
};

static void take_path(void *arg, const struct pt_dp_path_counters *counters)
{
    struct counts *c = arg;
    if (counters->path_id == c->wanted) {
        c->path = *counters;
    }
}

static void take_drop(void *arg, const struct pt_dp_drop *drop)
{
    ((struct counts *)arg)->drops[drop->reason] = drop->packets;
}

static struct counts take_counts(struct bed *bed, uint64_t path_id)
{
    struct counts c = {.wanted = path_id};
    bed->dp->ops->counters(bed->dp, take_path, take_drop, &c);
    return c;
}

uint64_t bed_drops(struct bed *bed, enum pt_drop reason)
{
    return take_counts(bed, 0).drops[reason];
}

struct pt_dp_path_counters bed_path(struct bed *bed, uint64_t path_id)
{
    return take_counts(bed, path_id).path;
}

const char *drops_text(struct bed *bed)
{
    static char text[1024];
    struct counts c = take_counts(bed, 0);
    size_t size = 0;
#define DROP_TEXT(name, number, label, words, remedy)                                                           \
    if (c.drops[number] != 0) {                                                                                 \
        size += (size_t)snprintf(text + size, sizeof(text) - size, " %s=%u", label, (unsigned)c.drops[number]); \
    }
    text[0] = '\0';
    PT_DROPS(DROP_TEXT)
#undef DROP_TEXT
    return text;
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

void put(struct packet *p, const void *data, size_t size)
{
    must(p->size + size <= PACKET_MAX, "packet too large");
    if (size != 0) {
        memcpy(p->data + p->size, data, size);
    }
    p->size += (uint32_t)size;
}

void put_ethernet(struct packet *p, uint16_t ethertype)
{
    struct ethhdr eth = {.h_dest = {2, 0, 0, 0, 0, 1}, .h_source = {2, 0, 0, 0, 0, 2}, .h_proto = htons(ethertype)};
    p->size = 0;
    put(p, &eth, sizeof(eth));
}

uint32_t put_ipv4(struct packet *p, const char *source, const char *destination, uint8_t protocol, uint8_t tos)
{
    uint32_t offset = p->size;
    struct iphdr ip = {.version = 4, .ihl = 5, .tos = tos, .ttl = 64, .protocol = protocol, .frag_off = htons(0x4000)};
    must(inet_pton(AF_INET, source, &ip.saddr) == 1 && inet_pton(AF_INET, destination, &ip.daddr) == 1, "address");
    put(p, &ip, sizeof(ip));
    return offset;
}

uint32_t put_ipv6(struct packet *p, const char *source, const char *destination, uint8_t protocol, uint8_t tos)
{
    uint32_t offset = p->size;
    struct ip6_hdr ip = {.ip6_flow = htonl(0x60000000U | (uint32_t)tos << 20), .ip6_nxt = protocol, .ip6_hlim = 64};
    must(inet_pton(AF_INET6, source, &ip.ip6_src) == 1 && inet_pton(AF_INET6, destination, &ip.ip6_dst) == 1,
         "address");
    put(p, &ip, sizeof(ip));
    return offset;
}

uint32_t put_udp(struct packet *p, uint16_t source, uint16_t destination)
{
    uint32_t offset = p->size;
    struct udphdr udp = {.source = htons(source), .dest = htons(destination)};
    put(p, &udp, sizeof(udp));
    return offset;
}

uint32_t put_tcp(struct packet *p, uint16_t source, uint16_t destination, uint8_t flags, const void *options,
                 size_t options_size)
{
    uint32_t offset = p->size;
    struct tcphdr tcp = {.source = htons(source), .dest = htons(destination), .window = htons(1000)};
    tcp.th_flags = flags;
    tcp.doff = (uint16_t)((sizeof(tcp) + options_size) / 4) & 15;
    put(p, &tcp, sizeof(tcp));
    put(p, options, options_size);
    return offset;
}

void put_payload(struct packet *p, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(i * 7);
        put(p, &byte, 1);
    }
}

uint32_t put_geneve(struct packet *p, uint32_t vni, uint16_t protocol, uint8_t flags, const uint32_t *stack,
                    size_t stack_len)
{
    uint32_t offset = p->size;
    struct pt_geneve geneve = {.version_words = (uint8_t)(PT_STACK_SIZE(stack_len) / 4),
                               .flags = (uint8_t)(flags | (stack_len != 0 ? PT_GENEVE_CRITICAL : 0)),
                               .protocol = htons(protocol),
                               .vni_reserved = htonl(vni << 8)};
    put(p, &geneve, sizeof(geneve));
    if (stack_len != 0) {
        struct pt_geneve_option option = {htons(PT_OPTION_CLASS), PT_OPTION_PATH_STACK, (uint8_t)stack_len};
        put(p, &option, sizeof(option));
    }
    for (size_t i = 0; i < stack_len; i++) {
        uint32_t label = htonl(stack[i]);
        put(p, &label, sizeof(label));
    }
    return offset;
}

uint16_t sum16(const void *data, size_t size, uint32_t sum)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

/* Headers may stand at any address: bytes are written one by one. */
static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void finish_ipv4(struct packet *p, uint32_t offset)
{
    uint8_t *ip = p->data + offset;
    put16(ip + 2, p->size - offset);
    put16(ip + 10, 0);
    put16(ip + 10, (uint16_t)~sum16(ip, (ip[0] & 15) * 4U, 0));
}

void finish_ipv6(struct packet *p, uint32_t offset)
{
    put16(p->data + offset + 4, p->size - offset - 40);
}

void finish_udp_size(struct packet *p, uint32_t offset)
{
    put16(p->data + offset + 4, p->size - offset);
}

uint16_t l4_sum(const uint8_t *ip, size_t size)
{
    if (ip[0] >> 4 == 4) {
        size_t header = (ip[0] & 15) * 4U;
        uint32_t sum = sum16(ip + 12, 8, 0) + (uint32_t)ip[9] + (uint32_t)(size - header);
        return sum16(ip + header, size - header, sum);
    }
    return sum16(ip + 40, size - 40, sum16(ip + 8, 32, 0) + (uint32_t)ip[6] + (uint32_t)(size - 40));
}

void finish_l4(struct packet *p, uint32_t ip_offset, uint32_t l4_offset, uint32_t checksum_offset)
{
    uint16_t check = htons((uint16_t)~l4_sum(p->data + ip_offset, p->size - ip_offset));
    memcpy(p->data + l4_offset + checksum_offset, &check, 2);
}

/* ---- runs ----------------------------------------------------------------------------------------------------- */

static struct run run_tc(int program, const struct packet *p, struct run_options options)
{
    struct __sk_buff skb = {.ifindex = options.ifindex,
                            .ingress_ifindex = options.ifindex,
                            .gso_size = options.gso_size,
                            .gso_segs = options.gso_segs};
    struct run run = {0};
    LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = p->data, .data_size_in = p->size, .data_out = run.out.data,
                .data_size_out = PACKET_MAX, .ctx_in = &skb, .ctx_size_in = sizeof(skb),
                .repeat = (int)(options.repeat == 0 ? 1 : options.repeat));
    must(bpf_prog_test_run_opts(program, &test) == 0, "BPF_PROG_RUN at tc");
    run.verdict = (int)test.retval;
    run.dropped = run.verdict == TC_ACT_SHOT;
    run.out.size = test.data_size_out;
    run.nanoseconds = test.duration;
    return run;
}

struct run run_lan_with(struct bed *bed, const struct packet *p, struct run_options options)
{
    return run_tc(bed->lan_program, p, options);
}

struct run run_wan_tc_with(struct bed *bed, const struct packet *p, struct run_options options)
{
    return run_tc(bed->wan_tc_program, p, options);
}

struct run run_wan_tc(struct bed *bed, const struct packet *p)
{
    return run_wan_tc_with(bed, p, (struct run_options){.ifindex = bed->wan0});
}

struct run run_wan1_tc(struct bed *bed, const struct packet *p)
{
    return run_tc(bed->wan_tc_program, p, (struct run_options){.ifindex = bed->wan1});
}

struct run run_tap(uint32_t ifindex, const struct packet *p)
{
    int program = tc_program(ifindex);
    struct run run = run_tc(program, p, (struct run_options){.ifindex = ifindex});
    (void)close(program);
    return run;
}

struct run run_lan(struct bed *bed, const struct packet *p)
{
    return run_lan_with(bed, p, (struct run_options){.ifindex = bed->lan0});
}

static struct run run_xdp(int program, const struct packet *p, struct run_options options)
{
    struct xdp_md in = {.data_end = p->size, .ingress_ifindex = options.ifindex}, out = {0};
    uint8_t data[PACKET_MAX + sizeof(struct pt_abi_meta)];
    struct run run = {0};
    LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = p->data, .data_size_in = p->size, .data_out = data,
                .data_size_out = sizeof(data), .ctx_in = &in, .ctx_size_in = sizeof(in), .ctx_out = &out,
                .ctx_size_out = sizeof(out), .repeat = (int)(options.repeat == 0 ? 1 : options.repeat));
    must(bpf_prog_test_run_opts(program, &test) == 0, "BPF_PROG_RUN at XDP");
    run.verdict = (int)test.retval;
    run.dropped = run.verdict == XDP_DROP;
    run.nanoseconds = test.duration;
    run.handed_over = out.data == sizeof(run.meta);
    if (run.handed_over) {
        memcpy(&run.meta, data, sizeof(run.meta));
    }
    run.out.size = test.data_size_out - out.data;
    memcpy(run.out.data, data + out.data, run.out.size);
    return run;
}

struct run run_wan_with(struct bed *bed, const struct packet *p, struct run_options options)
{
    return run_xdp(bed->wan_program, p, options);
}

struct run run_swift(struct bed *bed, const struct packet *p, struct run_options options)
{
    return run_xdp(bed->swift_program, p, options);
}

struct run run_wan(struct bed *bed, const struct packet *p)
{
    return run_wan_with(bed, p, (struct run_options){.ifindex = bed->wan0});
}
