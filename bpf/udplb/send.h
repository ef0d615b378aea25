/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sending the packet itself.
 *
 * An IPv4 packet without DF that does not fit makes a detour: changed, and
 * marked with its upstream. It is split there, and its fragments come in once
 * more, each to be sent.
 */
#ifndef SLUICE_UDPLB_SEND_H
#define SLUICE_UDPLB_SEND_H

#include <linux/errno.h>
#include <linux/pkt_cls.h>

#include "lib/split.h"
#include "udplb/rewrite.h"
#include "udplb/route.h"

/* Changed already: to be split, and then to be sent. The other bits are the upstream's index. */
#define SPLIT 0x6c800000
#define PIECE 0x6cc00000
#define SPLIT_MASK 0xffc00000

/* Makes a frame to a group of machines one to this machine: bpf_redirect_neigh and the stack would drop the packet, which
 * is for one address alone. Returns 0, or -EINVAL.
 */
static __always_inline int leave_group(struct __sk_buff *skb)
{
	struct ethhdr *eth;

	if (likely(skb->pkt_type == PACKET_HOST))
		return 0;
	eth = bytes_at(skb, 0, sizeof(*eth));
	if (!eth)
		return -EINVAL;
	eth->h_dest[0] &= ~1;
	return bpf_skb_change_type(skb, PACKET_HOST) ? -EINVAL : 0;
}

/* Sends the packet itself. Returns the outcome; for TOO_BIG, `mtu` is the MTU. */
static __always_inline int send(struct __sk_buff *skb, const struct datagram *datagram,
				const struct lb_upstream *upstream, __u32 index,
				const struct fields *from, const struct fields *to, __u32 *mtu,
				int *verdict)
{
	struct next_hop next = {};
	int route = find_route(skb, datagram, upstream, &next);
	int output = only_output_knows(route, upstream), large;

	large = route == BPF_FIB_LKUP_RET_FRAG_NEEDED;
	if (unlikely(large))
		*mtu = next.mtu;
	if (output && !skb->gso_size)
		large = bpf_check_mtu(skb, upstream->ifindex, mtu, 0, 0) != 0;
	if (unlikely(large) && !may_split(skb, &datagram->packet, *mtu))
		return TOO_BIG;
	if (!large && !output && route != BPF_FIB_LKUP_RET_SUCCESS &&
	    route != BPF_FIB_LKUP_RET_NO_NEIGH)
		return NO_ROUTE;
	if (skb->vlan_present && bpf_skb_vlan_pop(skb))
		return NOT_CHANGED;
	if (forget_sum(skb) || rewrite(skb, datagram, from, to) || leave_group(skb))
		return NOT_CHANGED;
	if (unlikely(large)) {
		skb->mark = SPLIT | index;
		*verdict = bpf_redirect(skb->ifindex, BPF_F_INGRESS);
		return SENT;
	}
	if (unlikely(output)) {
		*verdict = bpf_redirect_neigh(upstream->ifindex, NULL, 0, 0);
		return SENT;
	}
	*verdict = bpf_redirect_neigh(next.ifindex, &next.neighbour, sizeof(next.neighbour), 0);
	return SENT;
}

static __always_inline int send_head(struct __sk_buff *skb)
{
	return bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS) < 0;
}

/* Gives the packet a new identification: its source is the key for all clients. */
static __always_inline int give_id(struct __sk_buff *skb)
{
	__u32 zero = 0, *next = bpf_map_lookup_elem(&next_id, &zero);
	struct iphdr *ip = bytes_at(skb, ETH_HLEN, sizeof(*ip));
	__be16 id;

	if (!next || !ip)
		return -EINVAL;
	id = bpf_htons((__u16)__sync_fetch_and_add(next, 1));
	ip->check = csum_fold(csum_change((__u16)~ip->check, (__u32)ip->id, (__u32)id));
	ip->id = id;
	return 0;
}

/* Splits a packet that send() has changed, or sends one of the pieces. Returns the verdict. */
SUBPROGRAM int send_split(struct __sk_buff *skb)
{
	__u32 mark = skb->mark, index = mark & ~SPLIT_MASK, mtu = 0;
	struct lb_upstream *upstream = bpf_map_lookup_elem(&upstreams, &index);
	struct next_hop next = {};
	struct datagram datagram;
	int route, output;

	skb->mark = 0;
	if (!upstream || parse(skb, &datagram) ||
	    !same_address(&upstream->addr, &datagram.packet.dst.addr))
		return TC_ACT_SHOT;
	datagram.size = IPV4_MIN_MTU;
	route = find_route(skb, &datagram, upstream, &next);
	output = only_output_knows(route, upstream);
	if (output)
		bpf_check_mtu(skb, upstream->ifindex, &mtu, 0, 0);
	else if (route == BPF_FIB_LKUP_RET_SUCCESS || route == BPF_FIB_LKUP_RET_NO_NEIGH)
		mtu = next.mtu;
	if (mtu < IPV4_MIN_MTU)
		return TC_ACT_SHOT;
	if ((mark & SPLIT_MASK) == SPLIT) {
		if (!datagram.packet.fragment && give_id(skb))
			return TC_ACT_SHOT;
		skb->mark = PIECE | index;
		if (split(skb, &datagram.packet, mtu) < 0)
			return TC_ACT_SHOT;
		/* Behind the others. */
		return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
	}
	if ((datagram.packet.len > mtu && cut_head(skb, mtu) < 0) || leave_group(skb))
		return TC_ACT_SHOT;
	if (output)
		return bpf_redirect_neigh(upstream->ifindex, NULL, 0, 0);
	return bpf_redirect_neigh(next.ifindex, &next.neighbour, sizeof(next.neighbour), 0);
}

static __always_inline int is_split(const struct __sk_buff *skb)
{
	return (skb->mark & SPLIT_MASK) == SPLIT || (skb->mark & SPLIT_MASK) == PIECE;
}

#endif
