/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sending a copy.
 *
 * It leaves by bpf_clone_redirect, which takes the packet as it is:
 * headers and MAC addresses are changed, the copy is made, and all is put back.
 * Where the FIB cannot give the MAC addresses (neighbour not resolved, or this
 * host does not forward), the copy makes a detour: unchanged, but marked, it
 * enters this interface again and is treated as under block, where
 * bpf_redirect_neigh has the kernel resolve the neighbour.
 */
#ifndef SLUICE_UDPLB_COPY_H
#define SLUICE_UDPLB_COPY_H

#include <linux/errno.h>
#include <linux/pkt_cls.h>

#include "lib/split.h"
#include "udplb/count.h"
#include "udplb/rewrite.h"
#include "udplb/route.h"

/* "slb" and a digit: a copy on its detour. A mark does not come from the wire. */
#define DETOUR 0x736c6231

static __always_inline int write_macs(struct __sk_buff *skb, const __u8 *dst, const __u8 *src)
{
	struct ethhdr *eth = bytes_at(skb, 0, sizeof(*eth));

	if (!eth)
		return -EINVAL;
	__builtin_memcpy(eth->h_dest, dst, ETH_ALEN);
	__builtin_memcpy(eth->h_source, src, ETH_ALEN);
	return 0;
}

/* Changes the packet, copies it to the interface, and changes it back. Returns the outcome. */
static __always_inline int copy_out(struct __sk_buff *skb, const struct datagram *datagram,
				    const struct fields *from, const struct fields *to,
				    const struct neighbour *next, int *verdict)
{
	__u16 vlan_tci = skb->vlan_tci, vlan_proto = skb->vlan_proto;
	__u8 tagged = skb->vlan_present;
	struct ethhdr *eth, saved;
	int err;

	/* From here on, a failure leaves a half-rewritten packet. */
	*verdict = TC_ACT_SHOT;
	if (tagged && bpf_skb_vlan_pop(skb))
		return NOT_CHANGED;
	eth = bytes_at(skb, 0, sizeof(*eth));
	if (!eth)
		return NOT_CHANGED;
	saved = *eth;
	if (rewrite_rarely(skb, datagram, from, to) || write_macs(skb, next->dst, next->src))
		return NOT_CHANGED;
	err = bpf_clone_redirect(skb, next->ifindex, 0);
	if (rewrite_rarely(skb, datagram, to, from) ||
	    write_macs(skb, saved.h_dest, saved.h_source))
		return NOT_CHANGED;
	if (tagged && bpf_skb_vlan_push(skb, vlan_proto, vlan_tci))
		return NOT_CHANGED;
	*verdict = TC_ACT_UNSPEC;
	/* 2 is NET_XMIT_CN: it was taken, and the queue fills up. */
	return err && err != 2 ? NO_COPY : COPIED;
}

/* Sends a copy on its detour. Returns the outcome, or -1: the copy's own is counted when it comes. */
static __always_inline int copy_round(struct __sk_buff *skb)
{
	__u32 mark = skb->mark;
	int err;

	skb->mark = DETOUR;
	err = bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
	skb->mark = mark;
	if (err)
		return NO_COPY;
	count(DETOURS);
	return -1;
}

/* Sends a copy. Returns the outcome, or -1 as copy_round(). */
static __always_inline int copy(struct __sk_buff *skb, const struct datagram *datagram,
				const struct lb_upstream *upstream, const struct fields *from,
				const struct fields *to, int *verdict)
{
	struct neighbour next = {};
	int route = find_neighbour(skb, datagram, upstream, &next);

	if (likely(route == BPF_FIB_LKUP_RET_SUCCESS))
		return copy_out(skb, datagram, from, to, &next, verdict);
	if (route == BPF_FIB_LKUP_RET_NO_NEIGH || only_output_knows(route, upstream))
		return copy_round(skb);
	if (route != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return NO_ROUTE;
	return may_split(skb, &datagram->packet, next.mtu) ? copy_round(skb) : TOO_BIG;
}

#endif
