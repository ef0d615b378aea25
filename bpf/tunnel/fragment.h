/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The protocol and the ports of first fragments, for the later ones. */
#ifndef SLUICE_TUNNEL_FRAGMENT_H
#define SLUICE_TUNNEL_FRAGMENT_H

#include "lib/fragment.h"
#include "lib/map.h"
#include "tunnel/outcome.h"

struct frag {
	__be16 src_port;
	__be16 dst_port;
	__u8 proto;
	__u8 pad[3];
	__u64 time; /* ns since boot, as in bpf_ktime_get_ns */
};

MAP(map_frag, LRU_HASH, struct frag_key, struct frag, FRAGMENT_ENTRIES, PINNED);

/* Keeps the ports of a first fragment that matched a service, and does nothing for any other packet. */
static __always_inline void remember_fragment(const struct packet *packet, __u8 queue)
{
	struct frag_key key;
	struct frag frag = {};

	if (likely(packet->fragment != FRAGMENT_FIRST))
		return;
	frag_key(&key, packet, queue);
	frag.src_port = packet->src.port;
	frag.dst_port = packet->dst.port;
	frag.proto = packet->proto;
	frag.time = bpf_ktime_get_ns();
	bpf_map_update_elem(&map_frag, &key, &frag, BPF_ANY);
}

/* Gives a later fragment the ports of its first. A first fragment makes an earlier one with its identification void.
 * Returns 0, or -OUT_FRAGMENT_BEFORE_FIRST.
 */
static __always_inline int match_fragment(struct packet *packet, __u8 queue)
{
	struct frag_key key;
	struct frag *frag;

	frag_key(&key, packet, queue);
	if (packet->fragment == FRAGMENT_FIRST) {
		bpf_map_delete_elem(&map_frag, &key);
		return 0;
	}
	frag = bpf_map_lookup_elem(&map_frag, &key);
	if (!frag || bpf_ktime_get_ns() - frag->time > FRAGMENT_TIMEOUT)
		return -OUT_FRAGMENT_BEFORE_FIRST;
	packet->src.port = frag->src_port;
	packet->dst.port = frag->dst_port;
	if (packet->version == 6)
		packet->proto = packet->src.proto = packet->dst.proto = frag->proto;
	packet->has_ports = 1;
	return 0;
}

#endif
