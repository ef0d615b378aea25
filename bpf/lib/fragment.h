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

/* IPv6 identifies a packet by its addresses and `id` alone (RFC 8200, section 4.5): `proto` is 0. */
struct frag_key {
	struct address src;
	struct address dst;
	__u32 id;
	__u8 proto;
	__u8 queue; /* the same fragment passes both */
	__u16 pad;
};

/* Whether a fragment may be one of this protocol. A later one of IPv6 names the header that follows the fragment header in the
 * first one: destination options may stand before the transport header.
 */
static __always_inline int is_fragment_of(const struct packet *packet, __u8 proto)
{
	return packet->proto == proto ||
	       (packet->proto == IPPROTO_DSTOPTS && packet->version == 6 &&
		packet->fragment == FRAGMENT_LATER);
}

static __always_inline void frag_key(struct frag_key *key, const struct packet *packet, __u8 queue)
{
	key->src = packet->src.addr;
	key->dst = packet->dst.addr;
	key->id = packet->id;
	key->proto = packet->version == 4 ? packet->proto : 0;
	key->queue = queue;
	key->pad = 0;
}

#endif
