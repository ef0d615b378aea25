/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An index of the bindings: a hash by prefix, and the prefix lengths that exist
 * for each protocol and port. A packet costs one hash lookup for each length in
 * place of two lookups in the trie.
 *
 * Only write_bindings changes it, together with the trie and in one run, so the
 * two never disagree: the trie is frozen for all other writers. The trie remains
 * complete, and is all that a reader needs.
 */
#ifndef SLUICE_DISPATCHER_INDEX_H
#define SLUICE_DISPATCHER_INDEX_H

#include "dispatcher/dispatcher.h"
#include "lib/map.h"

#include <bpf/bpf_endian.h>

/* Bindings of one length, protocol and port are counted and found by these. */
struct index_key {
	__u8 length; /* of the prefix in 128 bits: 96 more for IPv4; 1 to 128 */
	__u8 protocol;
	__u16 port; /* host order; 0 is every port */
	struct ip addr;
};

struct index_length_key {
	__u8 length;
	__u8 protocol;
	__u16 port;
};

MAP(index_bindings, HASH, struct index_key, struct binding, MAX_BINDINGS, NO_PREALLOC);

/* How many bindings have this length, protocol and port. */
MAP(index_lengths, HASH, struct index_length_key, __u32, MAX_BINDINGS, NO_PREALLOC);

/* The lengths of a protocol and port, the longest in the lowest byte; 0 ends them. */
#define MAX_LENGTHS 4
/* More lengths than fit: use the trie. */
#define TOO_MANY_LENGTHS (~0U)

/* By port, then those of UDP. */
MAP(index_rows, ARRAY, __u32, __u32, 2 * 65536);

/* How many bindings there are. */
MAP(index_size, ARRAY, __u32, __u64, 1);

/* Two lookups in a trie are as quick as the index, where it has fewer bindings. */
#define SMALL 64
/* Or where more lengths than these would have to be tried: a trie of fewer than
 * MEDIUM bindings costs about three hash lookups, a larger one five and more.
 */
#define MEDIUM 16384
#define TRIES_SMALL 2
#define TRIES_LARGE MAX_LENGTHS

#define UDP 17

static __always_inline __u32 *row_of(__u32 protocol, __u32 port)
{
	__u32 row = port + (protocol == UDP ? 65536 : 0);

	return bpf_map_lookup_elem(&index_rows, &row);
}

static __always_inline __u64 *size_of_index(void)
{
	const __u32 only = 0;

	return bpf_map_lookup_elem(&index_size, &only);
}

static __always_inline __u32 count_lengths(__u32 row)
{
	return !!(row & 0xff) + !!(row & 0xff00) + !!(row & 0xff0000) + !!(row & 0xff000000);
}

/* Keeps the first `length` bits of an address in host order. */
static __always_inline void mask(__u64 high, __u64 low, __u32 length, struct ip *addr)
{
	if (length <= 64) {
		low = 0;
		high &= ~0ULL << ((64 - length) & 63);
	} else {
		low &= ~0ULL << ((128 - length) & 63);
	}
	high = bpf_cpu_to_be64(high);
	low = bpf_cpu_to_be64(low);
	addr->words[0] = high;
	addr->words[1] = high >> 32;
	addr->words[2] = low;
	addr->words[3] = low >> 32;
}

#endif
