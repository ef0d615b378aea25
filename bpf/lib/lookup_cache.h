/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A cache of table lookups, one for each CPU. An entry is valid for one jiffy, so whoever writes a table need not
 * invalidate it: a change takes effect with the next jiffy. A hit costs a fraction of a lookup in a hash table.
 */
#ifndef SLUICE_LOOKUP_CACHE_H
#define SLUICE_LOOKUP_CACHE_H

#include "lib/packet.h"
#include "lib/slot.h"
#include "tunnel/tables.h"

/* Entries of each kind of lookup. */
#define LOOKUPS_LOG2 8
/* Key and value; with them an entry fills one cache line. */
#define LOOKUP_WORDS 13

/* Kinds of lookups; tunnel/lookup.h has one function for each. */
enum lookup_kind {
	LOOKUP_CONFIG,
	LOOKUP_LOCAL,
	LOOKUP_BACKEND,
	LOOKUP_PROXY,
	LOOKUP_SERVICE,
	LOOKUP_TUNNEL,
	LOOKUP_GUARD,
	LOOKUP_KINDS,
};

struct lookup {
	__u64 jiffy; /* in which it was made */
	__u32 found;
	__u32 words[LOOKUP_WORDS]; /* the key, then the value */
};

/* By a hash of the key: a new entry replaces an old one. */
struct lookups {
	struct lookup slots[1 << LOOKUPS_LOG2];
};

/* By kind. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct lookups);
	__uint(max_entries, LOOKUP_KINDS);
} lookup_cache SEC(".maps");

static __always_inline __u32 lookup_slot(const __u32 *key, __u32 words)
{
	__u32 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < words; i++)
		sum ^= key[i];
	return slot_of(sum, LOOKUPS_LOG2);
}

static __always_inline int same_words(const __u32 *a, const __u32 *b, __u32 words)
{
	__u32 difference = 0;

#pragma unroll
	for (__u32 i = 0; i < words; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

/* Looks a key of `words` words up, in the cache or by `look_up`, which writes the value and returns whether there is
 * one. Returns a copy of the value, valid until the next lookup of the same kind, or NULL.
 */
static __always_inline void *cached_lookup(enum lookup_kind kind, const void *key, __u32 words,
					   int (*look_up)(const void *key, void *value))
{
	__u32 row = kind;
	struct lookups *lookups = bpf_map_lookup_elem(&lookup_cache, &row);
	__u64 jiffy = bpf_jiffies64();
	struct lookup *lookup;

	if (!lookups)
		return NULL;
	lookup = &lookups->slots[lookup_slot(key, words)];
	if (unlikely(lookup->jiffy != jiffy || !same_words(lookup->words, key, words))) {
		lookup->jiffy = jiffy;
		__builtin_memcpy(lookup->words, key, words * 4);
		lookup->found = look_up(key, lookup->words + words);
	}
	return lookup->found ? lookup->words + words : NULL;
}

#endif
