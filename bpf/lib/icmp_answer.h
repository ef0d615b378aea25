/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ICMP error that a router sends about a packet that it cannot forward: "too big" or "time exceeded", of both families. */
#ifndef SLUICE_ICMP_ANSWER_H
#define SLUICE_ICMP_ANSWER_H

#include "lib/checksum.h"
#include "lib/icmp_error.h"
#include "lib/map.h"
#include "lib/packet.h"

/* A token bucket for each CPU: answers per second, and the burst. A datagram of 64 kilobytes is some 45 fragments. */
#define ANSWERS_PER_SECOND 1000
#define ANSWERS_AT_ONCE 64
#define NS_PER_ANSWER (1000000000ULL / ANSWERS_PER_SECOND)

/* Maximum of the quotation by RFC 1812 and RFC 4443: 576 and 1280 bytes with their headers; multiples of 4. */
#define QUOTE_IPV4 (576 - sizeof(struct iphdr) - sizeof(struct icmp_error))
#define QUOTE_IPV6 (1280 - sizeof(struct ipv6hdr) - sizeof(struct icmp_error))
/* Bytes of the packet that are taken off and put back: past where the transport header starts. */
#define SAVED 64
/* What is left then must still be a packet. */
#define SHORTEST (SAVED + sizeof(struct ipv6hdr))
#define ANSWER_TTL 64

enum icmp_answer {
	ANSWER_TOO_BIG,
	ANSWER_TIME_EXCEEDED,
};

struct icmp_limit {
	__u64 tokens; /* in ns */
	__u64 time;
};

MAP(icmp_limit, PERCPU_ARRAY, __u32, struct icmp_limit, 1);

static __always_inline int may_answer(void)
{
	__u64 now = bpf_ktime_get_ns(), most = ANSWERS_AT_ONCE * NS_PER_ANSWER;
	__u32 zero = 0;
	struct icmp_limit *limit = bpf_map_lookup_elem(&icmp_limit, &zero);

	if (!limit)
		return 0;
	if (now > limit->time) {
		limit->tokens += now - limit->time;
		limit->time = now;
	}
	if (limit->tokens > most)
		limit->tokens = most;
	if (limit->tokens < NS_PER_ANSWER)
		return 0;
	limit->tokens -= NS_PER_ANSWER;
	return 1;
}

/* Sums `words` words of 32 bits, which are in the linear part. */
static __always_inline int sum_words(struct __sk_buff *skb, __u32 off, __u32 words, __u64 *sum)
{
	void *data = packet_start(skb) + off;
	void *end = packet_end(skb);

	for (__u32 i = 0; i < QUOTE_IPV6 / 4 + 2; i++) {
		if (i >= words)
			return 0;
		/* Or the compiler adds to `end`, which the verifier forbids. */
		barrier_var(end);
		if (data + 4 > end)
			return -1;
		*sum += *(__u32 *)data;
		data += 4;
	}
	return 0;
}

static __always_inline void swap_ethernet(struct ethhdr *eth)
{
	__u8 old[ETH_ALEN];

	__builtin_memcpy(old, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, old, ETH_ALEN);
}

static __always_inline int write_ipv4(struct __sk_buff *skb, const struct packet *packet,
				      __u32 quoted)
{
	__be32 saddr = packet->dst.addr.words[3], daddr = packet->src.addr.words[3];
	__be16 length = bpf_htons(sizeof(struct iphdr) + sizeof(struct icmp_error) + quoted);
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = length,
		.ttl = ANSWER_TTL,
		.protocol = IPPROTO_ICMP,
		.saddr = saddr,
		.daddr = daddr,
	};

	ip.check = csum_fold((__u64)bpf_htons(0x4500) + length +
			     bpf_htons(ANSWER_TTL << 8 | IPPROTO_ICMP) + saddr + daddr);
	return bpf_skb_store_bytes(skb, LINK_HLEN, &ip, sizeof(ip), 0);
}

static __always_inline int write_ipv6(struct __sk_buff *skb, const struct packet *packet,
				      __u32 quoted, __u64 *sum)
{
	__be16 length = bpf_htons(sizeof(struct icmp_error) + quoted);
	struct ipv6hdr ip = {
		.version = 6,
		.payload_len = length,
		.nexthdr = IPPROTO_ICMPV6,
		.hop_limit = ANSWER_TTL,
	};

	__builtin_memcpy(&ip.saddr, &packet->dst.addr, sizeof(ip.saddr));
	__builtin_memcpy(&ip.daddr, &packet->src.addr, sizeof(ip.daddr));
	*sum = (__u64)length + bpf_htons(IPPROTO_ICMPV6);
	for (int i = 0; i < 4; i++)
		*sum += (__u64)packet->src.addr.words[i] + packet->dst.addr.words[i];
	return bpf_skb_store_bytes(skb, LINK_HLEN, &ip, sizeof(ip), 0);
}

