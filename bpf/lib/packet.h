/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading packets: bounds-checked access, and one parser for outer and inner headers of both families. */
#ifndef SLUICE_PACKET_H
#define SLUICE_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/stddef.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tunnel/outcome.h"
#include "tunnel/tables.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define IP_DF 0x4000
#define IP_MORE 0x2000
#define IP_OFFSET 0x1fff
#define IPV6_MORE 0x0001
#define IPV6_OFFSET 0xfff8
#define IPV6_FRAG_SIZE 8
#define TCP_SYN 0x02
#define V4_MAPPED bpf_htonl(0xffff)
#define ECN_MASK 3

/* A function that the verifier judges once, by itself, whatever its callers are; its pointers may be NULL for it. */
#define SUBPROGRAM __attribute__((noinline))

/* Headers end well before this; also what lets the verifier follow offsets. */
#define MAX_HEADERS 768
/* When headers must be made linear, this much more is: the next ones are near. */
#define PULL_MORE 128

#define IPPROTO_ICMPV6 58

enum fragment {
	FRAGMENT_NONE = 0,
	FRAGMENT_FIRST, /* carries the ports */
	FRAGMENT_LATER,
};

/* A packet as its headers tell it. `src` and `dst` are the flow that it belongs to: of an ICMP error, the flow of the
 * packet that it quotes, seen in the error's direction.
 */
struct packet {
	struct endpoint src;
	__u32 l3; /* offset of the IP header; here it keeps dst at a multiple of 8 */
	struct endpoint dst;
	__u32 l4;	/* offset of what follows the IP header and its extensions */
	__u32 len;	/* of the IP packet */
	__u32 id;	/* of a fragment's packet */
	__u32 quote;	/* offset of the IP header that an ICMP error quotes; 0: none */
	__u32 quote_l4; /* offset of what follows that header */
	__u8 version;	/* 4 or 6 */
	__u8 proto;	/* of what stands at l4 */
	__u8 tos;	/* or traffic class */
	__u8 fragment;
	__u8 syn;
	__u8 has_ports; /* src and dst are complete */
	__u8 pad[2];
};

/* skb->data and skb->data_end are pointers in 32-bit clothes, which the compiler believes and the verifier does not. */
static __always_inline void *packet_start(const struct __sk_buff *skb)
{
	void *start;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(start)
		     : "r"(skb), "i"(offsetof(struct __sk_buff, data)));
	return start;
}

static __always_inline void *packet_end(const struct __sk_buff *skb)
{
	void *end;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(end)
		     : "r"(skb), "i"(offsetof(struct __sk_buff, data_end)));
	return end;
}

/* An offset that is not above MAX_HEADERS, in a register of which the verifier knows it: kernel 6.1 does not carry what
 * a comparison has shown over to copies.
 */
static __always_inline __u64 bounded(__u64 off)
{
	_Static_assert(MAX_HEADERS <= 1023, "the mask leaves offsets as they are");
	asm volatile("%0 &= 1023" : "+r"(off));
	return off;
}

/* Bytes off … off + len of the packet, made linear where they are not; NULL where the packet ends before.
 * Pointers from an earlier call are void afterwards.
 */
static __always_inline void *bytes_at(struct __sk_buff *skb, __u32 off, __u32 len)
{
	void *start = packet_start(skb) + bounded(off);
	__u32 end = off + len;

	if (off > MAX_HEADERS)
		return NULL;
	if (likely(start + len <= packet_end(skb)))
		return start;
	if (skb->len < end ||
	    bpf_skb_pull_data(skb, skb->len < end + PULL_MORE ? end : end + PULL_MORE))
		return NULL;
	start = packet_start(skb) + bounded(off);
	return start + len <= packet_end(skb) ? start : NULL;
}

static __always_inline void set_ipv4(struct address *address, __be32 ipv4)
{
	address->words[0] = 0;
	address->words[1] = 0;
	address->words[2] = V4_MAPPED;
	address->words[3] = ipv4;
}

