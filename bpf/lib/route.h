/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where an encapsulated packet leaves, and how much fits there. */
#ifndef SLUICE_ROUTE_H
#define SLUICE_ROUTE_H

#include "lib/packet.h"
#include "lib/slot.h"
#include "tunnel/outcome.h"
#include "tunnel/tables.h"

#define AF_INET 2
#define AF_INET6 10

/* Every so many packets the kernel sends one itself, so that its neighbour entry is seen to be in use and is looked
 * after: what only bpf_fib_lookup reads goes stale for ever. A power of two.
 */
#define NEIGHBOUR_REFRESH 256

#define ROUTES_LOG2 6

enum next {
	NEXT_AS_IS = 0,	   /* the packet goes where it was going */
	NEXT_ETHERNET = 0, /* this interface, Ethernet addresses known */
	NEXT_REDIRECT,	   /* another interface, Ethernet addresses known */
	NEXT_NEIGHBOUR,	   /* the kernel finds the neighbour of this gateway */
	NEXT_OWN_ROUTE,	   /* the kernel finds the route and the neighbour on this interface */
	NEXT_LEARNED,	   /* the same, Ethernet addresses taken from a routed packet */
};

/* A route as it was looked up for a tunnel, and what it was looked up by. */
struct route {
	__u64 jiffy; /* in which it was looked up */
	struct address local;
	struct address remote;
	__be16 local_port;
	__be16 remote_port;
	__u32 ifindex;
	__u32 mtu;
	__u32 next; /* enum next */
	struct bpf_fib_lookup fib;
};

/* Routes that were looked up in this jiffy, by a hash of the tunnel's two ends: bpf_fib_lookup costs as much as all the
 * rest of the program.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct route);
	__uint(max_entries, 1 << ROUTES_LOG2);
} route_cache SEC(".maps");

static __always_inline struct route *route_slot(const struct address *remote, __be16 local_port,
						__be16 remote_port)
{
	__u32 sum = remote->words[0] ^ remote->words[1] ^ remote->words[2] ^ remote->words[3] ^
		    (__u32)local_port << 16 ^ remote_port;
	__u32 slot = slot_of(sum, ROUTES_LOG2);

	return bpf_map_lookup_elem(&route_cache, &slot);
}

static __always_inline int is_route_of(const struct route *route, const struct address *local,
				       const struct address *remote, __be16 local_port,
				       __be16 remote_port, __u32 ifindex)
{
	return route->jiffy == bpf_jiffies64() && route->ifindex == ifindex &&
	       route->local_port == local_port && route->remote_port == remote_port &&
	       same_address(&route->remote, remote) && same_address(&route->local, local);
}

static __always_inline __u32 interface_mtu(struct __sk_buff *skb, __u32 ifindex)
{
	__u32 mtu = 0;

	return bpf_check_mtu(skb, ifindex, &mtu, 0, 0) < 0 ? 0 : mtu;
}

static __always_inline void fill_lookup(struct __sk_buff *skb, const struct tunnel *tunnel,
					struct bpf_fib_lookup *fib)
{
	__builtin_memset(fib, 0, sizeof(*fib));
	fib->l4_protocol = IPPROTO_UDP;
	fib->sport = tunnel->local_port;
	fib->dport = tunnel->remote_port;
	fib->ifindex = skb->ifindex;
	/* Asks for the route's MTU; whether the packet fits is ours to say. */
	fib->tot_len = 1;
	if (is_ipv4(&tunnel->remote)) {
		fib->family = AF_INET;
		fib->ipv4_src = tunnel->local.words[3];
		fib->ipv4_dst = tunnel->remote.words[3];
	} else {
		fib->family = AF_INET6;
		__builtin_memcpy(fib->ipv6_src, &tunnel->local, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, &tunnel->remote, sizeof(fib->ipv6_dst));
	}
}

/* Looks the outer header's route up. Returns 0 or -OUT_NO_ROUTE. */
static __always_inline int look_up_route(struct __sk_buff *skb, const struct tunnel *tunnel,
					 struct route *route)
{
	struct bpf_fib_lookup *fib = &route->fib;

