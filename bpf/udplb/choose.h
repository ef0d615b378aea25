/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finding a packet's upstream: by its key, or as a fragment by what the first
 * fragment of its datagram found.
 */
#ifndef SLUICE_UDPLB_CHOOSE_H
#define SLUICE_UDPLB_CHOOSE_H

#include "lib/fragment.h"
#include "lib/map.h"
#include "udplb/datagram.h"

/* What the later fragments of a datagram need to know of the first. */
struct lb_fragment {
	__u32 upstream;
	__u32 id;      /* of the forwarded fragments, whose source is the key for all clients */
	__u64 expires; /* ns since boot */
};

MAP(fragments, LRU_HASH, struct frag_key, struct lb_fragment, FRAGMENT_ENTRIES);

/* The finalizer of MurmurHash3: every bit of the input moves every bit of the result. */
static __always_inline __u32 mix(__u32 hash)
{
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35;
	return hash ^ hash >> 16;
}

static __always_inline __u32 flow_hash(const struct packet *packet, __u32 strategy)
{
	__u32 hash = 0;

	if (strategy == STRATEGY_SRC_PORT)
		return mix(bpf_ntohs(packet->src.port));
#pragma unroll
	for (int i = 0; i < 4; i++)
		hash = mix(hash ^ bpf_ntohl(packet->src.addr.words[i]));
	return hash;
}

/* Finds the upstream by the packet's key. Returns 0, 1 for a packet to no key, or -NO_UPSTREAM. */
static __always_inline int choose(const struct packet *packet, __u32 *upstream)
{
	struct lb_key key = {.addr = packet->dst.addr, .port = packet->dst.port};
	struct lb_choice *found = bpf_map_lookup_elem(&keys, &key);
	struct lb_choice choice;
	struct lb_chunk *chunk;
	__u32 slot, index;

	if (!found)
		return 1;
	/* At once: the entry may be replaced, and its memory be another's. */
	choice = *found;
	slot = (__u64)flow_hash(packet, choice.strategy) * choice.slots >> 32;
	index = choice.chunk + slot / CHUNK_SLOTS;
	chunk = bpf_map_lookup_elem(&slots, &index);
	if (!chunk)
		return -NO_UPSTREAM;
	*upstream = chunk->upstream[slot % CHUNK_SLOTS];
	return 0;
}

/* Gives a datagram whose first fragment this is an identification of its own, and remembers both. */
static __always_inline __u32 remember_fragment(const struct packet *packet, __u32 upstream,
					       int detour)
{
	struct frag_key key;
	struct lb_fragment *known, fragment = {.upstream = upstream};
	__u32 zero = 0, *next;

	frag_key(&key, packet, 0);
	/* Its other fragments may have been sent during its detour. */
	known = detour ? bpf_map_lookup_elem(&fragments, &key) : NULL;
	if (known)
		return known->id;
	next = bpf_map_lookup_elem(&next_id, &zero);
	if (next)
		fragment.id = __sync_fetch_and_add(next, 1);
	if (packet->version == 4)
		fragment.id &= 0xffff;
	fragment.expires = bpf_ktime_get_ns() + FRAGMENT_TIMEOUT;
	bpf_map_update_elem(&fragments, &key, &fragment, BPF_ANY);
	return fragment.id;
}

/* A first fragment to no key: later ones with the same identification are not ours, either. */
static __always_inline void forget_fragment(const struct packet *packet)
{
	struct frag_key key;

	frag_key(&key, packet, 0);
	bpf_map_delete_elem(&fragments, &key);
}

/* Finds the upstream of the first fragment. Returns 0, or -LATE_FRAGMENT. */
static __always_inline int match_fragment(const struct packet *packet, __u32 *upstream, __u32 *id)
{
	struct frag_key key;
	struct lb_fragment *fragment;

	frag_key(&key, packet, 0);
	fragment = bpf_map_lookup_elem(&fragments, &key);
	if (!fragment || fragment->expires < bpf_ktime_get_ns())
		return -LATE_FRAGMENT;
	*upstream = fragment->upstream;
	*id = fragment->id;
	return 0;
}

/* Finds the upstream of any packet, and what its fragments are called from here on.
 * Returns as choose() and match_fragment() do.
 */
static __always_inline int find_upstream(const struct packet *packet, int detour, __u32 *upstream,
					 __u32 *id)
{
	int err;

	if (unlikely(packet->fragment == FRAGMENT_LATER))
		return match_fragment(packet, upstream, id);
	err = choose(packet, upstream);
	if (likely(!packet->fragment))
		return err;
	if (err)
		forget_fragment(packet);
	else
		*id = remember_fragment(packet, *upstream, detour);
	return err;
}

#endif
