/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The wire format: GUE variant 0 with a group identifier (the sid) and a 128-bit security field (the key); writing
 * the outer header and taking it off.
 */
#ifndef SLUICE_GUE_H
#define SLUICE_GUE_H

#include "lib/checksum.h"
#include "lib/packet.h"
#include "tunnel/gue_word.h"
#include "tunnel/lookup.h"
#include "tunnel/outcome.h"
#include "tunnel/tables.h"

#define OUTER_TTL 64

struct gue_sid {
	__be16 service;
	__be16 group;
};

/* What follows UDP in a data packet. */
struct gue {
	__be32 word;
	struct gue_sid sid;
	__u8 key[KEY_SIZE];
};

/* A tunnel packet's GUE part. */
struct gue_part {
	__u32 word;
	__u32 off;
	__u32 len;
};

struct outer_ipv4 {
	struct iphdr ip;
	struct udphdr udp;
	struct gue gue;
};

struct outer_ipv6 {
	struct ipv6hdr ip;
	struct udphdr udp;
	struct gue gue;
};

_Static_assert(sizeof(struct outer_ipv4) == 52, "no gaps");
_Static_assert(sizeof(struct outer_ipv6) == 72, "no gaps");

static __always_inline __u32 outer_size(__u8 version)
{
	return version == 4 ? sizeof(struct outer_ipv4) : sizeof(struct outer_ipv6);
}

/* As one word: it is hashed right after, and a load waits for narrower stores. The order is that of a little-endian machine. */
static __always_inline void read_sid(struct sid *sid, const struct gue_sid *wire)
{
	__u32 word = bpf_ntohl(*(const __be32 *)wire);

	*(__u32 *)sid = word >> 16 | word << 16;
}

/* Compares without a branch on any byte, so that the time does not depend on how much of a key was right. */
static __always_inline int same_key(const __u8 *a, const __u8 *b)
{
	__u64 difference = 0;

#pragma unroll
	for (int i = 0; i < KEY_SIZE; i += 8)
		difference |= *(__u64 *)(a + i) ^ *(__u64 *)(b + i);
	return !difference;
}

static __always_inline void write_udp_gue(struct udphdr *udp, struct gue *gue, __be16 source,
					  const struct tunnel *tunnel,
					  const struct cached_service *service, __u8 inner_version,
					  __u16 size)
{
	udp->source = source;
	udp->dest = tunnel->remote_port;
	udp->len = bpf_htons(size);
	udp->check = 0;
	gue->word = bpf_htonl(inner_version == 4 ? GUE_DATA_IPV4 : GUE_DATA_IPV6);
	gue->sid.service = bpf_htons(service->sid.service);
	gue->sid.group = bpf_htons(service->sid.group);
	__builtin_memcpy(gue->key, service->key, KEY_SIZE);
}

/* Sizes that 16 bits do not hold are written as 0, as the kernel does with super-packets that large. */
static __always_inline __u16 size16(__u32 size)
{
	return size > 0xffff ? 0 : size;
}

static __always_inline void write_outer_ipv4(struct outer_ipv4 *outer, __be16 source,
					     const struct tunnel *tunnel,
					     const struct cached_service *service,
					     const struct packet *inner)
{
	__u32 size = inner->len + sizeof(*outer);
	__u64 sum;
	__be32 saddr = tunnel->local.words[3], daddr = tunnel->remote.words[3];
	__be16 length = bpf_htons(size16(size));

	outer->ip.version = 4;
	outer->ip.ihl = 5;
	outer->ip.tos = inner->tos & ECN_MASK;
	outer->ip.tot_len = length;
	outer->ip.id = 0;
	outer->ip.frag_off = bpf_htons(IP_DF);
	outer->ip.ttl = OUTER_TTL;
	outer->ip.protocol = IPPROTO_UDP;
	sum = bpf_htons(0x4500 | (inner->tos & ECN_MASK));
	sum += length;
	sum += bpf_htons(IP_DF);
	sum += bpf_htons(OUTER_TTL << 8 | IPPROTO_UDP);
	sum += saddr;
	sum += daddr;
	outer->ip.check = csum_fold(sum);
	outer->ip.saddr = saddr;
	outer->ip.daddr = daddr;
	write_udp_gue(&outer->udp, &outer->gue, source, tunnel, service, inner->version,
		      size16(size - sizeof(outer->ip)));
}

static __always_inline void write_outer_ipv6(struct outer_ipv6 *outer, __be16 source, __u32 label,
					     const struct tunnel *tunnel,
					     const struct cached_service *service,
					     const struct packet *inner)
{
	__u32 size = inner->len + sizeof(*outer) - sizeof(outer->ip);

	*(__be32 *)&outer->ip = bpf_htonl(6 << 28 | (__u32)(inner->tos & ECN_MASK) << 20 | label);
	outer->ip.payload_len = bpf_htons(size16(size));
	outer->ip.nexthdr = IPPROTO_UDP;
	outer->ip.hop_limit = OUTER_TTL;
	__builtin_memcpy(&outer->ip.saddr, &tunnel->local, sizeof(outer->ip.saddr));
	__builtin_memcpy(&outer->ip.daddr, &tunnel->remote, sizeof(outer->ip.daddr));
	write_udp_gue(&outer->udp, &outer->gue, source, tunnel, service, inner->version,
		      size16(size));
}

/* Takes `size` bytes of outer headers off, from the end of the Ethernet header on.
 *
 * Segment sizes stay: the kernel would increase them by the size of the outer header, beyond the MTU of the next link.
 * Where the families differ, the packet is first changed to the inner one, which changes its size by the difference of the
 * two IP headers. Kernels before 6.3 have no other helper for this.
 */
static __always_inline int strip_outer(struct __sk_buff *skb, __u32 size, __u8 outer_version,
				       __u8 inner_version)
{
	int difference = sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	struct ethhdr *eth;

	if (outer_version != inner_version) {
		if (bpf_skb_change_proto(
			    skb, inner_version == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6),
			    0))
			return -OUT_DECAP_FAILED;
		size += inner_version == 4 ? -difference : difference;
	}
	if (bpf_skb_adjust_room(skb, -(int)size, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return -OUT_DECAP_FAILED;
	if (LINK_HLEN && outer_version != inner_version) {
		eth = bytes_at(skb, 0, sizeof(*eth));
		if (!eth)
			return -OUT_DECAP_FAILED;
		eth->h_proto = inner_version == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	}
	return 0;
}

#endif
