/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finding a packet's upstream: by its key, or as a fragment by what the first
 * fragment of its datagram found.
 */
#ifndef SLUICE_UDPLB_CHOOSE_H
#define SLUICE_UDPLB_CHOOSE_H

#include "udplb/packet.h"

/* The time for which a receiver waits for the rest of a datagram. */
#define FRAGMENT_LIFETIME (30ULL * 1000 * 1000 * 1000)

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
		return mix(bpf_ntohs(packet->src_port));
#pragma unroll
	for (int i = 0; i < 4; i++)
		hash = mix(hash ^ bpf_ntohl(packet->src.words[i]));
	return hash;
}

/* Finds the upstream by the packet's key. Returns 0, 1 for a packet to no key, or -NO_UPSTREAM. */
static __always_inline int choose(const struct packet *packet, __u32 *upstream)
{
	struct lb_key key = {.addr = packet->dst, .port = packet->dst_port};
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

static __always_inline void fragment_key(struct lb_fragment_key *key, const struct packet *packet)
{
	key->src = packet->src;
	key->dst = packet->dst;
	key->id = packet->id;
	key->family = packet->family;
}

/* Gives a datagram whose first fragment this is an identification of its own, and remembers both. */
static __always_inline __be32 remember_fragment(const struct packet *packet, __u32 upstream,
						int detour)
{
	struct lb_fragment_key key;
	struct lb_fragment *known, fragment = {.upstream = upstream};
	__u32 zero = 0, *next;

	fragment_key(&key, packet);
	/* Its other fragments may have gone ahead while it was on its detour. */
	known = detour ? bpf_map_lookup_elem(&fragments, &key) : NULL;
	if (known)
		return known->id;
	next = bpf_map_lookup_elem(&next_id, &zero);
	if (next)
		fragment.id = __sync_fetch_and_add(next, 1);
	fragment.id = packet->family == AF_INET ? bpf_htons(fragment.id) : bpf_htonl(fragment.id);
	fragment.expires = bpf_ktime_get_ns() + FRAGMENT_LIFETIME;
	bpf_map_update_elem(&fragments, &key, &fragment, BPF_ANY);
	return fragment.id;
}

/* A first fragment to no key: later ones with the same identification are not ours, either. */
static __always_inline void forget_fragment(const struct packet *packet)
{
	struct lb_fragment_key key;

	fragment_key(&key, packet);
	bpf_map_delete_elem(&fragments, &key);
}

/* Finds what the first fragment's way was. Returns 0, or -LATE_FRAGMENT. */
static __always_inline int recall_fragment(const struct packet *packet, __u32 *upstream, __be32 *id)
{
	struct lb_fragment_key key;
	struct lb_fragment *fragment;

	fragment_key(&key, packet);
	fragment = bpf_map_lookup_elem(&fragments, &key);
	if (!fragment || fragment->expires < bpf_ktime_get_ns())
		return -LATE_FRAGMENT;
	*upstream = fragment->upstream;
	*id = fragment->id;
	return 0;
}

/* Finds the upstream of any packet, and what its fragments are called from here on.
 * Returns as choose() and recall_fragment() do.
 */
static __always_inline int find_upstream(const struct packet *packet, int detour, __u32 *upstream,
					 __be32 *id)
{
	int err;

	if (unlikely(packet->fragment == FRAGMENT_LATER))
		return recall_fragment(packet, upstream, id);
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
