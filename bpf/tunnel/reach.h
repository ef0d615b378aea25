/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where addresses that a peer names lead to: whether a ping may come from one, and whether an inner packet may go to one. */
#ifndef SLUICE_REACH_H
#define SLUICE_REACH_H

#include "lib/lookup_cache.h"
#include "lib/packet.h"
#include "tunnel/lookup.h"
#include "tunnel/outcome.h"
#include "tunnel/path.h"
#include "tunnel/tables.h"

#define REACH_LOG2 8

/* By a packet's destination and the interface that it came in by. The source may count for routing, too: an entry answers
 * for one. Ports are not in the key: each connection of a client has another, and its first packet must hit, too.
 */
struct reach {
	struct lookup lookup; /* found: another host's address */
	struct address to;
	__u32 from;
	struct address source;
	struct route route; /* ifindex 0: none, or this host does not forward */
};

LOOKUP_CACHE(reach_cache, struct reach, REACH_LOG2);

/* Whether it may be the address of one host, other than by loopback. */
static __always_inline int is_unicast(const struct address *address)
{
	__u8 first = address->bytes[12];

	if (!is_host(address))
		return 0;
	if (is_ipv4(address))
		return first && first != 127;
	return address->words[0] || address->words[1] || address->words[2] ||
	       bpf_ntohl(address->words[3]) > 1;
}

enum reach_of {
	REACH_HERE, /* an address of this host's own, a broadcast or multicast address, or one without a route */
	REACH_ELSEWHERE, /* another host's */
	REACH_UNKNOWN, /* the kernel looks up no route, for this host does not forward, not even on lo: see find_own_route */
};

/* Where this host's routing sends a packet. */
static __always_inline enum reach_of reach_of(struct __sk_buff *skb, struct route_query *query,
					      struct route *route)
{
	long result;

	if (!is_unicast(query->destination))
		return REACH_HERE;
	result = find_own_route(skb, query, route);
	if (result == BPF_FIB_LKUP_RET_FWD_DISABLED)
		return REACH_UNKNOWN;
	return result == BPF_FIB_LKUP_RET_SUCCESS || result == BPF_FIB_LKUP_RET_NO_NEIGH ||
			       result == BPF_FIB_LKUP_RET_UNSUPP_LWT
		       ? REACH_ELSEWHERE
		       : REACH_HERE;
}

/* Whether the sender of a ping can be a far end. Called only for a new far end, which is rare. */
SUBPROGRAM int may_ping_from(struct __sk_buff *skb, const struct packet *ping)
{
	struct route_query query = {.from = skb->ifindex};
	struct route route;

	if (!ping)
		return 0;
	query.source = &ping->dst.addr;
	query.destination = &ping->src.addr;
	return ping->src.port && reach_of(skb, &query, &route) != REACH_HERE;
}

SUBPROGRAM int fill_reach(struct __sk_buff *skb, const struct address *source, struct reach *reach)
{
	struct route_query query = {.source = source};
	struct address to;

	if (!source || !reach)
		return 0;
	reach->source = *source;
	reach->route.ifindex = 0;
	to = reach->to;
	query.from = reach->from;
	query.destination = &to;
	reach->lookup.found = reach_of(skb, &query, &reach->route) == REACH_ELSEWHERE;
	if (query.from != reach->from)
		reach->route.ifindex = 0;
	return 0;
}

/* Returns where packets from an address lead that come in by the interface `from`, valid until the next call, or NULL. */
static __always_inline struct reach *find_reach(struct __sk_buff *skb, __u32 from,
						const struct address *source,
						const struct address *to)
{
	_Alignas(8) struct {
		struct address to;
		__u32 from;
	} key = {.to = *to, .from = from};
	/* The clients of one backend have entries of their own. */
	__u32 slot = lookup_slot((void *)&key, WORDS(key), REACH_LOG2) ^
		     (source->words[3] * 0x9e3779b1 >> (32 - REACH_LOG2));
	struct reach *reach = bpf_map_lookup_elem(&reach_cache, &slot);

	if (reach && (!lookup_hit(&reach->lookup, (void *)&reach->to, (void *)&key, WORDS(key)) ||
		      !same_address(&reach->source, source)))
		fill_reach(skb, source, reach);
	return reach;
}

/* Checks the destination of a reply at a gateway: not into another service's tunnel, which would give it
 * that service's key, and not to the gateway itself. Returns 0 or a negative reason.
 */
static __always_inline int check_reach(struct __sk_buff *skb, const struct packet *inner,
				       struct reach **reach)
{
	if (is_backend(&inner->dst))
		return -OUT_INNER_BACKEND;
	*reach = find_reach(skb, skb->ifindex, &inner->src.addr, &inner->dst.addr);
	return *reach && (*reach)->lookup.found ? 0 : -OUT_INNER_LOCAL;
}

#endif
