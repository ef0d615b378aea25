// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* UDP relay and forwarder.
 *
 * Hook      tc ingress, direct action
 * Reads     keys, slots, upstreams
 * Writes    fragments, next_id, routes, traffic, outcomes; events (udplb_debug only)
 * Verdicts  REDIRECT  sent to the upstream, and only there (block)
 *           SHOT      block, and it cannot be sent; REDIRECT if the sender gets an ICMP error
 *           UNSPEC    not ours, or a copy was sent (pass), or the upstream is
 *                     this machine: the next filter decides, then the stack
 */
#include <linux/pkt_cls.h>

#include "lib/icmp_answer.h"
#include "lib/verify.h"
#include "udplb/choose.h"
#include "udplb/copy.h"
#include "udplb/count.h"
#include "udplb/datagram.h"
#include "udplb/rewrite.h"
#include "udplb/send.h"
#include "udplb/tables.h"

/* Gives the packet to this machine as one that was sent to the upstream. Returns the outcome. */
static __always_inline int deliver(struct __sk_buff *skb, const struct datagram *datagram,
				   const struct fields *from, struct fields *to)
{
	/* A packet from outside with an address of this machine for its source would be refused. */
	to->src = from->src;
	to->ttl = from->ttl;
	return rewrite_rarely(skb, datagram, from, to) || leave_group(skb) ? NOT_CHANGED
									   : DELIVERED;
}

/* Forwards or copies as the upstream's key says. Returns the outcome, or -1 as copy_round(). */
static __always_inline int act(struct __sk_buff *skb, const struct datagram *datagram,
			       const struct lb_upstream *upstream, __u32 index, __u32 id, int pass,
			       __u32 *mtu, int *verdict)
{
	struct fields from = {
		.src = datagram->packet.src.addr,
		.dst = datagram->packet.dst.addr,
		.dst_port = datagram->packet.dst.port,
		.ttl = datagram->ttl,
		.id = datagram->packet.id,
	};
	struct fields to = {
		.src = upstream->key_addr,
		.dst = upstream->addr,
		.dst_port = upstream->port,
		.ttl = datagram->ttl - 1,
		.id = id,
	};
	int outcome;

	if (unlikely(upstream->flags & UPSTREAM_LOCAL)) {
		if (pass)
			return copy_round(skb);
		outcome = deliver(skb, datagram, &from, &to);
		*verdict = outcome == DELIVERED ? TC_ACT_UNSPEC : TC_ACT_SHOT;
		return outcome;
	}
	*verdict = pass ? TC_ACT_UNSPEC : TC_ACT_SHOT;
	if (unlikely(datagram->ttl <= 1))
		return TTL_EXPIRED;
	return pass ? copy(skb, datagram, upstream, &from, &to, verdict)
		    : send(skb, datagram, upstream, index, &from, &to, mtu, verdict);
}

static __always_inline int balance(struct __sk_buff *skb, int debug)
{
	int detour = skb->mark == DETOUR, verdict = TC_ACT_UNSPEC, outcome, pass;
	struct datagram datagram;
	struct lb_upstream *upstream;
	__u32 index = 0, mtu = 0;
	__u32 id = 0;

	if (skb->pkt_type == PACKET_OTHERHOST)
		return TC_ACT_UNSPEC;
	outcome = parse(skb, &datagram);
	if (!outcome)
		outcome = find_upstream(&datagram.packet, detour, &index, &id);
	if (likely(outcome > 0))
		return TC_ACT_UNSPEC;
	if (unlikely(outcome)) {
		count(-outcome);
		return TC_ACT_UNSPEC;
	}
	if (unlikely(!is_header_intact(skb, &datagram.packet))) {
		count(MALFORMED);
		return TC_ACT_UNSPEC;
	}
	upstream = bpf_map_lookup_elem(&upstreams, &index);
	if (!upstream || !upstream->in_use) {
		count(NO_UPSTREAM);
		return TC_ACT_UNSPEC;
	}
	/* From before a reload, which gave the index to another key. */
	if (unlikely(datagram.packet.fragment == FRAGMENT_LATER &&
		     !same_address(&upstream->key_addr, &datagram.packet.dst.addr))) {
		count(LATE_FRAGMENT);
		return TC_ACT_UNSPEC;
	}
	if (unlikely(detour))
		skb->mark = 0;
	pass = upstream->action == ACTION_PASS && !detour;
	outcome = act(skb, &datagram, upstream, index, id, pass, &mtu, &verdict);
	if (outcome < 0)
		return verdict;
	if (outcome == SENT && upstream->action == ACTION_PASS)
		outcome = COPIED;
	count(outcome);
	if (outcome <= DELIVERED)
		count_traffic(skb, &datagram, index);
	if (debug)
		write_event(&datagram, upstream, outcome);
	/* Of a copy, the sender need not know. */
	if (unlikely(upstream->action == ACTION_BLOCK &&
		     (outcome == TTL_EXPIRED || (outcome == TOO_BIG && mtu)) &&
		     !icmp_answer(skb, &datagram.packet,
				  outcome == TOO_BIG ? ANSWER_TOO_BIG : ANSWER_TIME_EXCEEDED,
				  mtu))) {
		count(ANSWERED);
		return bpf_redirect(skb->ifindex, 0);
	}
	return verdict;
}

/* Functions of their own: the stack has no room for both at once. */
SUBPROGRAM int run(struct __sk_buff *skb)
{
	return balance(skb, 0);
}

SUBPROGRAM int run_debug(struct __sk_buff *skb)
{
	return balance(skb, 1);
}

SEC("tc")
int udplb(struct __sk_buff *skb)
{
	return unlikely(is_split(skb)) ? send_split(skb) : run(skb);
}

SEC("tc")
int udplb_debug(struct __sk_buff *skb)
{
	return unlikely(is_split(skb)) ? send_split(skb) : run_debug(skb);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
