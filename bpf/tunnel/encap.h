/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Encapsulation: whether the packet fits with the outer header on it, room for the header, the header. */
#ifndef SLUICE_ENCAP_H
#define SLUICE_ENCAP_H

#include <linux/errno.h>

#include "lib/packet.h"
#include "tunnel/flow.h"
#include "tunnel/gue.h"
#include "tunnel/outcome.h"
#include "tunnel/path.h"
#include "tunnel/token.h"

/* A segment of a super-packet, or the whole of any other packet, from its IP header on. */
static __always_inline __u32 segment_size(struct __sk_buff *skb, const struct packet *packet)
{
	struct tcphdr *tcp;
	__u32 headers = packet->l4 - packet->l3;

	if (likely(!skb->gso_size))
		return packet->len;
	if (packet->proto != IPPROTO_TCP)
		return headers + sizeof(struct udphdr) + skb->gso_size;
	tcp = bytes_at(skb, packet->l4, sizeof(*tcp));
	return headers + (tcp ? tcp->doff * 4 : 60) + skb->gso_size;
}

/* How the kernel is to make room. Returns its flags, or a negative reason for a packet that does not fit.
 *
 * Segments keep their size where they fit with the outer header on them. TCP's may also be cut smaller, for which the
 * flag is left out. Those of UDP may not: they are datagrams.
 */
static __always_inline long check_size(struct __sk_buff *skb, const struct packet *packet,
				       __u32 overhead, __u32 mtu, __u64 *flags)
{
	__u32 size = segment_size(skb, packet);

	*flags = BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
		 (overhead == sizeof(struct outer_ipv4) ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4
							: BPF_F_ADJ_ROOM_ENCAP_L3_IPV6);
	if (likely(size + overhead <= mtu)) {
		*flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
		return 0;
	}
	if (skb->gso_size > overhead && packet->proto == IPPROTO_TCP && size <= mtu)
		return 0;
	return -OUT_TOO_BIG;
}

/* Makes room for the outer header, and marks the packet as encapsulated for the offloads. Returns 0 or -OUT_ENCAP_FAILED. */
static __always_inline int grow(struct __sk_buff *skb, const struct packet *packet, __u32 overhead,
				__u64 flags, __u8 outer_version)
{
	long err = bpf_skb_adjust_room(skb, overhead, BPF_ADJ_ROOM_MAC, flags);

	if (likely(!err))
		return 0;
	/* A decapsulated packet may still have skb->encapsulation, which cannot be set twice. Only super-packets and a
	 * change of family need it.
	 */
	if (err != -EALREADY || skb->gso_size || packet->version != outer_version)
		return -OUT_ENCAP_FAILED;
	return bpf_skb_adjust_room(skb, overhead, BPF_ADJ_ROOM_MAC, 0) ? -OUT_ENCAP_FAILED : 0;
}

/* Writes the outer header of a packet that is to `dst`, with its token where it needs one. Returns 0 or a negative reason. */
static __always_inline int write_outer(struct __sk_buff *skb, const struct packet *packet,
				       const struct path *path,
				       const struct cached_service *service, __u8 version,
				       const struct endpoint *dst)
{
	const struct tunnel *tunnel = &path->tunnel;
	__be16 source = tunnel->local_port, proto;
	__u64 hash = 0;
	void *data, *end;

	if (unlikely(path->flow_port)) {
		hash = flow_hash(&packet->src, dst);
		source = flow_port(hash);
	}
	data = packet_start(skb);
	end = packet_end(skb);
	if (version == 4) {
		if (data + LINK_HLEN + sizeof(struct outer_ipv4) > end)
			return -OUT_ENCAP_FAILED;
		write_outer_ipv4(data + LINK_HLEN, source, tunnel, service, packet);
		proto = bpf_htons(ETH_P_IP);
	} else {
		if (data + LINK_HLEN + sizeof(struct outer_ipv6) > end)
			return -OUT_ENCAP_FAILED;
		write_outer_ipv6(data + LINK_HLEN, source, flow_label(hash), tunnel, service,
				 packet);
		proto = bpf_htons(ETH_P_IPV6);
	}
	if (LINK_HLEN)
		((struct ethhdr *)data)->h_proto = proto;
	if (likely(service->token.mode < TOKEN_SEND))
		return 0;
	return put_token(skb, &packet->src, dst, service,
			 LINK_HLEN + outer_size(version) - sizeof(struct gue));
}

#endif
