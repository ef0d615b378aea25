/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A lookup cache: per CPU, one entry per slot, each entry valid for one jiffy.
 *
 * A hit costs a fraction of a hash table lookup. Writers of a table invalidate nothing: a change takes effect
 * with the next jiffy. Caches are not pinned, so their layout may change with each release.
 *
 * An entry begins with `struct lookup`; its key and its value follow. A new entry replaces whatever its slot holds, so
 * everything that belongs to one answer must be in one entry.
 */
#ifndef SLUICE_LOOKUP_CACHE_H
#define SLUICE_LOOKUP_CACHE_H

#include "lib/map.h"
#include "lib/words.h"

/* Head of an entry. */
struct lookup {
	__u64 jiffy; /* of the lookup */
	__u32 found; /* 0: the table has no such row; else what the cache's owner makes of it */
	__u32 pad;
};

#define LOOKUP_CACHE(name, entry, log2) MAP(name, PERCPU_ARRAY, __u32, entry, 1 << (log2))

/* Slot of a key: the high bits of a sum in which each pair of words has a factor of its own, so words that swap places or
 * differ by one bit do not collide. At most 6 words.
 */
static __always_inline __u32 lookup_slot(const __u32 *key, __u32 words, __u32 log2)
{
	const __u64 factors[] = {0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9};
	__u64 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < words; i += 2)
		sum += word_pair(key, i, words) * factors[i / 2];
	return sum >> (64 - log2);
}

/* Whether the entry answers for this key in this jiffy; if not, it is the caller's to fill, with the key set. */
static __always_inline int lookup_hit(struct lookup *lookup, __u32 *entry_key, const __u32 *key,
				      __u32 words)
{
	__u64 jiffy = bpf_jiffies64();

	if (__builtin_expect(lookup->jiffy == jiffy && same_words(entry_key, key, words), 1))
		return 1;
	lookup->jiffy = jiffy;
	lookup->found = 0;
	__builtin_memcpy(entry_key, key, words * 4);
	return 0;
}

#endif
