/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of a packet, and bounds-checked access to its bytes. */
#ifndef SLUICE_PACKET_H
#define SLUICE_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/stddef.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/address.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define IP_DF 0x4000
#define IP_MORE 0x2000
#define IP_OFFSET 0x1fff
#define IPV6_MORE 0x0001
#define IPV6_OFFSET 0xfff8
#define TCP_SYN 0x02
#define ECN_MASK 3

/* Bytes before the IP header. 0 on a device without a link-layer header (tun, WireGuard, PPP), for which the programs are
 * compiled once more.
 */
#ifndef LINK_HLEN
#define LINK_HLEN ETH_HLEN
#endif

/* A function that the verifier judges once, by itself, whatever its callers are; its pointers may be NULL for it. */
#define SUBPROGRAM __attribute__((noinline))

/* The largest offset of a header. Two IPv6 headers with six extensions each of usual size fit; the mask of
 * bounded() must leave it as it is.
 */
#define MAX_HEADERS 768
/* When headers must be made linear, this much more is: the next ones are near. */
#define PULL_MORE 128

#define IPPROTO_ICMPV6 58

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

/* The fields of a packet's headers. `src` and `dst` are the flow that it belongs to: of an ICMP error, the flow of the
 * packet that it quotes, seen in the error's direction.
 */
struct packet {
	_Alignas(8) struct endpoint src;
	__u32 l3; /* offset of the IP header; here it keeps dst at a multiple of 8 */
	struct endpoint dst;
	__u32 l4;	/* offset of what follows the IP header and its extensions */
	__u32 len;	/* of the IP packet */
	__u32 id;	/* of a fragment's packet, host byte order */
	__u32 quote;	/* offset of the IP header that an ICMP error quotes; 0: none */
	__u32 quote_l4; /* offset of what follows that header */
	__u8 version;	/* 4 or 6 */
	__u8 proto;	/* of what stands at l4 */
	__u8 tos;	/* or traffic class */
	__u8 fragment;
	__u8 syn;
	__u8 has_ports;	   /* src and dst are complete */
	__u16 fragment_at; /* offset of the IPv6 fragment header; 0: none */
};

/* skb->data and skb->data_end are declared as 32-bit values; the verifier knows that they are pointers. */
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

/* An offset of at most MAX_HEADERS, masked in the register that is used: the verifier of kernel 6.1 does not apply the
 * bounds of a comparison to copies of the register.
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

/* Drops the sum that a card has taken over the packet (CHECKSUM_COMPLETE), as the stack does when it forwards. Otherwise the sum
 * is wrong behind a veth: bpf_redirect_neigh writes another Ethernet header and does not update the sum, and an answer has other
 * bytes. Of all helpers, only bpf_skb_change_tail drops it, where the packet grows.
 *
 * Returns 0, or another number after which the packet is not to be used.
 */
static __always_inline long forget_sum(struct __sk_buff *skb)
{
	__u32 len = skb->len;

	/* Fails where there is no sum. A super-packet has none. */
	if (skb->gso_size || likely(bpf_csum_update(skb, 0) < 0))
		return 0;
	return bpf_skb_change_tail(skb, len + 1, 0) ?: bpf_skb_change_tail(skb, len, 0);
}

#endif
