/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a router answers to a packet that it cannot forward: ICMP "time
 * exceeded" and "fragmentation needed", of both families.
 */
#ifndef SLUICE_UDPLB_ANSWER_H
#define SLUICE_UDPLB_ANSWER_H

#include "udplb/rewrite.h"

#define ICMP_UNREACHABLE 3
#define ICMP_FRAG_NEEDED 4 /* a code of it */
#define ICMP_TIME_EXCEEDED 11

#define ICMPV6_TOO_BIG 2
#define ICMPV6_TIME_EXCEEDED 3
#define NEXT_ICMPV6 58

#define ANSWER_TTL 64
/* Nanoseconds between two answers of one CPU. */
#define ANSWER_GAP (1000 * 1000)

/* Taken off the packet's head and put back: past where its UDP checksum stands. */
#define HEAD 64
/* Then what is left is still a packet. */
#define WHILE_HEADLESS (L3 + HEAD + sizeof(struct ipv6hdr))

struct icmp {
	__u8 type;
	__u8 code;
	__be16 check;
	__be32 mtu; /* IPv4 has it in the second half */
};

struct headers_ipv4 {
	struct iphdr ip;
	struct icmp icmp;
};

struct headers_ipv6 {
	struct ipv6hdr ip;
	struct icmp icmp;
};

/* What is put before the quotation; and, being as long, the quotation itself:
 * the packet's IP header, without options or extensions, and its UDP header
 * are what finds the sender's socket.
 */
union headers {
	struct headers_ipv4 ipv4;
	struct headers_ipv6 ipv6;
};

/* When each CPU may answer again: ns since boot. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} next_answer SEC(".maps");

static __always_inline int may_answer(void)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 zero = 0;
	__u64 *next = bpf_map_lookup_elem(&next_answer, &zero);

	if (!next || now < *next)
		return 0;
	*next = now + ANSWER_GAP;
	return 1;
}

/* `quoted` is the sum of the quotation. */
static __always_inline void write_ipv4(const struct packet *packet, struct headers_ipv4 *headers,
				       __u32 mtu, __u64 quoted)
{
	__builtin_memset(headers, 0, sizeof(*headers));
	headers->ip.version = 4;
	headers->ip.ihl = 5;
	headers->ip.tot_len = bpf_htons(2 * sizeof(*headers));
	headers->ip.ttl = ANSWER_TTL;
	headers->ip.protocol = IPPROTO_ICMP;
	headers->ip.saddr = packet->dst.words[3];
	headers->ip.daddr = packet->src.words[3];
	headers->ip.check =
		~fold16(bpf_csum_diff(NULL, 0, (__be32 *)&headers->ip, sizeof(headers->ip), 0));
	headers->icmp.type = mtu ? ICMP_UNREACHABLE : ICMP_TIME_EXCEEDED;
	headers->icmp.code = mtu ? ICMP_FRAG_NEEDED : 0;
	headers->icmp.mtu = bpf_htonl(mtu);
	quoted += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&headers->icmp, sizeof(headers->icmp), 0);
	headers->icmp.check = ~fold16(quoted);
}

static __always_inline void write_ipv6(const struct packet *packet, struct headers_ipv6 *headers,
				       __u32 mtu, __u64 quoted)
{
	const __u32 length = sizeof(headers->icmp) + sizeof(*headers);

	__builtin_memset(headers, 0, sizeof(*headers));
	headers->ip.version = 6;
	headers->ip.payload_len = bpf_htons(length);
	headers->ip.nexthdr = NEXT_ICMPV6;
	headers->ip.hop_limit = ANSWER_TTL;
	__builtin_memcpy(&headers->ip.saddr, &packet->dst, sizeof(packet->dst));
	__builtin_memcpy(&headers->ip.daddr, &packet->src, sizeof(packet->src));
	headers->icmp.type = mtu ? ICMPV6_TOO_BIG : ICMPV6_TIME_EXCEEDED;
	headers->icmp.mtu = bpf_htonl(mtu);
	/* Addresses, length and protocol are of the checksum, too. */
	quoted += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&headers->ip.saddr,
				       2 * sizeof(packet->src), 0);
	quoted += bpf_htonl(length) + (__u64)bpf_htonl(NEXT_ICMPV6);
	quoted += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&headers->icmp, sizeof(headers->icmp), 0);
	headers->icmp.check = ~fold16(quoted);
}

/* Makes the packet as long as its answer.
 *
 * Its head is taken off and put back on the way: a checksum that a card was to
 * finish would be written into the middle of the answer, and the kernel forgets
 * about it when its place goes.
 */
static __always_inline int resize(struct __sk_buff *skb, __u32 length)
{
	return bpf_skb_change_tail(skb, WHILE_HEADLESS, 0) ||
	       bpf_skb_adjust_room(skb, -HEAD, BPF_ADJ_ROOM_MAC, 0) ||
	       bpf_skb_adjust_room(skb, HEAD, BPF_ADJ_ROOM_MAC, 0) ||
	       bpf_skb_change_tail(skb, L3 + length, 0);
}

static __always_inline int swap_macs(struct __sk_buff *skb)
{
	struct ethhdr *eth = bytes_at(skb, 0, sizeof(*eth)), old;

	if (!eth)
		return -EINVAL;
	old = *eth;
	__builtin_memcpy(eth->h_dest, old.h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, old.h_dest, ETH_ALEN);
	return 0;
}

/* Moves the packet's own headers to behind where the answer's will stand, and sums them. */
static __always_inline int quote(struct __sk_buff *skb, union headers *headers, __u32 size,
				 __u64 *sum)
{
	if (bpf_skb_load_bytes(skb, L3, headers, size) || resize(skb, 2 * size) ||
	    bpf_skb_store_bytes(skb, L3 + size, headers, size, 0))
		return -EINVAL;
	*sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)headers, size, 0);
	return 0;
}

/* Turns a packet to a key into the answer from it: too big for `mtu`, or too
 * long on its way where `mtu` is 0. Returns whether it has been sent; if not,
 * the packet is not to be used.
 */
static __noinline int answer(struct __sk_buff *skb, struct packet *packet, __u32 mtu)
{
	union headers headers;
	__u64 quoted = 0;
	__u32 size;

	if (!packet || packet->fragment == FRAGMENT_LATER || !may_answer())
		return 0;
	size = packet->family == AF_INET ? sizeof(headers.ipv4) : sizeof(headers.ipv6);
	/* Options and extensions have no place in the quotation. */
	if (packet->l4 + sizeof(struct udphdr) != L3 + size)
		return 0;
	if (packet->family == AF_INET) {
		if (quote(skb, &headers, sizeof(headers.ipv4), &quoted))
			return 0;
		write_ipv4(packet, &headers.ipv4, mtu, quoted);
	} else {
		if (quote(skb, &headers, sizeof(headers.ipv6), &quoted))
			return 0;
		write_ipv6(packet, &headers.ipv6, mtu, quoted);
	}
	return !bpf_skb_store_bytes(skb, L3, &headers, size, 0) && !swap_macs(skb) &&
	       bpf_redirect(skb->ifindex, 0) == TC_ACT_REDIRECT;
}

#endif
