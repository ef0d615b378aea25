/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors belong to the flow of the packet that they quote. */
#ifndef SLUICE_ICMP_ERROR_H
#define SLUICE_ICMP_ERROR_H

#include "lib/packet.h"

#define ICMP_DEST_UNREACH 3
#define ICMP_FRAG_NEEDED 4 /* a code of it */
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12

#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PKT_TOOBIG 2
#define ICMPV6_TIME_EXCEED 3
#define ICMPV6_PARAMPROB 4 /* the last error */

/* Of both families, before the quoted packet. */
struct icmp_error {
	__u8 type;
	__u8 code;
	__be16 csum;
	__be16 unused;
	__be16 mtu; /* IPv6 has it in both halves */
};

static __always_inline int is_icmp_error(const struct packet *packet, __u8 type)
{
	if (packet->version == 4)
		return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
		       type == ICMP_PARAMETERPROB;
	return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
}

/* Takes the flow from the packet that an ICMP error quotes, if that is TCP or UDP and its source is the error's
 * destination: an error for another host does not concern the sender.
 */
static __always_inline int parse_quote(struct __sk_buff *skb, struct packet *packet)
{
	struct icmp_error *icmp;
	struct endpoint src, dst;
	struct iphdr *ip;
	struct ipv6hdr *ip6;
	__be16 *ports;
	__u32 quote = packet->l4 + sizeof(*icmp), l4;
	__u8 proto;

	if (packet->fragment)
		return 0;
	icmp = bytes_at(skb, packet->l4, sizeof(*icmp));
	if (!icmp || !is_icmp_error(packet, icmp->type))
		return 0;

	__builtin_memset(&src, 0, sizeof(src));
	__builtin_memset(&dst, 0, sizeof(dst));
	if (packet->version == 4) {
		ip = bytes_at(skb, quote, sizeof(*ip));
		if (!ip || ip->version != 4 || ip->ihl < 5 || ip->frag_off & bpf_htons(IP_OFFSET))
			return 0;
		l4 = quote + ip->ihl * 4;
		proto = ip->protocol;
		set_ipv4(&src.addr, ip->saddr);
		set_ipv4(&dst.addr, ip->daddr);
	} else {
		ip6 = bytes_at(skb, quote, sizeof(*ip6));
		if (!ip6 || ip6->version != 6)
			return 0;
		l4 = quote + sizeof(*ip6);
		proto = ip6->nexthdr;
		set_ipv6(&src.addr, &ip6->saddr);
		set_ipv6(&dst.addr, &ip6->daddr);
		if (proto == IPPROTO_FRAGMENT) {
			struct ipv6_fragment *fragment = bytes_at(skb, l4, sizeof(*fragment));

			if (!fragment || fragment->offset & bpf_htons(IPV6_OFFSET))
				return 0;
			proto = fragment->next;
			l4 += sizeof(*fragment);
		}
	}
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return 0;
	if (!same_address(&src.addr, &packet->dst.addr))
		return 0;
	ports = bytes_at(skb, l4, 2 * sizeof(*ports));
	if (!ports)
		return 0;
	src.port = ports[0];
	dst.port = ports[1];
	src.proto = proto;
	dst.proto = proto;
	packet->src = dst;
	packet->dst = src;
	packet->quote = quote;
	packet->quote_l4 = l4;
	packet->has_ports = 1;
	return 0;
}

#endif
