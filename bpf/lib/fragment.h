/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fragments: only the first carries ports. What they were is remembered for the later ones, which then are treated
 * alike.
 */
#ifndef SLUICE_FRAGMENT_H
#define SLUICE_FRAGMENT_H

#include "lib/packet.h"

#define FRAG_ENTRIES 16384
/* Nanoseconds that a first fragment is remembered. */
#define FRAG_LIFETIME (10 * 1000000000ULL)

struct frag_key {
	struct address src;
	struct address dst;
	__u32 id;
	__u8 proto;
	__u8 queue; /* the same fragment passes both */
	__u16 pad;
};

struct frag {
	__be16 src_port;
	__be16 dst_port;
	__u32 pad;
	__u64 time; /* ns since boot, as in bpf_ktime_get_ns */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct frag_key);
	__type(value, struct frag);
	__uint(max_entries, FRAG_ENTRIES);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} map_frag SEC(".maps");

static __always_inline void frag_key(struct frag_key *key, const struct packet *packet, __u8 queue)
{
	key->src = packet->src.addr;
	key->dst = packet->dst.addr;
	key->id = packet->id;
	key->proto = packet->proto;
	key->queue = queue;
	key->pad = 0;
}

/* Remembers a first fragment that matched; others it leaves alone. */
static __always_inline void remember_fragment(const struct packet *packet, __u8 queue)
{
	struct frag_key key;
	struct frag frag = {};

	if (likely(packet->fragment != FRAGMENT_FIRST))
		return;
	frag_key(&key, packet, queue);
	frag.src_port = packet->src.port;
	frag.dst_port = packet->dst.port;
	frag.time = bpf_ktime_get_ns();
	bpf_map_update_elem(&map_frag, &key, &frag, BPF_ANY);
}

/* Gives a later fragment the ports of its first.
 * Returns 0, or -OUT_FRAGMENT_BEFORE_FIRST where that was not seen.
 */
static __always_inline int recall_fragment(struct packet *packet, __u8 queue)
{
	struct frag_key key;
	struct frag *frag;

	frag_key(&key, packet, queue);
	frag = bpf_map_lookup_elem(&map_frag, &key);
	if (!frag || bpf_ktime_get_ns() - frag->time > FRAG_LIFETIME)
		return -OUT_FRAGMENT_BEFORE_FIRST;
	packet->src.port = frag->src_port;
	packet->dst.port = frag->dst_port;
	packet->has_ports = 1;
	return 0;
}

#endif
