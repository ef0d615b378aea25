/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changing a packet on its way to an upstream, and back again. */
#ifndef SLUICE_UDPLB_REWRITE_H
#define SLUICE_UDPLB_REWRITE_H

#include <linux/errno.h>

#include "lib/transport_checksum.h"
#include "udplb/datagram.h"

/* What of a packet changes. */
struct fields {
	struct address src;
	struct address dst;
	__be16 dst_port;
	__u8 ttl;
	__u8 pad;
	__u32 id; /* of a fragmented datagram, host byte order */
};

/* Updates the UDP checksum, whole or partial; one of zero stays, and a later fragment has none.
 * `addresses` is the change of the addresses' sum, folded to 16 bits.
 */
static __always_inline int change_udp_checksum(struct __sk_buff *skb,
					       const struct datagram *datagram,
					       const struct fields *from, const struct fields *to,
					       __u32 addresses)
{
	if (datagram->packet.fragment == FRAGMENT_LATER)
		return 0;
	if (unlikely(datagram->no_checksum)) {
		/* Nothing balances the new port in the sum that the device took over the packet. */
		bpf_csum_update(skb, csum_fold32(csum_change(0, from->dst_port, to->dst_port)));
		return 0;
	}
	return change_checksum(skb, &datagram->packet, addresses, &from->dst_port, &to->dst_port) <
	       0;
}

static __always_inline int rewrite_port(struct __sk_buff *skb, const struct datagram *datagram,
					const struct fields *to)
{
	struct udphdr *udp;

	if (datagram->packet.fragment == FRAGMENT_LATER)
		return 0;
	udp = bytes_at(skb, datagram->packet.l4, sizeof(*udp));
	if (!udp)
		return -EINVAL;
	udp->dest = to->dst_port;
	return 0;
}

static __always_inline int rewrite_ipv4(struct __sk_buff *skb, const struct datagram *datagram,
					const struct fields *from, const struct fields *to)
{
	__u64 addresses = csum_change(csum_change(0, from->src.words[3], to->src.words[3]),
				      from->dst.words[3], to->dst.words[3]);
	struct iphdr *ip;
	__u64 sum;

	if (change_udp_checksum(skb, datagram, from, to, csum_fold16(addresses)))
		return -EINVAL;
	ip = bytes_at(skb, ETH_HLEN, sizeof(*ip));
	if (!ip)
		return -EINVAL;
	sum = addresses + (__u16)~ip->check;
	sum = csum_change(sum, bpf_htons(from->ttl << 8), bpf_htons(to->ttl << 8));
	ip->saddr = to->src.words[3];
	ip->daddr = to->dst.words[3];
	ip->ttl = to->ttl;
	if (unlikely(datagram->packet.fragment)) {
		sum = csum_change(sum, bpf_htons(from->id), bpf_htons(to->id));
		ip->id = bpf_htons(to->id);
	}
	ip->check = csum_fold(sum);
	return rewrite_port(skb, datagram, to);
}

static __always_inline int rewrite_ipv6(struct __sk_buff *skb, const struct datagram *datagram,
					const struct fields *from, const struct fields *to)
{
	struct ipv6_fragment *fragment;
	__u64 addresses = 0, sum;
	struct ipv6hdr *ip;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		addresses = csum_change(addresses, from->src.words[i], to->src.words[i]);
		addresses = csum_change(addresses, from->dst.words[i], to->dst.words[i]);
	}
	/* The sum that the device took over the packet, where it did. BPF_F_PSEUDO_HDR takes the addresses off it, as is
	 * right for IPv4, whose header has a checksum that balances them.
	 */
	sum = csum_change(addresses, bpf_htonl(from->ttl), bpf_htonl(to->ttl));
	if (datagram->packet.fragment)
		sum = csum_change(sum, bpf_htonl(from->id), bpf_htonl(to->id));
	bpf_csum_update(skb, csum_fold32(sum));
	if (change_udp_checksum(skb, datagram, from, to, csum_fold16(addresses)))
		return -EINVAL;
	ip = bytes_at(skb, ETH_HLEN, sizeof(*ip));
	if (!ip)
		return -EINVAL;
	__builtin_memcpy(&ip->saddr, &to->src, sizeof(to->src));
	__builtin_memcpy(&ip->daddr, &to->dst, sizeof(to->dst));
	ip->hop_limit = to->ttl;
	if (datagram->packet.fragment) {
		fragment = bytes_at(skb, datagram->packet.fragment_at, sizeof(*fragment));
		if (!fragment)
			return -EINVAL;
		fragment->id = bpf_htonl(to->id);
	}
	return rewrite_port(skb, datagram, to);
}

/* Writes `to` where `from` stands. Returns 0, or -EINVAL, after which the packet is not to be used. */
static __always_inline int rewrite(struct __sk_buff *skb, const struct datagram *datagram,
				   const struct fields *from, const struct fields *to)
{
	return datagram->packet.version == 4 ? rewrite_ipv4(skb, datagram, from, to)
					     : rewrite_ipv6(skb, datagram, from, to);
}

/* The same for copies and local delivery, which are rare: the stack has no room for all of them. */
SUBPROGRAM int rewrite_rarely(struct __sk_buff *skb, const struct datagram *datagram,
			      const struct fields *from, const struct fields *to)
{
	if (!datagram || !from || !to)
		return -EINVAL;
	return rewrite(skb, datagram, from, to);
}

#endif
