/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the tables said, remembered for a tick of the kernel's clock (some milliseconds): one packet asks what the one
 * before it asked, and hash tables cost several times what this does. Whoever writes a table need not know: a change is
 * seen with the next tick.
 */
#ifndef SLUICE_LOOKUP_CACHE_H
#define SLUICE_LOOKUP_CACHE_H

#include "lib/packet.h"
#include "lib/slot.h"
#include "tunnel/tables.h"

/* Of each kind. */
#define MEMOS_LOG2 8
/* With them a memo fills one line of the cache. */
#define MEMO_WORDS 13

/* Kinds of questions, which lookup.h asks. */
enum memo_of {
	MEMO_CONFIG,
	MEMO_LOCAL,
	MEMO_BACKEND,
	MEMO_PROXY,
	MEMO_SERVICE,
	MEMO_TUNNEL,
	MEMO_GUARD,
	MEMOS_OF,
};

struct memo {
	__u64 tick; /* it holds as long as this does not move */
	__u32 found;
	__u32 words[MEMO_WORDS]; /* the key, then the answer */
};

/* By a hash of the key: a newer one takes the place of an older. */
struct memos {
	struct memo slots[1 << MEMOS_LOG2];
};

/* By kind. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct memos);
	__uint(max_entries, MEMOS_OF);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} map_memo SEC(".maps");

static __always_inline __u32 memo_slot(const __u32 *key, __u32 words)
{
	__u32 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < words; i++)
		sum ^= key[i];
	return slot_of(sum, MEMOS_LOG2);
}

static __always_inline int same_words(const __u32 *a, const __u32 *b, __u32 words)
{
	__u32 difference = 0;

#pragma unroll
	for (__u32 i = 0; i < words; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

/* What `ask` says of a key of so many whole words, from memory or by asking it: its answer, or NULL where it says no.
 * The answer is a copy, good until the next question of the same kind.
 */
static __always_inline void *recall(enum memo_of of, const void *key, __u32 words,
				    int (*ask)(const void *key, void *answer))
{
	__u32 kind = of;
	struct memos *memos = bpf_map_lookup_elem(&map_memo, &kind);
	__u64 tick = bpf_jiffies64();
	struct memo *memo;

	if (!memos)
		return NULL;
	memo = &memos->slots[memo_slot(key, words)];
	if (unlikely(memo->tick != tick || !same_words(memo->words, key, words))) {
		memo->tick = tick;
		__builtin_memcpy(memo->words, key, words * 4);
		memo->found = ask(key, memo->words + words);
	}
	return memo->found ? memo->words + words : NULL;
}

#endif
