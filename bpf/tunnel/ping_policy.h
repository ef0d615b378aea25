/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What may move a tunnel's far end: options of the tunnel, when it was heard last, and whether its pings must be signed. */
#ifndef SLUICE_PING_POLICY_H
#define SLUICE_PING_POLICY_H

#include "lib/packet.h"
#include "lib/words.h"
#include "tunnel/tables.h"

#define SECOND 1000000000ULL

/* Whether the tunnel's far end may be moved to this address by any ping. Never where each flow has its own source port: a
 * NAT before the far end accepts packets only from the port that the ping was sent to.
 */
static __always_inline int may_move(const struct tunnel_options *options,
				    const struct address *address)
{
	__u32 bits = options->within_bits;

	if (options->flags & TUNNEL_FLOW_PORT)
		return 0;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		__u32 mask = bits >= 32 ? 0xffffffff : bits ? ~0U << (32 - bits) : 0;

		if ((address->words[i] ^ options->within.words[i]) & bpf_htonl(mask))
			return 0;
		bits = bits >= 32 ? bits - 32 : 0;
	}
	return 1;
}

/* Reads a tunnel's options. Returns whether there are any. */
SUBPROGRAM int read_options(__u32 tunnel, struct tunnel_options *to)
{
	return to && READ_ROW(&map_tunnel_opts, &tunnel, row, COPY(to, row));
}

/* Whether a ping that is not signed may move a tunnel's far end to an address. `options` are the tunnel's. */
static __always_inline int may_move_unsigned(const struct tunnel *tunnel,
					     const struct tunnel_options *options,
					     const struct address *to)
{
	__u64 now;

	if (!may_move(options, to))
		return 0;
	if (!options->move_after || !tunnel->remote_port)
		return 1;
	if (options->move_after == MOVE_NEVER)
		return 0;
	now = bpf_ktime_get_boot_ns();
	return now > tunnel->last_ping && now - tunnel->last_ping > options->move_after * SECOND;
}

/* Writes when the far end of a tunnel was heard, in place: that cannot undo what a command writes at the same moment. */
static __always_inline void write_last_ping(__u32 tunnel)
{
	struct tunnel *row = FIND_ROW(&map_tunnel, &tunnel);

	if (row)
		row->last_ping = bpf_ktime_get_boot_ns();
}

/* Whether a service of the tunnel requires signed pings. */
static __always_inline int must_be_signed(__u32 tunnel)
{
	return FIND_ROW(&map_signed_only, &tunnel) != NULL;
}

#endif
