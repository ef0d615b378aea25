/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser: from an IP header of either family, outer or inner, to the ports. */
#ifndef SLUICE_PARSE_H
#define SLUICE_PARSE_H

#include "lib/icmp_error.h"
#include "lib/packet.h"

enum parse_error {
	PARSE_VERSION = 1, /* another IP version stands there */
	PARSE_LENGTH,	   /* a header or the packet does not fit */
};

/* The length that a super-packet above 65535 bytes has in place of the 0 in its header (BIG TCP). */
static __always_inline __u32 super_length(struct __sk_buff *skb, __u32 off)
{
	return skb->gso_size && skb->len > off ? skb->len - off : 0;
}

static __always_inline int parse_ipv4(struct __sk_buff *skb, struct packet *packet)
{
	struct iphdr *ip = bytes_at(skb, packet->l3, sizeof(*ip));
	__u32 header, frag;

	if (!ip)
		return -PARSE_LENGTH;
	if (ip->version != 4)
		return -PARSE_VERSION;
	packet->proto = ip->protocol;
	header = ip->ihl * 4;
	packet->len = bpf_ntohs(ip->tot_len);
	if (unlikely(!packet->len))
		packet->len = super_length(skb, packet->l3);
	if (header < sizeof(*ip) || packet->len < header || packet->l3 + packet->len > skb->len)
		return -PARSE_LENGTH;
	packet->l4 = packet->l3 + header;
	packet->tos = ip->tos;
	set_ipv4(&packet->src.addr, ip->saddr);
	set_ipv4(&packet->dst.addr, ip->daddr);

	frag = bpf_ntohs(ip->frag_off) & (IP_MORE | IP_OFFSET);
	if (unlikely(frag)) {
		packet->fragment = frag & IP_OFFSET ? FRAGMENT_LATER : FRAGMENT_FIRST;
		packet->id = bpf_ntohs(ip->id);
	}
	return 0;
}

/* Skips one extension header. Returns 0 to continue, 1 at the transport header, or a negative reason. */
static __always_inline int skip_extension(struct __sk_buff *skb, struct packet *packet)
{
	struct ipv6_fragment *fragment;
	__u8 *extension;

	switch (packet->proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		extension = bytes_at(skb, packet->l4, 2);
		if (!extension)
			return -PARSE_LENGTH;
		packet->proto = extension[0];
		packet->l4 += (extension[1] + 1) * 8;
		return 0;
	case IPPROTO_FRAGMENT:
		if (packet->fragment_at)
			return 1;
		fragment = bytes_at(skb, packet->l4, sizeof(*fragment));
		if (!fragment)
			return -PARSE_LENGTH;
		packet->proto = fragment->next;
		packet->fragment_at = packet->l4;
		packet->l4 += sizeof(*fragment);
		if (!(fragment->offset & bpf_htons(IPV6_OFFSET | IPV6_MORE)))
			return 0;
		packet->id = bpf_ntohl(fragment->id);
		packet->fragment =
			fragment->offset & bpf_htons(IPV6_OFFSET) ? FRAGMENT_LATER : FRAGMENT_FIRST;
		return packet->fragment == FRAGMENT_LATER;
	default:
		return 1;
	}
}

/* Walks from the fixed header to the transport header, over up to six extension headers: RFC 8200 has hop-by-hop options,
 * routing, fragment, authentication, and destination options twice. Not a loop: kernel 6.1 rejects a loop whose end falls
 * through into its head, and whether it does depends on the compiler.
 */
static __always_inline int skip_extensions(struct __sk_buff *skb, struct packet *packet)
{
	int end = skip_extension(skb, packet) ?: skip_extension(skb, packet)
					      ?: skip_extension(skb, packet)
					      ?: skip_extension(skb, packet)
					      ?: skip_extension(skb, packet)
					      ?: skip_extension(skb, packet);

	return end < 0 ? end : 0;
}

static __always_inline int parse_ipv6(struct __sk_buff *skb, struct packet *packet)
{
	struct ipv6hdr *ip = bytes_at(skb, packet->l3, sizeof(*ip));

	if (!ip)
		return -PARSE_LENGTH;
	if (ip->version != 6)
		return -PARSE_VERSION;
	packet->len = bpf_ntohs(ip->payload_len);
	if (unlikely(!packet->len && ip->nexthdr != IPPROTO_NONE))
		packet->len = super_length(skb, packet->l3);
	else
		packet->len += sizeof(*ip);
	if (packet->len < sizeof(*ip) || packet->l3 + packet->len > skb->len)
		return -PARSE_LENGTH;
	packet->l4 = packet->l3 + sizeof(*ip);
	packet->proto = ip->nexthdr;
	packet->tos = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	set_ipv6(&packet->src.addr, &ip->saddr);
	set_ipv6(&packet->dst.addr, &ip->daddr);
	return skip_extensions(skb, packet);
}

/* Takes the ports of TCP and UDP; of anything else there are none. */
static __always_inline int parse_ports(struct __sk_buff *skb, struct packet *packet)
{
	__u32 size = packet->proto == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	struct tcphdr *tcp;

	if (packet->proto != IPPROTO_TCP && packet->proto != IPPROTO_UDP)
		return 0;
	if (packet->l4 + size > packet->l3 + packet->len)
		return -PARSE_LENGTH;
	if (packet->proto == IPPROTO_TCP) {
		tcp = bytes_at(skb, packet->l4, sizeof(*tcp));
		if (!tcp)
			return -PARSE_LENGTH;
		packet->syn = tcp->syn;
	} else {
		tcp = bytes_at(skb, packet->l4, sizeof(struct udphdr));
		if (!tcp)
			return -PARSE_LENGTH;
	}
	packet->src.port = tcp->source;
	packet->dst.port = tcp->dest;
	packet->has_ports = 1;
	return 0;
}

