/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the tables said, remembered for a tick of the kernel's clock (some milliseconds): one packet asks what the one
 * before it asked, and hash tables cost several times what this does. Whoever writes a table need not know: a change is
 * seen with the next tick.
 */
#ifndef SLUICE_MEMO_H
#define SLUICE_MEMO_H

#include "packet.h"
#include "tables.h"

/* Of each kind. */
#define MEMOS_LOG2 8

/* The questions, each asked by one function of tables' rows in lookup.h. */
enum memo_of {
	MEMO_CONFIG,
	MEMO_LOCAL,
	MEMO_BACKEND,
	MEMO_PROXY,
	MEMO_SERVICE,
	MEMO_TUNNEL,
	MEMO_VERIFY,
	MEMOS_OF,
};

struct memo {
	__u64 tick; /* it holds as long as this does not move */
	__u32 found;
	__u32 key[sizeof(struct endpoint) / 4];
	union {
		__u64 widest; /* memos are as aligned as the rows that they stand for */
		struct config config;
		struct endpoint endpoint;
		struct service service;
		struct tunnel tunnel;
		struct verify verify;
	} value;
};

/* By kind, then by a hash of the key: a newer one takes the place of an older. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct memo);
	__uint(max_entries, MEMOS_OF << MEMOS_LOG2);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} map_memo SEC(".maps");

static __always_inline __u32 memo_slot(enum memo_of of, const __u32 *key, __u32 words)
{
	__u32 hash = 0;

#pragma unroll
	for (__u32 i = 0; i < words; i++)
		hash ^= key[i];
	return of << MEMOS_LOG2 | hash * 0x9e3779b1 >> (32 - MEMOS_LOG2);
}

static __always_inline int same_words(const __u32 *a, const __u32 *b, __u32 words)
{
	__u32 difference = 0;

#pragma unroll
	for (__u32 i = 0; i < words; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

/* What `look_up` says of a key of whole words, from memory or by asking it: a copy of the value that it finds, or NULL.
 * Good until the next question of the same kind.
 */
static __always_inline void *recall(enum memo_of of, const void *key, __u32 key_size,
				    __u32 value_size, void *(*look_up)(const void *key))
{
	__u32 words = key_size / 4, slot = memo_slot(of, key, words);
	struct memo *memo = bpf_map_lookup_elem(&map_memo, &slot);
	__u64 tick = bpf_jiffies64();
	void *value;

	if (!memo)
		return NULL;
	if (likely(memo->tick == tick && same_words(memo->key, key, words)))
		return memo->found ? &memo->value : NULL;
	value = look_up(key);
	memo->tick = tick;
	memo->found = value != NULL;
	__builtin_memcpy(memo->key, key, key_size);
	if (!value)
		return NULL;
	__builtin_memcpy(&memo->value, value, value_size);
	return &memo->value;
}

#endif
