/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks of the received checksums that the stack would make, for headers that it does not get to see. */
#ifndef SLUICE_VERIFY_H
#define SLUICE_VERIFY_H

#include "lib/checksum.h"
#include "lib/packet.h"

#define IPV4_HEADER_MAX 60

/* Of one call of bpf_csum_diff. */
#define SUM_CHUNK 64

struct sum_state {
	struct __sk_buff *skb;
	__u32 at;
	__u32 rest;
	__u64 sum;
};

static long sum_chunk(__u32 index, struct sum_state *state)
{
	__u8 chunk[SUM_CHUNK] = {};
	__u32 size = state->rest;

	(void)index;
	if (!size)
		return 1;
	if (size > SUM_CHUNK)
		size = SUM_CHUNK;
	/* From 1 to SUM_CHUNK: kernel 6.1 learns nothing from a comparison with 0. */
	barrier_var(size);
	size = ((size - 1) & (SUM_CHUNK - 1)) + 1;
	if (bpf_skb_load_bytes(state->skb, state->at, chunk, size))
		return 1;
	state->sum = (__u32)bpf_csum_diff(NULL, 0, (void *)chunk, SUM_CHUNK, state->sum);
	state->at += size;
	state->rest -= size;
	return 0;
}

/* Adds `len` bytes from `off` to a sum. Returns the sum, folded to 32 bits. */
SUBPROGRAM __u32 sum_bytes(struct __sk_buff *skb, __u32 off, __u32 len, __u32 sum)
{
	struct sum_state state = {.skb = skb, .at = off, .rest = len, .sum = sum};

	bpf_loop(0x10000 / SUM_CHUNK + 1, sum_chunk, &state, 0);
	return state.sum;
}

/* Whether the checksum of the packet's IPv4 header is right. */
static __always_inline int is_header_intact(struct __sk_buff *skb, const struct packet *packet)
{
	__u32 header = packet->l4 - packet->l3, *words;
	__u64 sum = 0;

	if (packet->version != 4)
		return 1;
	words = bytes_at(skb, packet->l3, sizeof(struct iphdr));
	if (!words)
		return 0;
#pragma unroll
	for (__u32 i = 0; i < sizeof(struct iphdr) / 4; i++)
		sum += words[i];
	if (unlikely(header > sizeof(struct iphdr)))
		sum = sum_bytes(skb, packet->l3 + sizeof(struct iphdr),
				header - sizeof(struct iphdr), csum_fold32(sum));
	return !csum_fold(sum);
}

/* Whether the checksum of an ICMP error is right. The stack writes it whole, never partial. */
static __always_inline int is_error_intact(struct __sk_buff *skb, const struct packet *error)
{
	__u32 len = error->len - (error->l4 - error->l3), *addresses;
	__u64 sum = 0;

	if (error->version == 6) {
		addresses = bytes_at(skb, error->l3 + offsetof(struct ipv6hdr, saddr),
				     2 * sizeof(struct in6_addr));
		if (!addresses)
			return 0;
		sum = bpf_htons(IPPROTO_ICMPV6) + (__u64)bpf_htons(len);
#pragma unroll
		for (int i = 0; i < 8; i++)
			sum += addresses[i];
	}
	return !csum_fold(sum_bytes(skb, error->l4, len, csum_fold32(sum)));
}

/* Whether the checksum of a UDP packet is right, absent, or partial: a packet that a virtual device brings may never have passed
 * a card, which would have completed it.
 */
static __always_inline int is_udp_intact(struct __sk_buff *skb, const struct packet *packet,
					 __sum16 check, __u32 udp_len)
{
	__u64 pseudo = bpf_htons(IPPROTO_UDP) + (__u64)bpf_htons(udp_len);
	__u32 sum;

	if (likely(!check) || skb->gso_size || bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0)
		return 1;
	for (int i = 0; i < 4; i++)
		pseudo += (__u64)packet->src.addr.words[i] + packet->dst.addr.words[i];
	/* The prefix of a v4-mapped address, twice. */
	if (packet->version == 4)
		pseudo -= 2 * (__u64)V4_MAPPED;
	if (check == (__u16)~csum_fold(pseudo))
		return 1;
	sum = sum_bytes(skb, packet->l4, udp_len, csum_fold32(pseudo));
	return !csum_fold(sum);
}

#endif
