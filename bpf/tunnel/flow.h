/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The hash of a flow, and two fields of the outer header that are made of it: the source port, for the receive queues of
 * the receiver's card, and the IPv6 flow label, for equal-cost paths of routers (RFC 6438).
 */
#ifndef SLUICE_FLOW_H
#define SLUICE_FLOW_H

#include <bpf/bpf_endian.h>

#include "lib/address.h"

/* The dynamic ports (RFC 6335): 49152 to 65535. */
#define FLOW_PORT_MIN 49152
#define FLOW_PORT_LOG2 14
#define FLOW_LABEL_LOG2 20

/* The high bits are the best ones. */
static __always_inline __u64 flow_hash(const struct endpoint *src, const struct endpoint *dst)
{
	__u64 sum = (*(__u64 *)&src->addr.words[0] ^ *(__u64 *)&src->addr.words[2]) *
		    0x9e3779b97f4a7c15;

	sum += (*(__u64 *)&dst->addr.words[0] ^ *(__u64 *)&dst->addr.words[2]) * 0xc2b2ae3d27d4eb4f;
	return sum + ((__u32)src->port << 16 | dst->port) * 0x165667b19e3779f9;
}

static __always_inline __be16 flow_port(__u64 hash)
{
	return bpf_htons(FLOW_PORT_MIN + (hash >> (64 - FLOW_PORT_LOG2)));
}

static __always_inline __u32 flow_label(__u64 hash)
{
	return hash >> (64 - FLOW_LABEL_LOG2);
}

static __always_inline int is_flow_port(__be16 port)
{
	return bpf_ntohs(port) >= FLOW_PORT_MIN;
}

#endif
