/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fragments: only the first carries ports, so what a program finds for the first it keeps for the later ones, in a map of
 * its own by this key.
 */
#ifndef SLUICE_FRAGMENT_H
#define SLUICE_FRAGMENT_H

#include "lib/packet.h"

#define FRAGMENT_ENTRIES 16384
/* Nanoseconds for which a first fragment is remembered: the timeout of reassembly in Linux (ipfrag_time). */
#define FRAGMENT_TIMEOUT (30 * 1000000000ULL)

struct frag_key {
	struct address src;
	struct address dst;
	__u32 id;
	__u8 proto;
	__u8 queue; /* the same fragment passes both */
	__u16 pad;
};

static __always_inline void frag_key(struct frag_key *key, const struct packet *packet, __u8 queue)
{
	key->src = packet->src.addr;
	key->dst = packet->dst.addr;
	key->id = packet->id;
	key->proto = packet->proto;
	key->queue = queue;
	key->pad = 0;
}

#endif
