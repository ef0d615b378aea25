/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The address of a binding by chance.
 *
 * BINDINGS      how many bindings there are, one for each address from 10.0.0.0
 * PREFIX_BITS   their length: binding i is for address 10.0.0.0 + (i << (32 - PREFIX_BITS))
 */
#ifndef SLUICE_BENCH_BY_CHANCE_H
#define SLUICE_BENCH_BY_CHANCE_H

static __always_inline __be32 by_chance(void)
{
	__u32 i = (__u64)bpf_get_prandom_u32() * BINDINGS >> 32;

	return bpf_htonl((10 << 24) + (i << (32 - PREFIX_BITS)));
}

#endif
