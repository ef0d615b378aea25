/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changing a packet on its way to an upstream, and back again. */
#ifndef SLUICE_UDPLB_REWRITE_H
#define SLUICE_UDPLB_REWRITE_H

#include <linux/errno.h>

#include "udplb/packet.h"

/* Of linux/bpf.h, which an older one does not have. */
#define F_IPV6 (1ULL << 7)

/* What of a packet changes. */
struct fields {
	struct address src;
	struct address dst;
	__be16 dst_port;
	__u8 ttl;
	__u8 pad;
	__be32 id; /* of a fragmented datagram */
};

/* Adds what changes when one word takes another's place to a ones' complement sum. */
static __always_inline __u64 add_change(__u64 sum, __be32 from, __be32 to)
{
	return sum + (__u32)~from + to;
}

static __always_inline __u32 fold32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (sum & 0xffffffff) + (sum >> 32);
}

static __always_inline __u16 fold16(__u64 sum)
{
	__u32 half = fold32(sum);

	half = (half & 0xffff) + (half >> 16);
	return (half & 0xffff) + (half >> 16);
}

/* Brings the UDP checksum up to date. The helper knows whether it is whole, or
 * only begun and to be finished by a card; it leaves a checksum of zero alone.
 */
static __always_inline int change_checksum(struct __sk_buff *skb, const struct packet *packet,
					   const struct fields *from, const struct fields *to,
					   __u32 addresses)
{
	__u32 off = packet->l4 + offsetof(struct udphdr, check);
	__u64 flags = BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0;
	int err;

	if (unlikely(packet->no_checksum)) {
		/* Nothing in the packet makes up for these, so the sum that the card took over all of it changes. */
		bpf_csum_update(skb, fold32(add_change(0, from->dst_port, to->dst_port)));
		if (packet->family == AF_INET6)
			bpf_csum_update(skb, addresses);
		return 0;
	}
	if (packet->family == AF_INET6) {
		err = bpf_l4_csum_replace(skb, off, 0, addresses, flags | F_IPV6);
		/* Linux before 6.16 does not know the flag. */
		if (unlikely(err == -EINVAL))
			err = bpf_l4_csum_replace(skb, off, 0, addresses, flags);
	} else {
		err = bpf_l4_csum_replace(skb, off, 0, addresses, flags);
	}
	if (err || from->dst_port == to->dst_port)
		return err;
	return bpf_l4_csum_replace(skb, off, from->dst_port, to->dst_port,
				   BPF_F_MARK_MANGLED_0 | sizeof(to->dst_port));
}

static __always_inline int rewrite_port(struct __sk_buff *skb, const struct packet *packet,
					const struct fields *to)
{
	struct udphdr *udp = bytes_at(skb, packet->l4, sizeof(*udp));

	if (!udp)
		return -EINVAL;
	udp->dest = to->dst_port;
	return 0;
}

static __always_inline int rewrite_ipv4(struct __sk_buff *skb, const struct packet *packet,
					const struct fields *from, const struct fields *to)
{
	__u64 addresses = add_change(add_change(0, from->src.words[3], to->src.words[3]),
				     from->dst.words[3], to->dst.words[3]);
	struct iphdr *ip;
	__u64 sum;

	if (packet->fragment != FRAGMENT_LATER &&
	    change_checksum(skb, packet, from, to, fold32(addresses)))
		return -EINVAL;
	ip = bytes_at(skb, L3, sizeof(*ip));
	if (!ip)
		return -EINVAL;
	sum = addresses + (__u16)~ip->check;
	sum = add_change(sum, bpf_htons(from->ttl << 8), bpf_htons(to->ttl << 8));
	ip->saddr = to->src.words[3];
	ip->daddr = to->dst.words[3];
	ip->ttl = to->ttl;
	if (unlikely(packet->fragment)) {
		sum = add_change(sum, (__u16)from->id, (__u16)to->id);
		ip->id = to->id;
	}
	ip->check = ~fold16(sum);
	return packet->fragment == FRAGMENT_LATER ? 0 : rewrite_port(skb, packet, to);
}

static __always_inline int rewrite_ipv6(struct __sk_buff *skb, const struct packet *packet,
					const struct fields *from, const struct fields *to)
{
	struct ipv6_fragment *fragment;
	__u64 addresses = 0, others;
	struct ipv6hdr *ip;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		addresses = add_change(addresses, from->src.words[i], to->src.words[i]);
		addresses = add_change(addresses, from->dst.words[i], to->dst.words[i]);
	}
	/* No checksum makes up for the hop limit, nor for anything in a later fragment. */
	others = add_change(0, bpf_htonl(from->ttl), bpf_htonl(to->ttl));
	if (packet->fragment)
		others = add_change(others, from->id, to->id);
	if (packet->fragment == FRAGMENT_LATER)
		others += fold32(addresses);
	else if (change_checksum(skb, packet, from, to, fold32(addresses)))
		return -EINVAL;
	bpf_csum_update(skb, fold32(others));
	ip = bytes_at(skb, L3, sizeof(*ip));
	if (!ip)
		return -EINVAL;
	__builtin_memcpy(&ip->saddr, &to->src, sizeof(to->src));
	__builtin_memcpy(&ip->daddr, &to->dst, sizeof(to->dst));
	ip->hop_limit = to->ttl;
	if (packet->fragment) {
		fragment = bytes_at(skb, packet->fragment_at, sizeof(*fragment));
		if (!fragment)
			return -EINVAL;
		fragment->id = to->id;
	}
	return packet->fragment == FRAGMENT_LATER ? 0 : rewrite_port(skb, packet, to);
}

/* Writes `to` where `from` stands. Returns 0, or -EINVAL, after which the packet is not to be used. */
static __always_inline int rewrite(struct __sk_buff *skb, const struct packet *packet,
				   const struct fields *from, const struct fields *to)
{
	return packet->family == AF_INET ? rewrite_ipv4(skb, packet, from, to)
					 : rewrite_ipv6(skb, packet, from, to);
}

#endif
