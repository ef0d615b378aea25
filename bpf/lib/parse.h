/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser as the programs call it. */
#ifndef SLUICE_PARSE_H
#define SLUICE_PARSE_H

#include "lib/fragment.h"
#include "lib/icmp_error.h"
#include "lib/packet.h"

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

/* Writes an endpoint by whole words: hashing it as a key right after waits for narrower ones.
 * The order is that of a little-endian machine.
 */
static __always_inline void fill_endpoint(struct endpoint *endpoint, __be32 ipv4, __be16 port,
					  __u8 proto)
{
	__u64 *halves = (void *)&endpoint->addr;

	halves[0] = 0;
	halves[1] = (__u64)ipv4 << 32 | V4_MAPPED;
	*(__u32 *)&endpoint->port = (__u32)proto << 16 | port;
}

/* Most packets: IPv4 without options, whole, with TCP or UDP in it, all headers linear. The same as parse_packet, for a
 * third of its time. Returns 0, or -1 for packets that parse_packet must look at.
 */
static __always_inline int parse_common(struct __sk_buff *skb, __u32 off, struct packet *packet)
{
	void *end = packet_end(skb);
	struct iphdr *ip;
	struct tcphdr *tcp;
	__u32 headers;

	if (off > MAX_HEADERS)
		return -1;
	ip = packet_start(skb) + bounded(off);
	tcp = (void *)(ip + 1);
	if ((void *)tcp + sizeof(struct udphdr) > end)
		return -1;
	if (ip->version != 4 || ip->ihl != 5 || ip->frag_off & bpf_htons(IP_MORE | IP_OFFSET))
		return -1;
	if (ip->protocol == IPPROTO_TCP) {
		if ((void *)(tcp + 1) > end)
			return -1;
		packet->syn = tcp->syn;
		headers = sizeof(*ip) + sizeof(*tcp);
	} else if (ip->protocol == IPPROTO_UDP) {
		packet->syn = 0;
		headers = sizeof(*ip) + sizeof(struct udphdr);
	} else {
		return -1;
	}
	packet->len = bpf_ntohs(ip->tot_len);
	if (packet->len < headers || off + packet->len > skb->len)
		return -1;

	packet->l3 = off;
	packet->l4 = off + sizeof(*ip);
	packet->id = 0;
	packet->quote = 0;
	packet->quote_l4 = 0;
	packet->version = 4;
	packet->proto = ip->protocol;
	packet->tos = ip->tos;
	packet->fragment = FRAGMENT_NONE;
	packet->has_ports = 1;
	packet->pad[0] = 0;
	packet->pad[1] = 0;
	fill_endpoint(&packet->src, ip->saddr, tcp->source, ip->protocol);
	fill_endpoint(&packet->dst, ip->daddr, tcp->dest, ip->protocol);
	return 0;
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

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (likely(!parse_common(skb, ETH_HLEN, packet)))
			return 0;
		version = 4;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		version = 6;
	} else {
		return OUT_NOT_IP;
	}
	err = parse_packet(skb, ETH_HLEN, queue << 4 | version, packet);
	if (unlikely(err))
		return err == -OUT_FRAGMENT_BEFORE_FIRST ? OUT_FRAGMENT_BEFORE_FIRST
							 : OUT_MALFORMED;
	return packet->has_ports ? 0 : OUT_NOT_OURS;
}

#endif
