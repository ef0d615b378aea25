/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A UDP packet: its flow, and the fields that forwarding reads or changes. */
#ifndef SLUICE_UDPLB_DATAGRAM_H
#define SLUICE_UDPLB_DATAGRAM_H

#include "lib/fragment.h"
#include "lib/parse.h"
#include "udplb/tables.h"

struct datagram {
	struct packet packet;
	__u32 size; /* of the IP packet; of one segment, where it is a super-packet */
	__u8 ttl;   /* or hop limit */
	__u8 no_checksum;
	__u16 pad;
};

/* Kernel 6.1 requires an initialised `packet`. */
SUBPROGRAM int parse_initialised(struct __sk_buff *skb, __u32 version, struct packet *packet)
{
	return packet ? parse_headers(skb, ETH_HLEN, version, packet) : -PARSE_LENGTH;
}

static __always_inline int parse_packet(struct __sk_buff *skb, __u32 version, struct packet *packet)
{
	__builtin_memset(packet, 0, sizeof(*packet));
	return parse_initialised(skb, version, packet);
}

/* Returns 0, -MALFORMED, or 1 for other protocols, early, since they are mostly TCP. */
static __always_inline int parse_ip(struct __sk_buff *skb, struct datagram *datagram)
{
	struct packet *packet = &datagram->packet;
	struct ipv6hdr *ip6;
	struct iphdr *ip;
	int err;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		ip = bytes_at(skb, ETH_HLEN, sizeof(*ip));
		if (!ip || ip->protocol != IPPROTO_UDP)
			return 1;
		datagram->ttl = ip->ttl;
		if (likely(!parse_plain(skb, ETH_HLEN, 4, packet)))
			return 0;
		err = parse_packet(skb, 4, packet);
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		ip6 = bytes_at(skb, ETH_HLEN, sizeof(*ip6));
		if (!ip6 || ip6->nexthdr == IPPROTO_TCP || ip6->nexthdr == IPPROTO_ICMPV6)
			return 1;
		datagram->ttl = ip6->hop_limit;
		if (likely(!parse_plain(skb, ETH_HLEN, 6, packet)))
			return packet->proto == IPPROTO_UDP ? 0 : 1;
		err = parse_packet(skb, 6, packet);
	} else {
		return 1;
	}
	if (err)
		return -MALFORMED;
	return is_fragment_of(packet, IPPROTO_UDP) ? 0 : 1;
}

/* Returns 0 or -MALFORMED. */
static __always_inline int parse_udp(struct __sk_buff *skb, struct datagram *datagram)
{
	const struct packet *packet = &datagram->packet;
	struct udphdr *udp = bytes_at(skb, packet->l4, sizeof(*udp));

	if (!udp)
		return -MALFORMED;
	/* A first fragment is shorter than its datagram, and the length of a super-packet is of no consequence. */
	if (!packet->fragment && !skb->gso_size &&
	    (bpf_ntohs(udp->len) < sizeof(*udp) ||
	     packet->l4 + bpf_ntohs(udp->len) > packet->l3 + packet->len))
		return -MALFORMED;
	datagram->no_checksum = !udp->check;
	if (skb->gso_size)
		datagram->size = packet->l4 - packet->l3 + sizeof(*udp) + skb->gso_size;
	return 0;
}

/* Returns 0, -MALFORMED, or 1 for other protocols. */
static __always_inline int parse(struct __sk_buff *skb, struct datagram *datagram)
{
	int err = parse_ip(skb, datagram);

	if (err)
		return err;
	datagram->size = datagram->packet.len;
	datagram->no_checksum = 0;
	return datagram->packet.fragment == FRAGMENT_LATER ? 0 : parse_udp(skb, datagram);
}

#endif
