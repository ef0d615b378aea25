// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* UDP relay and forwarder.
 *
 * Hook      tc ingress, direct action
 * Reads     keys, slots, upstreams
 * Writes    fragments, next_id, routes, traffic, outcomes; events (udplb_debug only)
 * Verdicts  REDIRECT  sent to the upstream, and only there (block)
 *           SHOT      block, and it cannot be sent; REDIRECT if the sender is told
 *           UNSPEC    not ours, or a copy was sent (pass), or the upstream is
 *                     this machine: the next filter decides, then the stack
 *
 * A copy (pass) leaves by bpf_clone_redirect, which takes the packet as it is:
 * headers and MAC addresses are changed, the copy is made, and all is put back.
 * Where the FIB cannot give the MAC addresses (neighbour not resolved, or this
 * host does not forward), the copy makes a detour: unchanged, but marked, it
 * enters this interface again and is treated as under block, where
 * bpf_redirect_neigh has the kernel resolve the neighbour.
 *
 * An IPv4 packet without DF that does not fit makes a detour, too: changed, and
 * marked with its upstream. It is split there, and its fragments come in once
 * more, each to be sent.
 */
#include <linux/errno.h>
#include <linux/pkt_cls.h>

#include "lib/icmp_answer.h"
#include "lib/split.h"
#include "udplb/choose.h"
#include "udplb/datagram.h"
#include "udplb/rewrite.h"
#include "udplb/route.h"
#include "udplb/tables.h"

#define PACKET_HOST 0
#define PACKET_OTHERHOST 3
/* "slb" and a digit: a copy on its detour. A mark does not come from the wire. */
#define DETOUR 0x736c6231
/* Changed already: to be split, and then to be sent. The other bits are the upstream's index. */
#define SPLIT 0x6c800000
#define PIECE 0x6cc00000
#define SPLIT_MASK 0xffc00000

static __always_inline void count(__u32 outcome)
{
	__u64 *counter = bpf_map_lookup_elem(&outcomes, &outcome);

	if (counter)
		*counter += 1;
}

static __always_inline void count_traffic(struct __sk_buff *skb, const struct datagram *datagram,
					  __u32 upstream)
{
	struct lb_traffic *row = bpf_map_lookup_elem(&traffic, &upstream);
	struct lb_traffic first = {};

	if (unlikely(!row)) {
		bpf_map_update_elem(&traffic, &upstream, &first, BPF_NOEXIST);
		row = bpf_map_lookup_elem(&traffic, &upstream);
		if (!row)
			return;
	}
	if (unlikely(skb->gso_segs > 1)) {
		row->packets += skb->gso_segs;
		row->bytes += skb->len - ETH_HLEN;
	} else {
		row->packets += 1;
		row->bytes += datagram->size;
	}
}

static __always_inline void write_event(const struct datagram *datagram,
					const struct lb_upstream *upstream, __u32 outcome)
{
	struct lb_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count(EVENTS_LOST);
		return;
	}
	event->time = bpf_ktime_get_ns();
	event->src = datagram->packet.src.addr;
	event->dst = datagram->packet.dst.addr;
	event->upstream = upstream->addr;
	event->src_port = datagram->packet.src.port;
	event->dst_port = datagram->packet.dst.port;
	event->upstream_port = upstream->port;
	event->outcome = outcome;
	event->length = datagram->size;
	event->pad = 0;
	bpf_ringbuf_submit(event, 0);
}

/* Whether this host does not forward, or by a way that only its own routing knows, while user space has found the
 * interface.
 */
static __always_inline int only_output_knows(int route, const struct lb_upstream *upstream)
{
	return (route == BPF_FIB_LKUP_RET_FWD_DISABLED || route == BPF_FIB_LKUP_RET_UNSUPP_LWT) &&
	       upstream->ifindex;
}

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

/* Sends the packet itself. Returns the outcome; of TOO_BIG, `mtu` is what would have gone. */
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

	/* From here on, what fails leaves a packet that is neither. */
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

/* Does what the upstream's key says. Returns the outcome, or -1 as copy_round(). */
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

static __always_inline int send_head(struct __sk_buff *skb)
{
	return bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS) < 0;
}

/* Gives the packet an identification of its own: its source is the key for all clients. */
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
