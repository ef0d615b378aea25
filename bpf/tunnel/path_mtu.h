/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The MTU of the path between a tunnel's ends, where a router on it has less room than the sender's own link. The router
 * answers with an ICMP error that quotes the tunnel packet: ingress keeps its MTU, egress obeys it.
 */
#ifndef SLUICE_PATH_MTU_H
#define SLUICE_PATH_MTU_H

#include "lib/icmp_error.h"
#include "lib/map.h"
#include "lib/packet.h"
#include "tunnel/tables.h"

#define PATH_MTU_ENTRIES 4096
/* Nanoseconds that it holds, as the kernel's own (net.ipv4.route.mtu_expires). */
#define PATH_MTU_LIFETIME (600 * 1000000000ULL)
/* Every path takes as much (RFC 1122 and RFC 8200): no error may ask for less. */
#define PATH_MTU_MIN4 576
#define PATH_MTU_MIN6 1280

/* Both ends of the outer header. Local port 0: a tunnel with a source port for each flow. */
struct path_ends {
	struct address local;
	struct address remote;
	__be16 local_port;
	__be16 remote_port;
};

struct path_mtu {
	__u32 mtu;
	__u32 pad;
	__u64 expires; /* ns since boot, CLOCK_BOOTTIME; 0: no router has reported anything */
};

/* LRU: ICMP errors add rows. Where one is lost, the next error adds it again; rows in use stay longest. */
MAP(map_path_mtu, LRU_HASH, struct path_ends, struct path_mtu, PATH_MTU_ENTRIES, PINNED);

/* The MTU that an ICMP error reports, or 0 where it reports none. */
static __always_inline __u32 reported_mtu(struct __sk_buff *skb, const struct packet *packet)
{
	struct icmp_error *icmp = bytes_at(skb, packet->l4, sizeof(*icmp));
	__u32 mtu;

	if (!icmp)
		return 0;
	mtu = bpf_ntohs(icmp->mtu);
	if (packet->version == 4) {
		if (icmp->type != ICMP_DEST_UNREACH || icmp->code != ICMP_FRAG_NEEDED)
			return 0;
		return mtu < PATH_MTU_MIN4 ? PATH_MTU_MIN4 : mtu;
	}
	if (icmp->type != ICMPV6_PKT_TOOBIG || icmp->unused)
		return 0;
	return mtu < PATH_MTU_MIN6 ? PATH_MTU_MIN6 : mtu;
}

/* Writes the MTU of a path, unless a lower one is valid: an error may not raise it (RFC 8201, section 4). `flags` are those of
 * bpf_map_update_elem. Returns whether there is a row.
 */
static __always_inline int lower_path_mtu(const struct path_ends *ends, __u32 mtu, __u64 flags)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct path_mtu *known = bpf_map_lookup_elem(&map_path_mtu, ends);
	struct path_mtu row = {.mtu = mtu, .expires = now + PATH_MTU_LIFETIME};

	if (known && known->mtu < mtu && known->expires > now)
		return 1;
	return !bpf_map_update_elem(&map_path_mtu, ends, &row, flags);
}

/* Takes the MTU from an ICMP error whose quoted packet is of the tunnel from `packet->dst` to `packet->src`. `own`: the quoted
 * source is the local end of a tunnel; else it may be a flow's. Returns whether an MTU was taken.
 */
static __always_inline int learn_path_mtu(struct __sk_buff *skb, const struct packet *packet,
					  int own)
{
	__u32 mtu = reported_mtu(skb, packet);
	struct path_ends ends = {};
	int taken;

	if (!mtu)
		return 0;
	ends.local = packet->dst.addr;
	ends.remote = packet->src.addr;
	ends.remote_port = packet->src.port;
	taken = lower_path_mtu(&ends, mtu, BPF_EXIST);
	if (!own)
		return taken;
	ends.local_port = packet->dst.port;
	lower_path_mtu(&ends, mtu, BPF_ANY);
	return 1;
}

/* The smaller one of `mtu` and what a router on the tunnel's path has reported. A tunnel whose flows have their own ports gets a
 * row, which ingress asks for.
 */
static __always_inline __u32 limit_by_path(const struct tunnel *tunnel, __u32 flow_port, __u32 mtu)
{
	struct path_ends ends = {};
	struct path_mtu none = {};
	struct path_mtu *row;

	ends.local = tunnel->local;
	ends.remote = tunnel->remote;
	ends.local_port = flow_port ? 0 : tunnel->local_port;
	ends.remote_port = tunnel->remote_port;
	row = bpf_map_lookup_elem(&map_path_mtu, &ends);
	if (unlikely(flow_port && !row))
		bpf_map_update_elem(&map_path_mtu, &ends, &none, BPF_NOEXIST);
	return row && row->mtu < mtu && row->expires > bpf_ktime_get_boot_ns() ? row->mtu : mtu;
}

#endif
