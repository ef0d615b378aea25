/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser as the tunnel programs call it: errors are outcomes, and later fragments have the ports of their first. */
#ifndef SLUICE_TUNNEL_PARSE_H
#define SLUICE_TUNNEL_PARSE_H

#include "lib/parse.h"
#include "tunnel/fragment.h"
#include "tunnel/outcome.h"
#include "tunnel/tables.h"

/* Fills in `packet`, which kernel 6.1 wants initialised, from the IP header of this version at offset `off`.
 * `version_queue`: queue << 4 | version.
 *
 * Returns 0, also for packets without ports; -OUT_INNER_VERSION, -OUT_INNER_LENGTH or -OUT_FRAGMENT_BEFORE_FIRST.
 */
SUBPROGRAM int parse_initialised(struct __sk_buff *skb, __u32 off, __u32 version_queue,
				 struct packet *packet)
{
	__u8 version = version_queue & 0xf;
	__u8 queue = version_queue >> 4;
	int err;

	if (!packet)
		return -OUT_INNER_LENGTH;
	err = parse_headers(skb, off, version, packet);
	if (err)
		return err == -PARSE_VERSION ? -OUT_INNER_VERSION : -OUT_INNER_LENGTH;
	if (unlikely(packet->fragment &&
		     (is_fragment_of(packet, IPPROTO_TCP) || is_fragment_of(packet, IPPROTO_UDP))))
		return match_fragment(packet, queue);
	return 0;
}

static __always_inline int parse_packet(struct __sk_buff *skb, __u32 off, __u32 version,
					enum queue queue, struct packet *packet)
{
	__builtin_memset(packet, 0, sizeof(*packet));
	return parse_initialised(skb, off, queue << 4 | version, packet);
}

#define VLAN_ID 0xfff

/* Whether the frame is not this interface's to handle: 0, or its outcome. A priority tag (VLAN 0) is no VLAN. */
static __always_inline int foreign_frame(struct __sk_buff *skb, enum queue queue)
{
	if (unlikely(skb->vlan_present && skb->vlan_tci & VLAN_ID))
		return OUT_VLAN;
	if (unlikely(queue == QUEUE_RX && skb->pkt_type != PACKET_HOST))
		return OUT_OTHER_HOST;
	return 0;
}

/* Fills in `packet` from what follows the link-layer header.
 *
 * Returns 0, or the outcome of a packet that is none of ours: OUT_VLAN, OUT_OTHER_HOST, OUT_NOT_IP, OUT_MALFORMED,
 * OUT_FRAGMENT_BEFORE_FIRST, or OUT_NOT_OURS where there are no ports.
 */
static __always_inline int parse_frame(struct __sk_buff *skb, enum queue queue,
				       struct packet *packet)
{
	__u32 version;
	int err = foreign_frame(skb, queue);

	if (err)
		return err;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (likely(!parse_plain(skb, LINK_HLEN, 4, packet)))
			return 0;
		version = 4;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (likely(!parse_plain(skb, LINK_HLEN, 6, packet)))
			return 0;
		version = 6;
	} else {
		return OUT_NOT_IP;
	}
	err = parse_packet(skb, LINK_HLEN, version, queue, packet);
	if (unlikely(err))
		return err == -OUT_FRAGMENT_BEFORE_FIRST ? OUT_FRAGMENT_BEFORE_FIRST
							 : OUT_MALFORMED;
	return packet->has_ports ? 0 : OUT_NOT_OURS;
}

#endif