static __always_inline void fill_icmp(struct icmp_error *icmp, __u8 version, __u32 answer,
				      __u32 mtu)
{
	if (version == 4) {
		icmp->type = answer == ANSWER_TOO_BIG ? ICMP_DEST_UNREACH : ICMP_TIME_EXCEEDED;
		icmp->code = answer == ANSWER_TOO_BIG ? ICMP_FRAG_NEEDED : 0;
	} else {
		icmp->type = answer == ANSWER_TOO_BIG ? ICMPV6_PKT_TOOBIG : ICMPV6_TIME_EXCEED;
	}
	icmp->mtu = bpf_htons(mtu);
}

static __always_inline int write_icmp(struct __sk_buff *skb, __u32 off, struct icmp_error *icmp,
				      __u32 quoted, __u64 sum)
{
	if (bpf_skb_store_bytes(skb, off, icmp, sizeof(*icmp), 0) ||
	    bpf_skb_pull_data(skb, off + sizeof(*icmp) + quoted) ||
	    sum_words(skb, off, (sizeof(*icmp) + quoted) / 4, &sum))
		return -1;
	icmp->csum = csum_fold(sum);
	return bpf_skb_store_bytes(skb, off, icmp, sizeof(*icmp), 0);
}

/* Truncates the packet to the quoted part, with `size` bytes before its IP header.
 *
 * The first SAVED bytes are removed and written again: the kernel then drops a partial checksum (CHECKSUM_PARTIAL), which
 * the device would write into the quotation.
 */
static __always_inline int make_room(struct __sk_buff *skb, __u32 quoted, __u32 size)
{
	__u32 kept = quoted < SHORTEST ? SHORTEST : quoted;
	__u8 saved[SAVED];

	if (forget_sum(skb) || bpf_skb_change_tail(skb, LINK_HLEN + kept, 0) ||
	    bpf_skb_load_bytes(skb, LINK_HLEN, saved, SAVED) ||
	    bpf_skb_adjust_room(skb, -SAVED, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_adjust_room(skb, SAVED + size, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_store_bytes(skb, LINK_HLEN + size, saved, SAVED, 0))
		return -1;
	return kept == quoted ? 0 : bpf_skb_change_tail(skb, LINK_HLEN + size + quoted, 0);
}

/* Whether a host may be sent an error about the packet: never where its source or its destination is not one host's, or its
 * frame is for many (RFC 1122, section 3.2.2; RFC 4443, section 2.4). Nor about an ICMP error, or a later fragment.
 */
static __always_inline int is_answerable(struct __sk_buff *skb, const struct packet *packet)
{
	return !packet->quote && packet->fragment != FRAGMENT_LATER &&
	       skb->pkt_type != PACKET_BROADCAST && skb->pkt_type != PACKET_MULTICAST &&
	       is_host(&packet->src.addr) && is_host(&packet->dst.addr);
}

/* Makes the packet the answer to its sender. The answer comes from the packet's destination: routing accepts that source
 * here, and NAT on the way back recognises the quoted flow. `mtu`: 0 for time exceeded.
 *
 * Returns 0, or -1 where there must be no answer: to what is not answerable, and to more packets than may_answer lets by. The
 * packet is then not to be used.
 */
SUBPROGRAM int icmp_answer(struct __sk_buff *skb, const struct packet *packet, __u32 answer,
			   __u32 mtu)
{
	struct icmp_error icmp = {};
	__u32 most, quoted, header;
	struct ethhdr *eth;
	__u64 sum = 0;

	if (!packet || !is_answerable(skb, packet))
		return -1;
	most = packet->version == 4 ? QUOTE_IPV4 : QUOTE_IPV6;
	quoted = (packet->len < most ? packet->len : most) & ~3U;
	header = packet->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	if (!may_answer() || make_room(skb, quoted, header + sizeof(icmp)))
		return -1;
	if (packet->version == 4 ? write_ipv4(skb, packet, quoted)
				 : write_ipv6(skb, packet, quoted, &sum))
		return -1;
	fill_icmp(&icmp, packet->version, answer, mtu);
	if (write_icmp(skb, LINK_HLEN + header, &icmp, quoted, sum))
		return -1;
	if (!LINK_HLEN)
		return 0;
	eth = bytes_at(skb, 0, sizeof(*eth));
	if (!eth)
		return -1;
	swap_ethernet(eth);
	return 0;
}

#endif
