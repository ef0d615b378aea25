/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The route from a key to an upstream, and its MTU. */
#ifndef SLUICE_UDPLB_ROUTE_H
#define SLUICE_UDPLB_ROUTE_H

#include <linux/errno.h>

#include "lib/lookup_cache.h"
#include "udplb/datagram.h"

/* From linux/bpf.h; missing in older headers. */
#define FIB_SKIP_NEIGH 4

/* User-space headers do not carry these. */
#define AF_INET 2
#define AF_INET6 10

#define ROUTES_LOG2 10

/* A neighbour that the kernel has resolved. */
struct neighbour {
	__u32 ifindex;
	__u32 mtu;
	__u8 dst[ETH_ALEN];
	__u8 src[ETH_ALEN];
};

/* All that routing may depend on. */
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

struct cached_route {
	struct lookup lookup;
	struct route_key key;
	struct next_hop next;
};

/* bpf_fib_lookup costs as much as all the rest. */
LOOKUP_CACHE(routes, struct cached_route, ROUTES_LOG2);

/* Looks the route up. Returns as bpf_fib_lookup. */
static __always_inline int look_up_route(struct __sk_buff *skb, const struct datagram *datagram,
					 const struct lb_upstream *upstream,
					 struct bpf_fib_lookup *fib, __u32 flags)
{
	fib->family = datagram->packet.version == 4 ? AF_INET : AF_INET6;
	fib->l4_protocol = IPPROTO_UDP;
	fib->sport = datagram->packet.src.port;
	fib->dport = upstream->port;
	fib->tot_len = datagram->size;
	fib->ifindex = skb->ifindex;
	if (datagram->packet.version == 4) {
		fib->tos = datagram->packet.tos;
		fib->ipv4_src = upstream->key_addr.words[3];
		fib->ipv4_dst = upstream->addr.words[3];
	} else {
		fib->flowinfo = bpf_htonl((__u32)datagram->packet.tos << 20);
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
				       const struct datagram *datagram,
				       const struct lb_upstream *upstream)
{
	return same_address(&key->from, &upstream->key_addr) &&
	       same_address(&key->to, &upstream->addr) && key->ifindex == skb->ifindex &&
	       key->src_port == datagram->packet.src.port && key->dst_port == upstream->port &&
	       key->tos == datagram->packet.tos;
}

static __always_inline void cache_route(struct cached_route *route, struct __sk_buff *skb,
					const struct datagram *datagram,
					const struct lb_upstream *upstream,
					const struct next_hop *next)
{
	route->lookup.jiffy = bpf_jiffies64();
	route->key.from = upstream->key_addr;
	route->key.to = upstream->addr;
	route->key.ifindex = skb->ifindex;
	route->key.src_port = datagram->packet.src.port;
	route->key.dst_port = upstream->port;
	route->key.tos = datagram->packet.tos;
	route->next = *next;
}

/* Finds the Ethernet addresses. Returns as bpf_fib_lookup, -EINVAL for NULL. `to` is set on success; its MTU is also set on
 * BPF_FIB_LKUP_RET_FRAG_NEEDED. A function of its own, as the next: `run` has no stack left for the question.
 */
SUBPROGRAM int find_neighbour(struct __sk_buff *skb, const struct datagram *datagram,
			      const struct lb_upstream *upstream, struct neighbour *to)
{
	struct bpf_fib_lookup fib = {};
	int result;

	if (!datagram || !upstream || !to)
		return -EINVAL;
	result = look_up_route(skb, datagram, upstream, &fib, 0);
	to->ifindex = fib.ifindex;
	to->mtu = fib.mtu_result;
	__builtin_memcpy(to->dst, fib.dmac, ETH_ALEN);
	__builtin_memcpy(to->src, fib.smac, ETH_ALEN);
	return result;
}

/* Asks the kernel for the next hop. Returns as bpf_fib_lookup, -EINVAL for NULL. */
SUBPROGRAM int ask_route(struct __sk_buff *skb, const struct datagram *datagram,
			 const struct lb_upstream *upstream, struct next_hop *next)
{
	struct bpf_fib_lookup fib = {};
	int result;

	if (!datagram || !upstream || !next)
		return -EINVAL;
	result = look_up_route(skb, datagram, upstream, &fib, FIB_SKIP_NEIGH);
	if (unlikely(result < 0)) {
		/* Linux before 6.3 does not know the flag. */
		__builtin_memset(&fib, 0, sizeof(fib));
		result = look_up_route(skb, datagram, upstream, &fib, 0);
	}
	fill_next_hop(next, &fib);
	return result;
}

/* Finds the next hop; the kernel resolves the neighbour. Returns as bpf_fib_lookup. `next` is set on success; its MTU is
 * also set on BPF_FIB_LKUP_RET_FRAG_NEEDED.
 */
static __always_inline int find_route(struct __sk_buff *skb, const struct datagram *datagram,
				      const struct lb_upstream *upstream, struct next_hop *next)
{
	/* The words in which the keys of one configuration differ most. */
	_Alignas(8) const __u32 hashed[] = {
		upstream->addr.words[3], (__u32)upstream->port << 16 | datagram->packet.src.port};
	__u32 slot = lookup_slot(hashed, sizeof(hashed) / 4, ROUTES_LOG2);
	struct cached_route *known = bpf_map_lookup_elem(&routes, &slot);
	int result;

	if (likely(known && known->lookup.jiffy == bpf_jiffies64() &&
		   is_route_of(&known->key, skb, datagram, upstream) &&
		   datagram->size <= known->next.mtu)) {
		*next = known->next;
		return BPF_FIB_LKUP_RET_SUCCESS;
	}
	result = ask_route(skb, datagram, upstream, next);
	if (known && result == BPF_FIB_LKUP_RET_SUCCESS)
		cache_route(known, skb, datagram, upstream, next);
	return result;
}

/* Whether this host does not forward, or by a way that only its own routing knows, while user space has found the
 * interface.
 */
static __always_inline int only_output_knows(int route, const struct lb_upstream *upstream)
{
	return (route == BPF_FIB_LKUP_RET_FWD_DISABLED || route == BPF_FIB_LKUP_RET_UNSUPP_LWT) &&
	       upstream->ifindex;
}

#endif
