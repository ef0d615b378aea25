/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser as the programs call it. */
#ifndef SLUICE_PARSE_H
#define SLUICE_PARSE_H

#include "frag.h"
#include "icmp_error.h"
#include "packet.h"

/* Fills in `packet` from the IP header of this version at offset `off`.
 *
 * Returns 0, also for packets without ports; -OUT_INNER_VERSION where another version stands there, -OUT_INNER_LENGTH
 * where a header or the packet does not fit; -OUT_FRAGMENT_BEFORE_FIRST.
 */
static __noinline int parse_packet(struct __sk_buff *skb, __u32 off, __u32 version_queue,
				   struct packet *packet)
{
	__u8 version = version_queue & 0xf;
	__u8 queue = version_queue >> 4;
	int err;

	__builtin_memset(packet, 0, sizeof(*packet));
	packet->l3 = off;
	packet->version = version;
	err = version == 4 ? parse_ipv4(skb, packet) : parse_ipv6(skb, packet);
	if (err)
		return err;

	packet->src.proto = packet->proto;
	packet->dst.proto = packet->proto;
	if (unlikely(packet->fragment == FRAGMENT_LATER)) {
		if (packet->proto != IPPROTO_TCP && packet->proto != IPPROTO_UDP)
			return 0;
		return recall_fragment(packet, queue);
	}
	if (unlikely(packet->proto == (version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)))
		return parse_quote(skb, packet);
	return parse_ports(skb, packet);
}

/* Fills in `packet` from what follows the Ethernet header.
 *
 * Returns 0, or the outcome of a packet that is none of ours: OUT_NOT_IP, OUT_MALFORMED, OUT_FRAGMENT_BEFORE_FIRST, or
 * OUT_NOT_OURS where there are no ports.
 */
static __always_inline int parse_frame(struct __sk_buff *skb, enum queue queue,
				       struct packet *packet)
{
	__u32 version;
	int err;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		version = 4;
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		version = 6;
	else
		return OUT_NOT_IP;
	err = parse_packet(skb, ETH_HLEN, queue << 4 | version, packet);
	if (unlikely(err))
		return err == -OUT_FRAGMENT_BEFORE_FIRST ? OUT_FRAGMENT_BEFORE_FIRST
							 : OUT_MALFORMED;
	return packet->has_ports ? 0 : OUT_NOT_OURS;
}

#endif