	fill_lookup(skb, tunnel, fib);
	switch (bpf_fib_lookup(skb, fib, sizeof(*fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		route->mtu = fib->mtu_result;
		route->next = fib->ifindex == skb->ifindex ? NEXT_ETHERNET : NEXT_REDIRECT;
		return 0;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		route->mtu = interface_mtu(skb, fib->ifindex);
		route->next = NEXT_NEIGHBOUR;
		return 0;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		/* A host that does not forward has one way out: the interface that the packet is on. */
		route->mtu = interface_mtu(skb, 0);
		route->next = NEXT_OWN_ROUTE;
		return 0;
	default:
		return -OUT_NO_ROUTE;
	}
}

/* Returns the way to a tunnel's far end, or NULL where there is none. */
static __always_inline struct route *find_route(struct __sk_buff *skb, const struct tunnel *tunnel)
{
	struct route *route = route_slot(&tunnel->remote, tunnel->local_port, tunnel->remote_port);

	if (!route)
		return NULL;
	if (likely(is_route_of(route, &tunnel->local, &tunnel->remote, tunnel->local_port,
			       tunnel->remote_port, skb->ifindex)))
		return route;
	route->jiffy = 0;
	if (look_up_route(skb, tunnel, route))
		return NULL;
	route->local = tunnel->local;
	route->remote = tunnel->remote;
	route->local_port = tunnel->local_port;
	route->remote_port = tunnel->remote_port;
	route->ifindex = skb->ifindex;
	route->jiffy = bpf_jiffies64();
	return route;
}

/* A tunnel packet that the kernel was asked to find a route for passes here once more, with the Ethernet addresses that
 * it found: later ones of this jiffy need no lookup.
 */
static __always_inline void learn_route(struct __sk_buff *skb, const struct packet *packet)
{
	struct route *route = route_slot(&packet->dst.addr, packet->src.port, packet->dst.port);
	struct ethhdr *eth;

	if (!route || route->next != NEXT_OWN_ROUTE ||
	    !is_route_of(route, &packet->src.addr, &packet->dst.addr, packet->src.port,
			 packet->dst.port, skb->ifindex))
		return;
	eth = bytes_at(skb, 0, sizeof(*eth));
	if (!eth)
		return;
	__builtin_memcpy(route->fib.dmac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(route->fib.smac, eth->h_source, ETH_ALEN);
	route->next = NEXT_LEARNED;
}

static __always_inline int redirect_neighbour(const struct bpf_fib_lookup *fib)
{
	struct bpf_redir_neigh neighbour = {.nh_family = fib->family};

	__builtin_memcpy(neighbour.ipv6_nh, fib->ipv6_dst, sizeof(neighbour.ipv6_nh));
	return bpf_redirect_neigh(fib->ifindex, &neighbour, sizeof(neighbour), 0);
}

static __always_inline int write_ethernet(struct __sk_buff *skb, const struct bpf_fib_lookup *fib)
{
	struct ethhdr *eth = bytes_at(skb, 0, sizeof(*eth));

	if (!eth)
		return -OUT_ENCAP_FAILED;
	__builtin_memcpy(eth->h_dest, fib->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib->smac, ETH_ALEN);
	return 0;
}

/* Sends the encapsulated packet on its way. Returns a verdict, or -OUT_ENCAP_FAILED. */
static __always_inline int follow_route(struct __sk_buff *skb, const struct route *route,
					int refresh)
{
	switch (route->next) {
	case NEXT_ETHERNET:
	case NEXT_REDIRECT:
		if (refresh)
			return redirect_neighbour(&route->fib);
		if (write_ethernet(skb, &route->fib))
			return -OUT_ENCAP_FAILED;
		if (route->next == NEXT_REDIRECT)
			return bpf_redirect(route->fib.ifindex, 0);
		return TC_ACT_OK;
	case NEXT_NEIGHBOUR:
		return redirect_neighbour(&route->fib);
	case NEXT_OWN_ROUTE:
		return bpf_redirect_neigh(skb->ifindex, NULL, 0, 0);
	case NEXT_LEARNED:
		return write_ethernet(skb, &route->fib) ?: TC_ACT_OK;
	default:
		return TC_ACT_OK;
	}
}

#endif