static __always_inline void set_ipv6(struct address *address, const struct in6_addr *ipv6)
{
	__builtin_memcpy(address, ipv6, sizeof(*address));
}

static __always_inline int is_ipv4(const struct address *address)
{
	return !(address->words[0] | address->words[1] | (address->words[2] ^ V4_MAPPED));
}

/* `::` or 0.0.0.0. */
static __always_inline int is_unspecified(const struct address *address)
{
	return !(address->words[3] | address->words[0] | address->words[1]) &&
	       (!address->words[2] || address->words[2] == V4_MAPPED);
}

static __always_inline int same_address(const struct address *a, const struct address *b)
{
	return !((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1]) |
		 (a->words[2] ^ b->words[2]) | (a->words[3] ^ b->words[3]));
}

static __always_inline int same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return same_address(&a->addr, &b->addr) && a->port == b->port && a->proto == b->proto;
}

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
		return -OUT_INNER_LENGTH;
	if (ip->version != 4)
		return -OUT_INNER_VERSION;
	header = ip->ihl * 4;
	packet->len = bpf_ntohs(ip->tot_len);
	if (unlikely(!packet->len))
		packet->len = super_length(skb, packet->l3);
	if (header < sizeof(*ip) || packet->len < header || packet->l3 + packet->len > skb->len)
		return -OUT_INNER_LENGTH;
	packet->l4 = packet->l3 + header;
	packet->proto = ip->protocol;
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

/* Steps over one extension header. Returns 0 to go on, 1 where the transport header stands, or a negative reason. */
static __always_inline int skip_extension(struct __sk_buff *skb, struct packet *packet)
{
	__u8 *extension;
	__u32 frag;

	switch (packet->proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		extension = bytes_at(skb, packet->l4, 2);
		if (!extension)
			return -OUT_INNER_LENGTH;
		packet->proto = extension[0];
		packet->l4 += (extension[1] + 1) * 8;
		return 0;
	case IPPROTO_FRAGMENT:
		extension = bytes_at(skb, packet->l4, IPV6_FRAG_SIZE);
		if (!extension)
			return -OUT_INNER_LENGTH;
		packet->proto = extension[0];
		packet->l4 += IPV6_FRAG_SIZE;
		frag = extension[2] << 8 | extension[3];
		if (!(frag & (IPV6_OFFSET | IPV6_MORE)))
			return 0;
		packet->id = bpf_ntohl(*(__be32 *)(extension + 4));
		packet->fragment = frag & IPV6_OFFSET ? FRAGMENT_LATER : FRAGMENT_FIRST;
		return packet->fragment == FRAGMENT_LATER;
	default:
		return 1;
	}
}

/* Walks from the fixed header to the transport header, over as many extensions as a packet in earnest has. No loop:
 * kernel 6.1 refuses one whose end runs into its head without a jump, and which of them do is up to the compiler.
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
		return -OUT_INNER_LENGTH;
	if (ip->version != 6)
		return -OUT_INNER_VERSION;
	packet->len = bpf_ntohs(ip->payload_len);
	if (unlikely(!packet->len && ip->nexthdr != IPPROTO_NONE))
		packet->len = super_length(skb, packet->l3);
	else
		packet->len += sizeof(*ip);
	if (packet->len < sizeof(*ip) || packet->l3 + packet->len > skb->len)
		return -OUT_INNER_LENGTH;
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
		return -OUT_INNER_LENGTH;
	if (packet->proto == IPPROTO_TCP) {
		tcp = bytes_at(skb, packet->l4, sizeof(*tcp));
		if (!tcp)
			return -OUT_INNER_LENGTH;
		packet->syn = tcp->syn;
	} else {
		tcp = bytes_at(skb, packet->l4, sizeof(struct udphdr));
		if (!tcp)
			return -OUT_INNER_LENGTH;
	}
	packet->src.port = tcp->source;
	packet->dst.port = tcp->dest;
	packet->has_ports = 1;
	return 0;
}

#endif
