/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way from a key to an upstream, and what fits there. */
#ifndef SLUICE_UDPLB_ROUTE_H
#define SLUICE_UDPLB_ROUTE_H

#include "lib/slot.h"
#include "udplb/packet.h"

/* Of linux/bpf.h, which an older one does not have. */
#define FIB_SKIP_NEIGH 4

#define ROUTES_LOG2 10

/* What routing may look at. */
struct route_key {
	struct address from;
	struct address to;
	__u32 ifindex;
	__be16 src_port;
	__be16 dst_port;
	__u32 tos;
};

struct next_hop {
	__u32 ifindex;
	__u32 mtu;
	struct bpf_redir_neigh neighbour;
};

struct remembered_route {
	__u64 tick; /* of the kernel's clock: the route holds as long as it does not move */
	struct route_key key;
	struct next_hop next;
};

/* Routes of this tick of the clock (some milliseconds): routing costs as much as all the rest, and does not change from
 * one packet of a flow to the next. By a hash of the key.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct remembered_route);
	__uint(max_entries, 1 << ROUTES_LOG2);
} routes SEC(".maps");

static __always_inline int same_address(const struct address *a, const struct address *b)
{
	return !((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1]) |
		 (a->words[2] ^ b->words[2]) | (a->words[3] ^ b->words[3]));
}

/* Asks the FIB. Returns as bpf_fib_lookup. */
static __always_inline int ask_fib(struct __sk_buff *skb, const struct packet *packet,
				   const struct lb_upstream *upstream, struct bpf_fib_lookup *fib,
				   __u32 flags)
{
	fib->family = packet->family;
	fib->l4_protocol = IPPROTO_UDP;
	fib->sport = packet->src_port;
	fib->dport = upstream->port;
	fib->tot_len = packet->length;
	fib->ifindex = skb->ifindex;
	if (packet->family == AF_INET) {
		fib->tos = packet->tos;
		fib->ipv4_src = upstream->key_addr.words[3];
		fib->ipv4_dst = upstream->addr.words[3];
	} else {
		fib->flowinfo = bpf_htonl((__u32)packet->tos << 20);
		__builtin_memcpy(fib->ipv6_src, &upstream->key_addr, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, &upstream->addr, sizeof(fib->ipv6_dst));
	}
	return bpf_fib_lookup(skb, fib, sizeof(*fib), flags);
}

static __always_inline void fill_next_hop(struct next_hop *next, const struct bpf_fib_lookup *fib)
{
	next->ifindex = fib->ifindex;
	next->mtu = fib->mtu_result;
	next->neighbour.nh_family = fib->family;
	if (fib->family == AF_INET)
		next->neighbour.ipv4_nh = fib->ipv4_dst;
	else
		__builtin_memcpy(next->neighbour.ipv6_nh, fib->ipv6_dst,
				 sizeof(next->neighbour.ipv6_nh));
}

static __always_inline int is_route_of(const struct route_key *key, struct __sk_buff *skb,
				       const struct packet *packet,
				       const struct lb_upstream *upstream)
{
	return same_address(&key->from, &upstream->key_addr) &&
	       same_address(&key->to, &upstream->addr) && key->ifindex == skb->ifindex &&
	       key->src_port == packet->src_port && key->dst_port == upstream->port &&
	       key->tos == packet->tos;
}

static __always_inline void remember_route(struct remembered_route *route, struct __sk_buff *skb,
					   const struct packet *packet,
					   const struct lb_upstream *upstream,
					   const struct next_hop *next)
{
	route->tick = bpf_jiffies64();
	route->key.from = upstream->key_addr;
	route->key.to = upstream->addr;
	route->key.ifindex = skb->ifindex;
	route->key.src_port = packet->src_port;
	route->key.dst_port = upstream->port;
	route->key.tos = packet->tos;
	route->next = *next;
}

/* Finds the next hop, whose neighbour is the kernel's to find. Returns as bpf_fib_lookup: of success `next` is where to, of
 * FRAG_NEEDED its mtu what fits.
 */
static __always_inline int find_route(struct __sk_buff *skb, const struct packet *packet,
				      const struct lb_upstream *upstream, struct next_hop *next)
{
	__u32 slot =
		slot_of(upstream->addr.words[3] ^ (__u32)upstream->port << 16 ^ packet->src_port,
			ROUTES_LOG2);
	struct remembered_route *known = bpf_map_lookup_elem(&routes, &slot);
	struct bpf_fib_lookup fib = {};
	int result;

	if (likely(known && known->tick == bpf_jiffies64() &&
		   is_route_of(&known->key, skb, packet, upstream) &&
		   packet->length <= known->next.mtu)) {
		*next = known->next;
		return BPF_FIB_LKUP_RET_SUCCESS;
	}
	result = ask_fib(skb, packet, upstream, &fib, FIB_SKIP_NEIGH);
	if (unlikely(result < 0)) {
		/* Linux before 6.3 does not know the flag. */
		__builtin_memset(&fib, 0, sizeof(fib));
		result = ask_fib(skb, packet, upstream, &fib, 0);
	}
	fill_next_hop(next, &fib);
	if (known && result == BPF_FIB_LKUP_RET_SUCCESS)
		remember_route(known, skb, packet, upstream, next);
	return result;
}

#endif
