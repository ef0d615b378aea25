/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way of a tunnel packet: the tunnel's outer header, where it leaves, and how much fits there. */
#ifndef SLUICE_PATH_H
#define SLUICE_PATH_H

#include "lib/lookup_cache.h"
#include "lib/packet.h"
#include "tunnel/mark.h"
#include "tunnel/path_mtu.h"
#include "tunnel/tables.h"

#define AF_INET 2
#define AF_INET6 10
/* Index of lo in every network namespace. */
#define LOOPBACK 1

#define PATH_LOG2 6

struct path_key {
	__u32 tunnel;
	__u32 ifindex; /* of the interface that the inner packet is on */
};

struct path {
	struct lookup lookup; /* found: an enum outcome in place of a path, or PATH_FOUND */
	struct path_key key;
	struct tunnel tunnel;
	__u32 mtu; /* of the outer packet */
	__u32 ifindex;
	struct bpf_redir_neigh next_hop; /* family 0: the packet goes where it was going */
	__u8 mac[ETH_ALEN];		 /* of the next hop, where `resolved` */
	__u8 resolved;
	__u8 pad[5];
};

#define PATH_FOUND OUTCOMES

/* bpf_fib_lookup costs as much as all the rest of the program. */
LOOKUP_CACHE(path_cache, struct path, PATH_LOG2);

static __always_inline __u32 interface_mtu(struct __sk_buff *skb, __u32 ifindex)
{
	__u32 mtu = 0;

	return bpf_check_mtu(skb, ifindex, &mtu, 0, 0) < 0 ? 0 : mtu;
}

/* Looks the outer header's route up, as for a packet that came in by `from`. A `length` of 1 fits everywhere; one that
 * fits nowhere returns the MTU by BPF_FIB_LKUP_RET_FRAG_NEEDED, whether the neighbour is known or not.
 */
static __always_inline long look_up_route(struct __sk_buff *skb, const struct tunnel *tunnel,
					  __u32 from, __u16 length, struct bpf_fib_lookup *fib)
{
	__builtin_memset(fib, 0, sizeof(*fib));
	fib->l4_protocol = IPPROTO_UDP;
	fib->sport = tunnel->local_port;
	fib->dport = tunnel->remote_port;
	fib->ifindex = from;
	fib->tot_len = length;
	if (is_ipv4(&tunnel->remote)) {
		fib->family = AF_INET;
		fib->ipv4_src = tunnel->local.words[3];
		fib->ipv4_dst = tunnel->remote.words[3];
	} else {
		fib->family = AF_INET6;
		__builtin_memcpy(fib->ipv6_src, &tunnel->local, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, &tunnel->remote, sizeof(fib->ipv6_dst));
	}
	return bpf_fib_lookup(skb, fib, sizeof(*fib), 0);
}

/* Fills in where the outer packet leaves. Returns 0 or -OUT_NO_ROUTE.
 *
 * The kernel looks no route up for an interface that does not forward. On a host that forwards nowhere lo alone does,
 * which attach_tc.sh sees to: what comes in there is the host's own, and so is the outer packet.
 */
static __always_inline int plan_route(struct __sk_buff *skb, struct path *path)
{
	struct bpf_fib_lookup fib;
	__u32 from = skb->ifindex;
	long result = look_up_route(skb, &path->tunnel, from, 1, &fib);

	if (result == BPF_FIB_LKUP_RET_FWD_DISABLED) {
		from = LOOPBACK;
		result = look_up_route(skb, &path->tunnel, from, 1, &fib);
	}
	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH)
		return -OUT_NO_ROUTE;
	path->ifindex = fib.ifindex;
	path->next_hop.nh_family = fib.family;
	__builtin_memcpy(path->next_hop.ipv6_nh, fib.ipv6_dst, sizeof(path->next_hop.ipv6_nh));
	path->resolved = result == BPF_FIB_LKUP_RET_SUCCESS;
	if (path->resolved) {
		__builtin_memcpy(path->mac, fib.dmac, ETH_ALEN);
		path->mtu = fib.mtu_result;
		return 0;
	}
	result = look_up_route(skb, &path->tunnel, from, 0xffff, &fib);
	path->mtu = result == BPF_FIB_LKUP_RET_FRAG_NEEDED ? fib.mtu_result
							   : interface_mtu(skb, path->ifindex);
	return 0;
}

/* Returns 0 or a negative reason. */
static __always_inline int plan_path(struct __sk_buff *skb, struct path *path, __u32 by_route)
{
	/* A copy: kernel 6.1 takes no pointer to memory of unknown origin for a key. */
	__u32 id = path->key.tunnel;
	struct tunnel *tunnel = bpf_map_lookup_elem(&map_tunnel, &id);

	if (!tunnel)
		return -OUT_NO_TUNNEL;
	path->tunnel = *tunnel;
	if (!path->tunnel.remote_port || is_unspecified(&path->tunnel.remote))
		return -OUT_NO_REMOTE;
	if (is_ipv4(&path->tunnel.local) != is_ipv4(&path->tunnel.remote))
		return -OUT_TUNNEL_FAMILY;
	if (by_route)
		return plan_route(skb, path);
	path->ifindex = skb->ifindex;
	path->next_hop.nh_family = 0;
	path->mtu = interface_mtu(skb, 0);
	return 0;
}

SUBPROGRAM int fill_path(struct __sk_buff *skb, struct path *path, __u32 by_route)
{
	int err;

	if (!path)
		return 0;
	err = plan_path(skb, path, by_route);
	if (!err)
		path->mtu = limit_by_path(&path->tunnel, path->mtu);
	path->lookup.found = err < 0 ? -err : PATH_FOUND;
	return 0;
}

/* Returns the path of a tunnel's packets from this interface, valid until the next call, or NULL with the reason in
 * `err`. `by_route`: the outer header is routed, else the packet goes where it was going.
 */
static __always_inline struct path *find_path(struct __sk_buff *skb, __u32 tunnel, __u32 by_route,
					      int *err)
{
	_Alignas(8) struct path_key key = {.tunnel = tunnel, .ifindex = skb->ifindex};
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

/* Sends the encapsulated packet on its way. Returns a verdict.
 *
 * The next hop is named and the kernel finds its address, so that the neighbour entry stays in use and a new address
 * takes effect at once. Where the frame goes there already it needs nothing.
 */
static __always_inline int follow_path(struct __sk_buff *skb, struct path *path)
{
	struct ethhdr *eth;

	if (!path->next_hop.nh_family)
		return TC_ACT_OK;
	if (!LINK_HLEN && path->ifindex == skb->ifindex)
		return TC_ACT_OK;
	if (LINK_HLEN && path->ifindex == skb->ifindex && path->resolved) {
		eth = bytes_at(skb, 0, sizeof(*eth));
		if (eth && same_mac(eth->h_dest, path->mac))
			return TC_ACT_OK;
	}
	/* bpf_redirect_neigh takes an Ethernet header off, whatever the device is that the packet goes to. */
	if (!LINK_HLEN && bpf_skb_change_head(skb, ETH_HLEN, 0))
		return TC_ACT_SHOT;
	set_mark(skb, MARK_DONE);
	return bpf_redirect_neigh(path->ifindex, &path->next_hop, sizeof(path->next_hop), 0);
}

#endif
