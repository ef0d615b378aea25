/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading a packet as far as udplb needs it: addresses, UDP ports, and which
 * fragment of a datagram it is.
 */
#ifndef SLUICE_UDPLB_PACKET_H
#define SLUICE_UDPLB_PACKET_H

#include <stddef.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

#include "udplb/tables.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* User-space headers do not carry these. */
#define AF_INET 2
#define AF_INET6 10

#define IP_MORE 0x2000
#define IP_OFFSET 0x1fff
#define IPV6_MORE 0x0001
#define IPV6_OFFSET 0xfff8
#define MAX_EXTENSIONS 4
/* Headers end well before this; also what lets the verifier follow offsets. */
#define MAX_HEADERS 1024

#define L3 ETH_HLEN

struct ipv6_fragment {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

enum fragment {
	FRAGMENT_NONE = 0,
	FRAGMENT_FIRST, /* carries the ports */
	FRAGMENT_LATER,
};

struct packet {
	struct address src;
	struct address dst;
	__u32 family;
	__u32 l4;	   /* offset of the UDP header, but for later fragments */
	__u32 length;	   /* of the IP packet; of one segment, where it is many in one */
	__u32 fragment;	   /* enum fragment */
	__u32 fragment_at; /* offset of the IPv6 fragment header */
	__be32 id;	   /* of the fragmented datagram */
	__be16 src_port;
	__be16 dst_port;
	__u8 ttl;
	__u8 tos;
	__u8 no_checksum; /* the sender has not made one */
	__u8 pad;
};

/* Reads one of the context's two packet pointers. Written so that the compiler
 * cannot keep the 32 bits that C sees, which are no pointer to the verifier.
 */
#define PACKET_POINTER(skb, field)                                                               \
	({                                                                                       \
		void *pointer;                                                                   \
		asm volatile("%[pointer] = *(u32 *)(%[skb] + %[offset])"                         \
			     : [pointer] "=r"(pointer)                                           \
			     : [skb] "r"(skb), [offset] "i"(offsetof(struct __sk_buff, field))); \
		pointer;                                                                         \
	})

/* The bytes at offset `off`, or NULL where the packet is shorter. */
static __always_inline void *bytes_at(struct __sk_buff *skb, __u32 off, __u32 size)
{
	void *start;

	if (off > MAX_HEADERS)
		return NULL;
	start = PACKET_POINTER(skb, data) + off;
	return start + size > PACKET_POINTER(skb, data_end) ? NULL : start;
}

/* The same for headers that may lie beyond the linear part. */
static __always_inline void *header_at(struct __sk_buff *skb, __u32 off, __u32 size)
{
	void *header = bytes_at(skb, off, size);

	if (likely(header))
		return header;
	if (off + size > skb->len || bpf_skb_pull_data(skb, off + size))
		return NULL;
	return bytes_at(skb, off, size);
}

static __always_inline void map_v4(struct address *addr, __be32 v4)
{
	addr->words[0] = 0;
	addr->words[1] = 0;
	addr->words[2] = bpf_htonl(0xffff);
	addr->words[3] = v4;
}

/* Reads the UDP header. Returns 0, or -MALFORMED. */
static __always_inline int parse_udp(struct __sk_buff *skb, struct packet *packet, __u32 end)
{
	struct udphdr *udp = header_at(skb, packet->l4, sizeof(*udp));

	if (!udp)
		return -MALFORMED;
	/* A first fragment is shorter than its datagram; a packet that will be
	 * segmented says what it likes.
	 */
	if (!packet->fragment && !skb->gso_size &&
	    (bpf_ntohs(udp->len) < sizeof(*udp) || packet->l4 + bpf_ntohs(udp->len) > end))
		return -MALFORMED;
	packet->src_port = udp->source;
	packet->dst_port = udp->dest;
	packet->no_checksum = !udp->check;
	if (skb->gso_size)
		packet->length = packet->l4 - L3 + sizeof(*udp) + skb->gso_size;
	return 0;
}

/* Returns 0, -MALFORMED, or 1 for what is not UDP. */
static __always_inline int parse_ipv4(struct __sk_buff *skb, struct packet *packet)
{
	struct iphdr *ip = header_at(skb, L3, sizeof(*ip));
	__u16 fragment;
	__u32 end;

	if (!ip || ip->protocol != IPPROTO_UDP)
		return 1;
	if (ip->version != 4 || ip->ihl < 5)
		return -MALFORMED;
	packet->family = AF_INET;
	map_v4(&packet->src, ip->saddr);
	map_v4(&packet->dst, ip->daddr);
	packet->length = bpf_ntohs(ip->tot_len);
	packet->ttl = ip->ttl;
	packet->tos = ip->tos;
	packet->l4 = L3 + ip->ihl * 4;
	fragment = bpf_ntohs(ip->frag_off);
	if (unlikely(fragment & (IP_MORE | IP_OFFSET))) {
		packet->id = ip->id;
		packet->fragment = fragment & IP_OFFSET ? FRAGMENT_LATER : FRAGMENT_FIRST;
	}
	end = L3 + packet->length;
	if (end > skb->len && !skb->gso_size)
		return -MALFORMED;
	return packet->fragment == FRAGMENT_LATER ? 0 : parse_udp(skb, packet, end);
}

/* Returns 0, -MALFORMED, or 1 for what is not UDP. */
static __always_inline int parse_ipv6(struct __sk_buff *skb, struct packet *packet)
{
	struct ipv6hdr *ip = header_at(skb, L3, sizeof(*ip));
	struct ipv6_fragment *fragment;
	struct ipv6_opt_hdr *extension;
	__u32 end;
	__u8 next;

	if (!ip)
		return 1;
	if (ip->version != 6)
		return -MALFORMED;
	packet->family = AF_INET6;
	__builtin_memcpy(&packet->src, &ip->saddr, sizeof(packet->src));
	__builtin_memcpy(&packet->dst, &ip->daddr, sizeof(packet->dst));
	packet->length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	packet->ttl = ip->hop_limit;
	packet->tos = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	packet->l4 = L3 + sizeof(*ip);
	end = L3 + packet->length;
	if (end > skb->len && !skb->gso_size)
		return -MALFORMED;
	next = ip->nexthdr;
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		if (likely(next == IPPROTO_UDP))
			break;
		if (next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS) {
			extension = header_at(skb, packet->l4, sizeof(*extension));
			if (!extension)
				return -MALFORMED;
			next = extension->nexthdr;
			packet->l4 += (extension->hdrlen + 1) * 8;
		} else if (next == IPPROTO_FRAGMENT && !packet->fragment_at) {
			fragment = header_at(skb, packet->l4, sizeof(*fragment));
			if (!fragment)
				return -MALFORMED;
			next = fragment->next;
			packet->fragment_at = packet->l4;
			packet->l4 += sizeof(*fragment);
			packet->id = fragment->id;
			if (fragment->offset & bpf_htons(IPV6_OFFSET)) {
				packet->fragment = FRAGMENT_LATER;
				/* What follows is not a header. */
				return next == IPPROTO_UDP ? 0 : 1;
			}
			if (fragment->offset & bpf_htons(IPV6_MORE))
				packet->fragment = FRAGMENT_FIRST;
		} else {
			return 1;
		}
	}
	return next == IPPROTO_UDP ? parse_udp(skb, packet, end) : 1;
}

static __always_inline int parse(struct __sk_buff *skb, struct packet *packet)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return parse_ipv4(skb, packet);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(skb, packet);
	return 1;
}

#endif
