/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where addresses that a peer names lead to: whether a ping may come from one, and whether an inner packet may go to one. */
#ifndef SLUICE_REACH_H
#define SLUICE_REACH_H

#include "lib/lookup_cache.h"
#include "lib/packet.h"
#include "tunnel/outcome.h"
#include "tunnel/path.h"
#include "tunnel/tables.h"

#define REACH_LOG2 8

/* By an inner packet's destination. `found` is the outcome of a packet that may not go there, or REACHABLE. */
struct reach {
	struct lookup lookup;
	struct endpoint to;
	__u32 pad;
};

#define REACHABLE OUTCOMES

LOOKUP_CACHE(reach_cache, struct reach, REACH_LOG2);

/* Whether it may be the address of one host, other than by loopback. */
static __always_inline int is_unicast(const struct address *address)
{
	__u8 first;

	if (!is_ipv4(address)) {
		if (address->bytes[0] == 0xff)
			return 0;
		return address->words[0] || address->words[1] || address->words[2] ||
		       bpf_ntohl(address->words[3]) > 1;
	}
	first = address->bytes[12];
	return first && first != 127 && first < 224;
}

enum reach_of {
	REACH_HERE, /* an address of this host's own, a broadcast or multicast address, or one without a route */
	REACH_ELSEWHERE, /* another host's */
	REACH_UNKNOWN, /* routing says nothing, for this host does not forward, not even on lo: see plan_route */
};

/* Where this host's routing sends packets from one address to another. */
static __always_inline enum reach_of reach_of(struct __sk_buff *skb, const struct address *from,
					      const struct address *to)
{
	struct bpf_fib_lookup fib;
	__u32 ifindex = skb->ifindex;
	long result;

	if (!is_unicast(to))
		return REACH_HERE;
	for (int i = 0; i < 2; i++) {
		__builtin_memset(&fib, 0, sizeof(fib));
		fib.ifindex = ifindex;
		fib.tot_len = 1;
		if (is_ipv4(to)) {
			fib.family = AF_INET;
			fib.ipv4_src = from->words[3];
			fib.ipv4_dst = to->words[3];
		} else {
			fib.family = AF_INET6;
			__builtin_memcpy(fib.ipv6_src, from, sizeof(fib.ipv6_src));
			__builtin_memcpy(fib.ipv6_dst, to, sizeof(fib.ipv6_dst));
		}
		result = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
		if (result != BPF_FIB_LKUP_RET_FWD_DISABLED)
			return result == BPF_FIB_LKUP_RET_SUCCESS ||
					       result == BPF_FIB_LKUP_RET_NO_NEIGH ||
					       result == BPF_FIB_LKUP_RET_UNSUPP_LWT
				       ? REACH_ELSEWHERE
				       : REACH_HERE;
		ifindex = LOOPBACK;
	}
	return REACH_UNKNOWN;
}

/* Whether the sender of a ping can be a far end. Asked where it would become one, which is rare. */
SUBPROGRAM int may_ping_from(struct __sk_buff *skb, const struct packet *ping)
{
	if (!ping)
		return 0;
	return ping->src.port && reach_of(skb, &ping->dst.addr, &ping->src.addr) != REACH_HERE;
}

SUBPROGRAM int fill_reach(struct __sk_buff *skb, const struct packet *inner, struct reach *reach)
{
	struct endpoint to;

	if (!inner || !reach)
		return 0;
	to = inner->dst;
	if (bpf_map_lookup_elem(&map_encap, &to))
		reach->lookup.found = OUT_INNER_BACKEND;
	else if (reach_of(skb, &inner->src.addr, &inner->dst.addr) == REACH_ELSEWHERE)
		reach->lookup.found = REACHABLE;
	else
		reach->lookup.found = OUT_INNER_LOCAL;
	return 0;
}

/* Judges where a reply from a backend goes to, at its gateway: not into another service's tunnel, which would give it
 * that service's key, and not to the gateway itself. Returns 0 or a negative reason.
 */
static __always_inline int check_reach(struct __sk_buff *skb, const struct packet *inner)
{
	__u32 slot = lookup_slot((const void *)&inner->dst, WORDS(inner->dst), REACH_LOG2);
	struct reach *reach = bpf_map_lookup_elem(&reach_cache, &slot);

	if (!reach)
		return -OUT_INNER_LOCAL;
	if (!lookup_hit(&reach->lookup, (void *)&reach->to, (const void *)&inner->dst,
			WORDS(inner->dst)))
		fill_reach(skb, inner, reach);
	return reach->lookup.found == REACHABLE ? 0 : -(int)reach->lookup.found;
}

#endif
