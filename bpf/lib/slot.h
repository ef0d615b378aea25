/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which slot of a small table something is remembered in. */
#ifndef SLUICE_SLOT_H
#define SLUICE_SLOT_H

#include <linux/types.h>

/* One of 2^log2 slots, by the exclusive or of what tells the entries apart. The factor is 2^32 by the golden ratio: it
 * lets every bit of the sum have its say in the highest ones, which choose.
 */
static __always_inline __u32 slot_of(__u32 sum, __u32 log2)
{
	return sum * 0x9e3779b1 >> (32 - log2);
}

#endif
