/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One end of a packet replaced, with every checksum that covers it. */
#ifndef SLUICE_REWRITE_H
#define SLUICE_REWRITE_H

#include "lib/checksum.h"
#include "lib/icmp_error.h"
#include "lib/packet.h"
#include "lib/transport_checksum.h"

enum side {
	SIDE_SRC,
	SIDE_DST,
};

static __always_inline __u32 address_offset(__u8 version, enum side side)
{
	if (version == 4)
		return side == SIDE_SRC ? offsetof(struct iphdr, saddr)
					: offsetof(struct iphdr, daddr);
	return side == SIDE_SRC ? offsetof(struct ipv6hdr, saddr) : offsetof(struct ipv6hdr, daddr);
}

/* How a sum changes with an address in it, folded to 16 bits. */
static __always_inline __u32 address_change(const struct address *from, const struct address *to)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		sum = csum_change(sum, from->words[i], to->words[i]);
	return csum_fold16(sum);
}

static __always_inline int store_ipv4(struct __sk_buff *skb, enum side side,
				      const struct address *from, const struct address *to)
{
	struct iphdr *ip = bytes_at(skb, LINK_HLEN, sizeof(*ip));

	if (!ip)
		return -1;
	ip->check = csum_replace(ip->check, from->words[3], to->words[3]);
	if (side == SIDE_SRC)
		ip->saddr = to->words[3];
	else
		ip->daddr = to->words[3];
	return 0;
}

static __always_inline int store_ipv6(struct __sk_buff *skb, enum side side,
				      const struct address *to)
{
	struct ipv6hdr *ip = bytes_at(skb, LINK_HLEN, sizeof(*ip));

	if (!ip)
		return -1;
	__builtin_memcpy(side == SIDE_SRC ? &ip->saddr : &ip->daddr, to, sizeof(*to));
	return 0;
}

/* Writes an address into the packet's own IP header. The kernel's sum over the packet, where there is one, stays right:
 * in IPv4 the header's own checksum balances the change, in IPv6 it is added (and the transport's checksum takes it off
 * again). `partial`: there is none.
 */
static __always_inline int store_address(struct __sk_buff *skb, __u8 version, enum side side,
					 const struct address *from, const struct address *to,
					 int partial)
{
	if (version == 4)
		return store_ipv4(skb, side, from, to);
	if (!partial)
		bpf_csum_update(skb, address_change(from, to));
	return store_ipv6(skb, side, to);
}

static __always_inline __u32 port_offset(enum side side)
{
	return side == SIDE_SRC ? offsetof(struct udphdr, source) : offsetof(struct udphdr, dest);
}

/* TCP and UDP. Returns as translate. */
static __always_inline int nat_transport(struct __sk_buff *skb, const struct packet *packet,
					 enum side side, const struct endpoint *from,
					 const struct endpoint *to)
{
	int partial = 0;
	__be16 *port;

	if (packet->fragment != FRAGMENT_LATER) {
		partial = change_checksum(skb, packet, address_change(&from->addr, &to->addr),
					  &from->port, &to->port);
		port = bytes_at(skb, packet->l4 + port_offset(side), sizeof(*port));
		if (partial < 0 || !port)
			return -1;
		*port = to->port;
	}
	return store_address(skb, packet->version, side, &from->addr, &to->addr, partial) ? -1
											  : partial;
}

/* Replaces bytes of a quoted packet, and updates the ICMP checksum. */
static __always_inline int quote_store16(struct __sk_buff *skb, const struct packet *packet,
					 __u32 at, __be16 from, __be16 to)
{
	__u32 csum = packet->l4 + offsetof(struct icmp_error, csum);

	if (bpf_l4_csum_replace(skb, csum, from, to, sizeof(to)))
		return -1;
	return bpf_skb_store_bytes(skb, at, &to, sizeof(to), 0);
}

