/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where an encapsulated packet leaves, and how much fits there. */
#ifndef SLUICE_ROUTE_H
#define SLUICE_ROUTE_H

#include "packet.h"
#include "tables.h"

#define AF_INET 2
#define AF_INET6 10

/* Every so many packets the kernel sends one itself, so that its neighbour entry is seen to be in use and is looked
 * after: what only bpf_fib_lookup reads goes stale for ever. A power of two.
 */
#define NEIGHBOUR_REFRESH 256

/* A power of two. */
#define ROUTES 64

enum next {
	NEXT_AS_IS = 0,	   /* the packet goes where it was going */
	NEXT_ETHERNET = 0, /* this interface, Ethernet addresses known */
	NEXT_REDIRECT,	   /* another interface, Ethernet addresses known */
	NEXT_NEIGHBOUR,	   /* the kernel finds the neighbour of this gateway */
	NEXT_OWN_ROUTE,	   /* the kernel finds the route and the neighbour on this interface */
};

/* A route as it was looked up for a tunnel, and what it was looked up by. */
struct route {
	__u64 tick; /* of the kernel's clock: the route holds as long as it does not move */
	struct address local;
	struct address remote;
	__u32 tunnel;
	__u32 ifindex;
	__u32 mtu;
	__u32 next; /* enum next */
	struct bpf_fib_lookup fib;
};

/* Routes of this tick of the clock (some milliseconds): routing costs as much as all the rest, and does not change
 * from one packet of a burst to the next. By tunnel id, modulo ROUTES.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct route);
	__uint(max_entries, ROUTES);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} map_route SEC(".maps");

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
static __always_inline struct route *find_route(struct __sk_buff *skb, const struct tunnel *tunnel,
						__u32 id)
{
	__u32 slot = id % ROUTES;
	struct route *route = bpf_map_lookup_elem(&map_route, &slot);
	__u64 tick = bpf_jiffies64();

	if (!route)
		return NULL;
	if (likely(route->tick == tick && route->tunnel == id && route->ifindex == skb->ifindex &&
		   same_address(&route->remote, &tunnel->remote) &&
		   same_address(&route->local, &tunnel->local)))
		return route;
	route->tick = 0;
	if (look_up_route(skb, tunnel, route))
		return NULL;
	route->local = tunnel->local;
	route->remote = tunnel->remote;
	route->tunnel = id;
	route->ifindex = skb->ifindex;
	route->tick = tick;
	return route;
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
	default:
		return TC_ACT_OK;
	}
}

#endif
