/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The checksum of TCP and UDP, for other addresses and another port.
 *
 * The kernel alone knows whether a packet carries a whole one, or a partial one (CHECKSUM_PARTIAL): the sum of the
 * pseudo-header, which a device is to finish. Its helper does the addresses. What it has done shows which of the two it
 * is, and the port needs no second call: calls of helpers are a good part of what a packet costs.
 */
#ifndef SLUICE_TRANSPORT_CHECKSUM_H
#define SLUICE_TRANSPORT_CHECKSUM_H

#include "lib/checksum.h"
#include "lib/packet.h"

static __always_inline __u32 csum_offset(__u8 proto)
{
	return proto == IPPROTO_TCP ? offsetof(struct tcphdr, check)
				    : offsetof(struct udphdr, check);
}

static __always_inline __u32 checksum_at(const struct packet *packet)
{
	return packet->l4 + csum_offset(packet->proto);
}

/* UDP writes a sum of 0 as ffff, and 0 for "none", which stays. */
static __always_inline __u64 checksum_flags(const struct packet *packet)
{
	return packet->proto == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
}

/* Updates the checksum of a packet that is no later fragment. `addresses` is the change of the addresses' sum, folded to
 * 16 bits; in IPv4 the caller changes the header's checksum, too. The kernel's sum over the packet, where there is one,
 * is right for that; it is the caller's to add the change where the packet is IPv6.
 *
 * Returns 1 for a partial checksum: then the kernel has no sum over the packet. 0 for a whole one, or where that is not
 * known; or -1.
 */
static __always_inline int change_checksum(struct __sk_buff *skb, const struct packet *packet,
					   __u32 addresses, const __be16 *from, const __be16 *to)
{
	__sum16 *check = bytes_at(skb, checksum_at(packet), sizeof(*check));
	int differs = addresses && addresses != 0xffff; /* ffff is 0, too */
	int partial, whole;
	__u32 moved;

	if (!check)
		return -1;
	moved = (__u16) ~*check;
	if (bpf_l4_csum_replace(skb, checksum_at(packet), 0, addresses,
				BPF_F_PSEUDO_HDR | checksum_flags(packet)))
		return -1;
	check = bytes_at(skb, checksum_at(packet), sizeof(*check));
	if (!check)
		return -1;
	moved += *check;
	moved = (moved & 0xffff) + (moved >> 16);
	/* Neither where the change is 0, and where the packet has no checksum. */
	partial = differs & (moved == addresses);
	whole = differs & (moved == (__u16)~addresses);
	if (*from == *to)
		return partial;
	if (unlikely(!partial && !whole))
		return bpf_l4_csum_replace(skb, checksum_at(packet), *from, *to,
					   checksum_flags(packet) | sizeof(*to))
			       ? -1
			       : 0;
	if (partial)
		return 1;
	*check = csum_replace(*check, *from, *to);
	if (packet->proto == IPPROTO_UDP && !*check)
		*check = 0xffff;
	return 0;
}

#endif
