/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The path of a tunnel packet: the tunnel's outer header, where it leaves, and how much fits there. */
#ifndef SLUICE_PATH_H
#define SLUICE_PATH_H

#include "lib/lookup_cache.h"
#include "lib/packet.h"
#include "tunnel/mark.h"
#include "tunnel/outcome.h"
#include "tunnel/path_mtu.h"
#include "tunnel/route.h"
#include "tunnel/tables.h"

#define PATH_LOG2 6

struct path_key {
	__u32 tunnel;
	__u32 ifindex; /* of the interface that the inner packet is on */
};

struct path {
	struct lookup lookup; /* found: an enum outcome in place of a path, or PATH_FOUND */
	struct path_key key;
	struct tunnel tunnel;
	struct route route; /* of the outer packet; family 0: it goes where it was going */
	__u32 flow_port;    /* not 0: each flow has its own source port */
};

#define PATH_FOUND OUTCOMES

/* bpf_fib_lookup costs as much as all the rest of the program. */
LOOKUP_CACHE(path_cache, struct path, PATH_LOG2);

/* Fills in where the outer packet leaves. Returns 0 or -OUT_NO_ROUTE. */
static __always_inline int plan_route(struct __sk_buff *skb, struct path *path)
{
	struct route_query query = {
		.from = path->key.ifindex,
		.source = &path->tunnel.local,
		.destination = &path->tunnel.remote,
		.source_port = path->tunnel.local_port,
		.destination_port = path->tunnel.remote_port,
	};
	long result = find_own_route(skb, &query, &path->route);

	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH)
		return -OUT_NO_ROUTE;
	learn_mtu(skb, &query, &path->route);
	return 0;
}

/* The flags of a tunnel's options. */
static __always_inline __u32 read_flags(__u32 tunnel)
{
	__u32 flags = 0;

	return READ_ROW(&map_tunnel_opts, &tunnel, row, COPY(&flags, &row->flags)) ? flags : 0;
}

/* Reads a tunnel. Returns whether it is there. */
SUBPROGRAM int read_tunnel(__u32 id, struct tunnel *to)
{
	return to && READ_ROW(&map_tunnel, &id, row, COPY(to, row));
}

/* Returns 0 or a negative reason. */
static __always_inline int plan_path(struct __sk_buff *skb, struct path *path, __u32 by_route)
{
	/* A copy: kernel 6.1 takes no pointer to memory of unknown origin for a key. */
	__u32 id = path->key.tunnel;

	if (!read_tunnel(id, &path->tunnel))
		return -OUT_NO_TUNNEL;
	path->flow_port = read_flags(id) & TUNNEL_FLOW_PORT;
	if (!path->tunnel.remote_port || is_unspecified(&path->tunnel.remote))
		return -OUT_NO_REMOTE;
	if (is_ipv4(&path->tunnel.local) != is_ipv4(&path->tunnel.remote))
		return -OUT_TUNNEL_FAMILY;
	if (by_route)
		return plan_route(skb, path);
	path->route.ifindex = skb->ifindex;
	path->route.next_hop.nh_family = 0;
	path->route.mtu = interface_mtu(skb, 0);
	return 0;
}

SUBPROGRAM int fill_path(struct __sk_buff *skb, struct path *path, __u32 by_route)
{
	int err;

	if (!path)
		return 0;
	err = plan_path(skb, path, by_route);
	if (!err)
		path->route.mtu = limit_by_path(&path->tunnel, path->flow_port, path->route.mtu);
	path->lookup.found = err < 0 ? -err : PATH_FOUND;
	return 0;
}

/* Returns the path of a tunnel's packets from an interface, valid until the next call, or NULL with the reason in
 * `err`. `by_route`: the outer header is routed, else the packet keeps its route.
 */
static __always_inline struct path *find_path(struct __sk_buff *skb, __u32 tunnel, __u32 ifindex,
					      __u32 by_route, int *err)
{
	_Alignas(8) struct path_key key = {.tunnel = tunnel, .ifindex = ifindex};
	__u32 slot = lookup_slot((void *)&key, sizeof(key) / 4, PATH_LOG2);
	struct path *path = bpf_map_lookup_elem(&path_cache, &slot);

	*err = -OUT_NO_ROUTE;
	if (!path)
		return NULL;
	if (!lookup_hit(&path->lookup, (void *)&path->key, (void *)&key, sizeof(key) / 4))
		fill_path(skb, path, by_route);
	if (path->lookup.found == PATH_FOUND)
		return path;
	*err = -(int)path->lookup.found;
	return NULL;
}

static __always_inline int same_mac(const __u8 *a, const __u8 *b)
{
	__u32 difference = 0;

#pragma unroll
	for (int i = 0; i < ETH_ALEN; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

/* Sends the packet to a next hop, whatever the device is that it is on. Returns a verdict. */
static __always_inline int send_by(struct __sk_buff *skb, struct route *route)
{
	/* bpf_redirect_neigh takes an Ethernet header off. */
	if (!LINK_HLEN && bpf_skb_change_head(skb, ETH_HLEN, 0))
		return TC_ACT_SHOT;
	skb->tc_index = MARK_DONE;
	/* It is for TC_ACT_OK, and would go on to another network namespace. */
	skb->tc_classid = 0;
	return bpf_redirect_neigh(route->ifindex, &route->next_hop, sizeof(route->next_hop), 0);
}

/* Sends the encapsulated packet on its way. Returns a verdict.
 *
 * The next hop is named and the kernel finds its address, so that the neighbour entry stays in use and a new address
 * takes effect at once. A frame that already has this destination is not redirected.
 */
static __always_inline int follow_path(struct __sk_buff *skb, struct path *path)
{
	struct ethhdr *eth;

	if (!path->route.next_hop.nh_family)
		return TC_ACT_OK;
	if (!LINK_HLEN && path->route.ifindex == skb->ifindex)
		return TC_ACT_OK;
	if (LINK_HLEN && path->route.ifindex == skb->ifindex && path->route.resolved) {
		eth = bytes_at(skb, 0, sizeof(*eth));
		if (eth && same_mac(eth->h_dest, path->route.mac))
			return TC_ACT_OK;
	}
	return send_by(skb, &path->route);
}

#endif
