/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Routes by bpf_fib_lookup: output interface, next hop and MTU. */
#ifndef SLUICE_ROUTE_H
#define SLUICE_ROUTE_H

#include "lib/packet.h"

#define AF_INET 2
#define AF_INET6 10
/* Index of lo in every network namespace. */
#define LOOPBACK 1

struct route_query {
	__u32 from; /* index of the interface that the packet came in by */
	const struct address *source;
	const struct address *destination;
	__be16 source_port; /* 0: not asked for, no UDP */
	__be16 destination_port;
};

struct route {
	__u32 ifindex;
	__u32 mtu;
	struct bpf_redir_neigh next_hop;
	__u8 mac[ETH_ALEN]; /* of the next hop, where `resolved` */
	__u8 own_mac[ETH_ALEN];
	__u8 resolved;
	__u8 pad[3];
};

static __always_inline __u32 interface_mtu(struct __sk_buff *skb, __u32 ifindex)
{
	__u32 mtu = 0;

	return bpf_check_mtu(skb, ifindex, &mtu, 0, 0) < 0 ? 0 : mtu;
}

/* A `length` of 1 fits everywhere; one that fits nowhere returns the MTU by BPF_FIB_LKUP_RET_FRAG_NEEDED, whether the
 * neighbour is known or not.
 */
static __always_inline long ask_route(struct __sk_buff *skb, const struct route_query *query,
				      __u16 length, struct bpf_fib_lookup *fib)
{
	__builtin_memset(fib, 0, sizeof(*fib));
	fib->ifindex = query->from;
	fib->tot_len = length;
	if (query->source_port) {
		fib->l4_protocol = IPPROTO_UDP;
		fib->sport = query->source_port;
		fib->dport = query->destination_port;
	}
	if (is_ipv4(query->destination)) {
		fib->family = AF_INET;
		fib->ipv4_src = query->source->words[3];
		fib->ipv4_dst = query->destination->words[3];
	} else {
		fib->family = AF_INET6;
		__builtin_memcpy(fib->ipv6_src, query->source, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, query->destination, sizeof(fib->ipv6_dst));
	}
	return bpf_fib_lookup(skb, fib, sizeof(*fib), 0);
}

/* Returns BPF_FIB_LKUP_RET_SUCCESS with `route` filled in, BPF_FIB_LKUP_RET_NO_NEIGH with all of it but MACs and MTU, or
 * another result.
 */
static __always_inline long find_route(struct __sk_buff *skb, const struct route_query *query,
				       struct route *route)
{
	struct bpf_fib_lookup fib;
	long result = ask_route(skb, query, 1, &fib);

	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH)
		return result;
	route->ifindex = fib.ifindex;
	route->next_hop.nh_family = fib.family;
	__builtin_memcpy(route->next_hop.ipv6_nh, fib.ipv6_dst, sizeof(fib.ipv6_dst));
	route->resolved = result == BPF_FIB_LKUP_RET_SUCCESS;
	if (route->resolved) {
		__builtin_memcpy(route->mac, fib.dmac, ETH_ALEN);
		__builtin_memcpy(route->own_mac, fib.smac, ETH_ALEN);
		route->mtu = fib.mtu_result;
	}
	return result;
}

/* Fills in the MTU of a route whose next hop is not resolved: a second lookup. */
static __always_inline void learn_mtu(struct __sk_buff *skb, const struct route_query *query,
				      struct route *route)
{
	struct bpf_fib_lookup fib;

	if (route->resolved)
		return;
	route->mtu = ask_route(skb, query, 0xffff, &fib) == BPF_FIB_LKUP_RET_FRAG_NEEDED
			     ? fib.mtu_result
			     : interface_mtu(skb, route->ifindex);
}

/* As find_route, also on a host that does not forward.
 *
 * The kernel looks no route up for an interface that does not forward. On a host that forwards nowhere lo alone does,
 * which attach_tc.sh sees to: packets of that interface are the host's own, and so is the outer packet.
 */
static __always_inline long find_own_route(struct __sk_buff *skb, struct route_query *query,
					   struct route *route)
{
	long result = find_route(skb, query, route);

	if (result != BPF_FIB_LKUP_RET_FWD_DISABLED)
		return result;
	query->from = LOOPBACK;
	return find_route(skb, query, route);
}

#endif