/* Fills in `packet` from the IP header of this version at offset `off`. A later fragment, and what is neither TCP nor UDP
 * nor an ICMP error about these, has no ports.
 *
 * Returns 0 or a negative enum parse_error, after which version and protocol alone are meant to be read.
 */
static __always_inline int parse_headers(struct __sk_buff *skb, __u32 off, __u8 version,
					 struct packet *packet)
{
	int err;

	__builtin_memset(packet, 0, sizeof(*packet));
	packet->l3 = off;
	packet->version = version;
	err = version == 4 ? parse_ipv4(skb, packet) : parse_ipv6(skb, packet);
	if (err)
		return err;

	packet->src.proto = packet->proto;
	packet->dst.proto = packet->proto;
	if (unlikely(packet->fragment == FRAGMENT_LATER))
		return 0;
	if (unlikely(packet->proto == (version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)))
		return parse_quote(skb, packet);
	return parse_ports(skb, packet);
}

/* The plain case: TCP or UDP right behind an IP header without options, not a fragment, all of it linear. The same result
 * as parse_headers for a third of its time.
 *
 * Endpoints are written by words of 64 bits: hashing one as a key right after waits for narrower stores. The order is that
 * of a little-endian machine.
 */
static __always_inline void plain_ends(struct packet *packet, const struct udphdr *ports,
				       __u8 proto)
{
	*(__u32 *)&packet->src.port = (__u32)proto << 16 | ports->source;
	*(__u32 *)&packet->dst.port = (__u32)proto << 16 | ports->dest;
	packet->proto = proto;
	packet->has_ports = 1;
}

static __always_inline void plain_ipv4_address(struct address *address, __be32 ipv4)
{
	__u64 *halves = (void *)address;

	halves[0] = 0;
	halves[1] = (__u64)ipv4 << 32 | V4_MAPPED;
}

static __always_inline void plain_ipv6_address(struct address *address, const struct in6_addr *ipv6)
{
	__u64 *halves = (void *)address;

	halves[0] = ((const __u64 *)ipv6)[0];
	halves[1] = ((const __u64 *)ipv6)[1];
}

/* Reads the transport header. Returns its size, or 0 where this is not the plain case. */
static __always_inline __u32 plain_transport(const void *l4, const void *end, __u8 proto, __u8 *syn)
{
	const struct tcphdr *tcp = l4;

	*syn = 0;
	if (proto == IPPROTO_UDP)
		return l4 + sizeof(struct udphdr) > end ? 0 : sizeof(struct udphdr);
	if (proto != IPPROTO_TCP || (void *)(tcp + 1) > end)
		return 0;
	*syn = tcp->syn;
	return sizeof(*tcp);
}

static __always_inline int parse_plain_ipv4(const struct iphdr *ip, const void *end,
					    struct packet *packet)
{
	const void *l4 = ip + 1;
	__u32 transport;

	if (l4 > end || ip->version != 4 || ip->ihl != 5 ||
	    ip->frag_off & bpf_htons(IP_MORE | IP_OFFSET))
		return -1;
	transport = plain_transport(l4, end, ip->protocol, &packet->syn);
	packet->len = bpf_ntohs(ip->tot_len);
	if (!transport || packet->len < sizeof(*ip) + transport)
		return -1;
	packet->l4 = packet->l3 + sizeof(*ip);
	packet->tos = ip->tos;
	plain_ipv4_address(&packet->src.addr, ip->saddr);
	plain_ipv4_address(&packet->dst.addr, ip->daddr);
	plain_ends(packet, l4, ip->protocol);
	return 0;
}

static __always_inline int parse_plain_ipv6(const struct ipv6hdr *ip, const void *end,
					    struct packet *packet)
{
	const void *l4 = ip + 1;
	__u32 transport;

	if (l4 > end || ip->version != 6)
		return -1;
	transport = plain_transport(l4, end, ip->nexthdr, &packet->syn);
	packet->len = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (!transport || packet->len < sizeof(*ip) + transport)
		return -1;
	packet->l4 = packet->l3 + sizeof(*ip);
	packet->tos = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	plain_ipv6_address(&packet->src.addr, &ip->saddr);
	plain_ipv6_address(&packet->dst.addr, &ip->daddr);
	plain_ends(packet, l4, ip->nexthdr);
	return 0;
}

/* Returns 0, or -1 for a packet that parse_headers must look at. */
static __always_inline int parse_plain(struct __sk_buff *skb, __u32 off, __u8 version,
				       struct packet *packet)
{
	const void *end = packet_end(skb);
	void *ip;
	int err;

	if (off > MAX_HEADERS)
		return -1;
	ip = packet_start(skb) + bounded(off);
	packet->l3 = off;
	packet->version = version;
	packet->id = 0;
	packet->quote = 0;
	packet->quote_l4 = 0;
	packet->fragment = FRAGMENT_NONE;
	packet->fragment_at = 0;
	err = version == 4 ? parse_plain_ipv4(ip, end, packet) : parse_plain_ipv6(ip, end, packet);
	return err || off + packet->len > skb->len ? -1 : 0;
}

#endif