/* Updates the quoted transport checksum; that of TCP may be truncated. */
static __always_inline int quote_csum(struct __sk_buff *skb, const struct packet *packet,
				      const struct endpoint *from, const struct endpoint *to)
{
	__u32 at = packet->quote_l4 + csum_offset(from->proto);
	__be16 old, new;
	__u64 sum;

	if (at + sizeof(old) > packet->l3 + packet->len ||
	    bpf_skb_load_bytes(skb, at, &old, sizeof(old)))
		return 0;
	if (from->proto == IPPROTO_UDP && !old)
		return 0;
	sum = (__u64)(__u16)~old + address_change(&from->addr, &to->addr);
	new = csum_fold(csum_change(sum, from->port, to->port));
	if (from->proto == IPPROTO_UDP && !new)
		new = 0xffff;
	return quote_store16(skb, packet, at, old, new);
}

/* An ICMP error: the quoted packet's other side, and the error's own address where it is the one that changes. */
static __always_inline int nat_quote(struct __sk_buff *skb, const struct packet *packet,
				     enum side side, const struct endpoint *from,
				     const struct endpoint *to)
{
	enum side quoted = side == SIDE_SRC ? SIDE_DST : SIDE_SRC;
	__u32 csum = packet->l4 + offsetof(struct icmp_error, csum);
	struct address own;
	__be16 check, new_check;
	__u32 at;

	/* Of an error from the flow's source it may also be a router that speaks. */
	__builtin_memset(&own, 0, sizeof(own));
	at = LINK_HLEN + address_offset(packet->version, side);
	if (packet->version == 4) {
		own.words[2] = V4_MAPPED;
		if (bpf_skb_load_bytes(skb, at, &own.words[3], 4))
			return -1;
	} else if (bpf_skb_load_bytes(skb, at, &own, sizeof(own))) {
		return -1;
	}
	if (same_address(&own, &from->addr)) {
		if (store_address(skb, packet->version, side, &from->addr, &to->addr, 0))
			return -1;
		if (packet->version == 6 &&
		    bpf_l4_csum_replace(skb, csum, 0, address_change(&from->addr, &to->addr),
					BPF_F_PSEUDO_HDR))
			return -1;
	}

	at = packet->quote + address_offset(packet->version, quoted);
	if (packet->version == 4) {
		if (bpf_skb_load_bytes(skb, packet->quote + offsetof(struct iphdr, check), &check,
				       sizeof(check)))
			return -1;
		new_check = csum_replace(check, from->addr.words[3], to->addr.words[3]);
		if (quote_store16(skb, packet, packet->quote + offsetof(struct iphdr, check), check,
				  new_check) ||
		    bpf_l4_csum_replace(skb, csum, from->addr.words[3], to->addr.words[3], 4) ||
		    bpf_skb_store_bytes(skb, at, &to->addr.words[3], 4, 0))
			return -1;
	} else {
		if (bpf_l4_csum_replace(skb, csum, 0, address_change(&from->addr, &to->addr), 0) ||
		    bpf_skb_store_bytes(skb, at, &to->addr, 16, 0))
			return -1;
	}
	if (quote_store16(skb, packet, packet->quote_l4 + port_offset(quoted), from->port,
			  to->port) ||
	    quote_csum(skb, packet, from, to))
		return -1;
	return 0;
}

/* A subprogram: errors are rare, and their code is long. */
SUBPROGRAM int nat_error(struct __sk_buff *skb, const struct packet *packet,
			 const struct endpoint *entry, enum side side)
{
	struct endpoint to;

	if (!packet || !entry)
		return -1;
	to = *entry;
	return nat_quote(skb, packet, side, side == SIDE_SRC ? &packet->src : &packet->dst, &to);
}

/* Puts `to` in place of the packet's source or destination. Returns 1 where its checksum is known to be partial, 0, or -1
 * after which the packet is not to be used.
 */
static __always_inline int translate(struct __sk_buff *skb, const struct packet *packet,
				     const struct endpoint *to, enum side side)
{
	if (is_ipv4(&to->addr) != (packet->version == 4))
		return -1;
	if (unlikely(packet->quote))
		return nat_error(skb, packet, to, side);
	return nat_transport(skb, packet, side, side == SIDE_SRC ? &packet->src : &packet->dst, to);
}

#endif
