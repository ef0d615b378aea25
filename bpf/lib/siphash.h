/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SipHash-2-4 with 128 bits of output, by its definition: Aumasson and Bernstein, "SipHash: a fast short-input PRF". */
#ifndef SLUICE_SIPHASH_H
#define SLUICE_SIPHASH_H

#include <linux/types.h>

#include "lib/packet.h"

/* Bytes of the longest message. */
#define SIPHASH_LONGEST 63

struct siphash {
	__u64 key[2];
	union {
		__u32 message[16]; /* in wire order; bytes past `length` must be zero */
		__u64 words[8];
	};
	__u32 length; /* of the message, in bytes */
	__u32 pad;
	__u64 hash[2];
};

#define ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))

#define SIPROUND                          \
	do {                              \
		v0 += v1;                 \
		v1 = ROTATE(v1, 13) ^ v0; \
		v0 = ROTATE(v0, 32);      \
		v2 += v3;                 \
		v3 = ROTATE(v3, 16) ^ v2; \
		v0 += v3;                 \
		v3 = ROTATE(v3, 21) ^ v0; \
		v2 += v1;                 \
		v1 = ROTATE(v1, 17) ^ v2; \
		v2 = ROTATE(v2, 32);      \
	} while (0)

/* Writes the hash of `message` under `key` to `hash`. */
SUBPROGRAM int siphash128(struct siphash *s)
{
	__u64 v0 = 0x736f6d6570736575, v1 = 0x646f72616e646f6d ^ 0xee;
	__u64 v2 = 0x6c7967656e657261, v3 = 0x7465646279746573;
	__u32 whole;

	if (!s)
		return 0;
	whole = (s->length & SIPHASH_LONGEST) / 8;
	v0 ^= s->key[0];
	v1 ^= s->key[1];
	v2 ^= s->key[0];
	v3 ^= s->key[1];
	for (__u32 i = 0; i < 8; i++) {
		__u64 word = s->words[i];

		if (i == whole)
			word |= (__u64)s->length << 56;
		v3 ^= word;
		SIPROUND;
		SIPROUND;
		v0 ^= word;
		if (i == whole)
			break;
	}
	v2 ^= 0xee;
	for (int i = 0; i < 4; i++)
		SIPROUND;
	s->hash[0] = v0 ^ v1 ^ v2 ^ v3;
	v1 ^= 0xdd;
	for (int i = 0; i < 4; i++)
		SIPROUND;
	s->hash[1] = v0 ^ v1 ^ v2 ^ v3;
	return 0;
}

#endif
