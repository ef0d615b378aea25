/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Backends in containers: a node hands the decapsulated packet through a veth to the network namespace behind it, past its
 * own stack.
 *
 * The kernel drops a packet that is redirected to the peer of another device than veth or netkit, and a program cannot see
 * the type of a device.
 * So the flag peer must be in the veth's own egress row, besides the flag in the ingress row of the interface where tunnel
 * packets arrive.
 */
#ifndef SLUICE_PEER_H
#define SLUICE_PEER_H

#include "lib/verify.h"
#include "tunnel/encap.h"
#include "tunnel/fast.h"
#include "tunnel/lookup.h"
#include "tunnel/reach.h"

/* Plans a packet to a backend that has passed all checks. Returns the route to its veth, or NULL for the normal path. */
static __always_inline struct route *plan_peer(struct __sk_buff *skb, const struct packet *outer,
					       const struct packet *inner)
{
	struct config *config;
	struct reach *reach;

	if (skb->len != outer->l3 + outer->len || !is_plain(skb, inner, &inner->src.addr) ||
	    !is_header_intact(skb, inner))
		return NULL;
	reach = find_reach(skb, skb->ifindex, &inner->src.addr, &inner->dst.addr);
	if (!reach || !reach->route.ifindex || !reach->route.resolved ||
	    segment_size(skb, inner) > reach->route.mtu)
		return NULL;
	config = find_config(reach->route.ifindex, QUEUE_TX);
	return config && config->flags & TX_PEER ? &reach->route : NULL;
}

/* Hands the decapsulated packet over. Returns a verdict. */
static __always_inline int send_peer(struct __sk_buff *skb, const struct packet *inner,
				     struct route *route)
{
	struct ethhdr *eth;

	if (count_hop(skb, inner))
		return TC_ACT_SHOT;
	eth = bytes_at(skb, 0, sizeof(*eth));
	if (!eth)
		return TC_ACT_SHOT;
	__builtin_memcpy(eth, route->mac, 2 * ETH_ALEN);
	return bpf_redirect_peer(route->ifindex, 0);
}

#endif
