/*
 * Under what a flow's packets are sent on: a number in its entry (bpf/abi/nat.h), an address in words. What the number
 * means stands in the bundle of that time: the address of the exit's link, the prefix that another one is known under.
 */
#include "agent/recall_nat.h"

#include "bpf/abi/nat.h"

#include <netinet/in.h>
#include <string.h>

static const Patronus__V1__LinkEntry *link_of(const struct pt_bundle *bundle, uint32_t number)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    for (size_t i = 0; i < len && entries[i]->entry_case <= PATRONUS__V1__ENTRY__ENTRY_LINK; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_LINK && entries[i]->link->link == number) {
            return entries[i]->link;
        }
    }
    return NULL;
}

/* The nth of a segment, in the order of the bundle: so the programs number them. */
static const Patronus__V1__PrefixMapEntry *prefix_of(const struct pt_bundle *bundle, uint32_t vni, uint32_t n)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_PREFIX_MAP && entries[i]->prefix_map->vni == vni &&
            n-- == 0) {
            return entries[i]->prefix_map;
        }
    }
    return NULL;
}

static bool read_v4(const ProtobufCBinaryData *data, struct pt_ip *ret_ip)
{
    if (data->len != sizeof(ret_ip->bytes)) {
        return false;
    }
    memcpy(ret_ip->bytes, data->data, sizeof(ret_ip->bytes));
    return pt_ip_is_v4(ret_ip);
}

/* What came for a port of a link: the host behind it, by policy. */
static struct pt_translation forwarded(const struct pt_bundle *bundle, uint32_t nat)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    uint32_t protocol = (nat >> 16 & 3) == PT_NAT_TCP ? IPPROTO_TCP : IPPROTO_UDP;
    struct pt_translation translation = {.there = false};
    for (size_t i = 0; i < len; i++) {
        const Patronus__V1__ForwardEntry *forward =
            entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_FORWARD ? entries[i]->forward : NULL;
        if (forward != NULL && forward->link == PT_NAT_LINK(nat) && forward->protocol == protocol &&
            forward->port == PT_NAT_PORT(nat) && read_v4(&forward->address, &translation.destination)) {
            translation.there = true;
            translation.destination_port = (uint16_t)forward->target_port;
            translation.link = forward->link;
            return translation;
        }
    }
    return translation;
}

struct pt_translation pt_translation_of(const struct pt_bundle *bundle, const struct pt_dp_flow_key *flow, uint32_t nat)
{
    struct pt_translation translation = {.there = false};
    struct pt_ip to;
    if (nat == 0 || bundle == NULL) {
        return translation;
    }
    if (nat & PT_NAT_PREFIX) {
        const Patronus__V1__PrefixMapEntry *map = prefix_of(bundle, flow->vni, nat & (PT_NAT_PREFIXES_MAX - 1));
        if (map != NULL && map->prefix_len <= 32 && read_v4(&map->outside, &to) && pt_ip_is_v4(&flow->source)) {
            uint32_t mask = map->prefix_len == 0 ? 0 : UINT32_MAX << (32 - map->prefix_len);
            translation.there = true;
            translation.source = pt_ip_from_v4((pt_ip_to_v4(&to) & mask) | (pt_ip_to_v4(&flow->source) & ~mask));
        }
        return translation;
    }
    if (nat & PT_NAT_INBOUND) {
        return forwarded(bundle, nat);
    }
    if (nat & PT_NAT_SEGMENT) {
        return (struct pt_translation){.there = true, .vni = nat & PT_NAT_SEGMENT_VNI};
    }
    const Patronus__V1__LinkEntry *link = link_of(bundle, PT_NAT_LINK(nat));
    if (link != NULL && read_v4(&link->address, &to)) {
        translation =
            (struct pt_translation){.there = true, .source = to, .port = PT_NAT_PORT(nat), .link = PT_NAT_LINK(nat)};
    }
    return translation;
}
