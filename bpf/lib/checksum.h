/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Internet checksums: of new headers, and of changed words of old ones (RFC 1624). A sum is a ones' complement sum in the
 * packet's byte order that has not been folded yet.
 */
#ifndef SLUICE_CHECKSUM_H
#define SLUICE_CHECKSUM_H

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

/* Adds the difference of a replaced word of up to 32 bits. Pass both values of a 16-bit word as __u16. */
static __always_inline __u64 csum_change(__u64 sum, __be32 from, __be32 to)
{
	return sum + (__u32)~from + to;
}

/* Folds to 32 bits, as the helpers take differences. */
static __always_inline __u32 csum_fold32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (sum & 0xffffffff) + (sum >> 32);
}

/* Folds to 16 bits. A sum of 0 stays 0; no other one becomes 0. */
static __always_inline __u16 csum_fold16(__u64 sum)
{
	__u32 half;

	sum += sum << 32 | sum >> 32; /* the high half is the sum of both, with the carry added */
	half = sum >> 32;
	half += half << 16 | half >> 16;
	return half >> 16;
}

/* Folds to a checksum. */
static __always_inline __u16 csum_fold(__u64 sum)
{
	return ~csum_fold16(sum);
}

/* A header checksum after one of its 32-bit words has changed. */
static __always_inline __u16 csum_replace(__u16 csum, __be32 from, __be32 to)
{
	return csum_fold(csum_change((__u16)~csum, from, to));
}

#endif
