/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Internet checksums: of new headers, and of changed words of old ones. */
#ifndef SLUICE_CHECKSUM_H
#define SLUICE_CHECKSUM_H

#include <linux/types.h>

static __always_inline __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* A header checksum after one of its 32-bit words has changed (RFC 1624). */
static __always_inline __u16 csum_replace(__u16 csum, __be32 from, __be32 to)
{
	return csum_fold((__u64)(__u16)~csum + (__u32)~from + to);
}

#endif
