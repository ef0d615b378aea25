/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keys and rows as words of 32 bits. */
#ifndef SLUICE_WORDS_H
#define SLUICE_WORDS_H

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#define WORDS(type) (sizeof(type) / 4)

/* Words are read by pairs: those on the stack must stand at a multiple of 8. */
static __always_inline __u64 word_pair(const __u32 *words, __u32 at, __u32 count)
{
	return at + 1 < count ? *(const __u64 *)(words + at) : words[at];
}

static __always_inline int same_words(const __u32 *a, const __u32 *b, __u32 count)
{
	__u64 difference = 0;

#pragma unroll
	for (__u32 i = 0; i < count; i += 2)
		difference |= word_pair(a, i, count) ^ word_pair(b, i, count);
	return !difference;
}

/* Copies words. Returns whether any has changed. */
static __always_inline int copy_words(__u32 *to, const __u32 *from, __u32 count)
{
	__u32 difference = 0;

#pragma unroll
	for (__u32 i = 0; i < count; i++) {
		difference |= to[i] ^ from[i];
		to[i] = from[i];
	}
	return difference != 0;
}

/* The same for objects of one type. */
#define COPY(to, from) copy_words((void *)(to), (const void *)(from), WORDS(*(to)))

#endif
