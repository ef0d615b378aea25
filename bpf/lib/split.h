/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An IPv4 packet without DF that does not fit is sent in fragments, as a router would.
 *
 * For each fragment but the last, a clone of the packet passes a hook again, with a mark; there it is cut down to the first
 * fragment, which fits. The packet itself loses those bytes and is the rest, which in the end fits, too.
 *
 * A program defines send_head() before it includes this file.
 */
#ifndef SLUICE_SPLIT_H
#define SLUICE_SPLIT_H

#include "lib/verify.h"

/* A packet of 64 kilobytes through a tunnel with the smallest MTU. */
#define FRAGMENTS_MAX 128
/* bpf_skb_adjust_room takes no more at once; fragments are of whole 8 bytes. */
#define CUT_MAX 4088
/* Bytes that hold all headers up to where a checksum may begin. */
#define HEAD_SAVED 64
#define IPV4_MIN_MTU 68

/* Sends a clone of the packet to where cut_head() makes it the first fragment. Returns 0, or another number. */
static __always_inline int send_head(struct __sk_buff *skb);

/* Bytes of data in each fragment but the last, where `room` bytes fit from the IP header on. */
static __always_inline __u32 fragment_size(__u32 room)
{
	return (room - sizeof(struct iphdr)) & ~7U;
}

static __always_inline int may_split(struct __sk_buff *skb, const struct packet *packet, __u32 room)
{
	struct iphdr *ip;

	if (packet->version != 4 || skb->gso_size || room < IPV4_MIN_MTU)
		return 0;
	ip = bytes_at(skb, packet->l3, sizeof(*ip));
	return ip && ip->ihl == 5 && !(ip->frag_off & bpf_htons(IP_DF));
}

/* Writes length, offset and checksum of the IP header. `more`: sets MF, whether or not the packet has it. */
static __always_inline int write_fragment(struct __sk_buff *skb, __u32 size, __u32 skipped,
					  int more)
{
	struct iphdr ip;
	__u32 frag;

	if (bpf_skb_load_bytes(skb, LINK_HLEN, &ip, sizeof(ip)))
		return -1;
	frag = bpf_ntohs(ip.frag_off);
	frag = (frag & (IP_MORE | IP_DF)) | ((frag + skipped / 8) & IP_OFFSET) |
	       (more ? IP_MORE : 0);
	ip.check = csum_fold(csum_change(
		csum_change((__u16)~ip.check, (__u32)ip.tot_len, (__u32)bpf_htons(size)),
		(__u32)ip.frag_off, (__u32)bpf_htons(frag)));
	ip.tot_len = bpf_htons(size);
	ip.frag_off = bpf_htons(frag);
	return bpf_skb_store_bytes(skb, LINK_HLEN, &ip, sizeof(ip), 0);
}

/* Cuts the packet down to its first fragment. Returns its size, or -1. */
static __always_inline int cut_head(struct __sk_buff *skb, __u32 room)
{
	__u32 size = sizeof(struct iphdr) + fragment_size(room);

	if (write_fragment(skb, size, 0, 1) || bpf_skb_change_tail(skb, LINK_HLEN + size, 0))
		return -1;
	return size;
}

/* Takes `size` bytes behind the IP header off. */
static __always_inline int cut_data(struct __sk_buff *skb, __u32 size)
{
	for (int i = 0; i < 0x10000 / CUT_MAX + 1; i++) {
		__u32 cut = size > CUT_MAX ? CUT_MAX : size;

		if (!cut)
			return 0;
		if (bpf_skb_adjust_room(skb, -(int)cut, BPF_ADJ_ROOM_NET, 0))
			return -1;
		size -= cut;
	}
	return 0;
}

struct split_state {
	struct __sk_buff *skb;
	__u32 size; /* of what is left */
	__u32 room;
	__u32 failed;
};

static long split_off(__u32 index, struct split_state *state)
{
	__u32 data = fragment_size(state->room);

	(void)index;
	if (state->size <= state->room)
		return 1;
	state->failed = 1;
	if (send_head(state->skb))
		return 1;
	state->size -= data;
	if (cut_data(state->skb, data) || write_fragment(state->skb, state->size, data, 0))
		return 1;
	state->failed = 0;
	return 0;
}

/* Completes a partial checksum of the transport header, which covers all fragments. A whole one that is wrong stays wrong. */
static __always_inline int settle_checksum(struct __sk_buff *skb, const struct packet *packet)
{
	__u32 len = packet->len - (packet->l4 - packet->l3), at = packet->l4;
	__u64 pseudo = bpf_htons(packet->proto) + (__u64)bpf_htons(len);
	__u8 head[HEAD_SAVED];
	__u16 check, left;
	__u32 sum;

	at += packet->proto == IPPROTO_TCP ? offsetof(struct tcphdr, check)
					   : offsetof(struct udphdr, check);
	if (bpf_skb_load_bytes(skb, at, &check, sizeof(check)))
		return -1;
	pseudo += (__u64)packet->src.addr.words[3] + packet->dst.addr.words[3];
	left = ~csum_fold(pseudo);
	if (check == left && (check || packet->proto == IPPROTO_TCP)) {
		sum = sum_bytes(skb, packet->l4, len, csum_fold32(pseudo));
		check = csum_fold((__u64)sum + (__u16)~check);
		if (!check && packet->proto == IPPROTO_UDP)
			check = 0xffff;
		if (bpf_skb_store_bytes(skb, at, &check, sizeof(check), 0))
			return -1;
	}
	/* The kernel drops a partial checksum when its field is removed. */
	if (bpf_skb_load_bytes(skb, LINK_HLEN, head, HEAD_SAVED) ||
	    bpf_skb_adjust_room(skb, -HEAD_SAVED, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_adjust_room(skb, HEAD_SAVED, BPF_ADJ_ROOM_MAC, 0))
		return -1;
	return bpf_skb_store_bytes(skb, LINK_HLEN, head, HEAD_SAVED, 0);
}

/* Sends all fragments but the last, which the packet then is. Returns its size, or -1 after which the packet is not to be
 * used.
 */
SUBPROGRAM int split(struct __sk_buff *skb, const struct packet *packet, __u32 room)
{
	struct split_state state = {.skb = skb, .room = room};

	if (!packet)
		return -1;
	if (!packet->fragment && !packet->quote &&
	    (packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP) &&
	    settle_checksum(skb, packet))
		return -1;
	state.size = packet->len;
	bpf_loop(FRAGMENTS_MAX, split_off, &state, 0);
	return state.failed || state.size > room ? -1 : (int)state.size;
}

#endif
