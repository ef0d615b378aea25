/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fragments of a packet that does not fit into its tunnel: the clones pass the egress hook again. */
#ifndef SLUICE_TUNNEL_SPLIT_H
#define SLUICE_TUNNEL_SPLIT_H

#include "lib/split.h"
#include "tunnel/mark.h"

/* wire_len of a packet that cli_explain asks about: no packet on its way has this and no segments. */
#define DRY_RUN 65536

static __always_inline int is_dry_run(const struct __sk_buff *skb)
{
	return skb->wire_len == DRY_RUN && skb->len < DRY_RUN;
}

static __always_inline int send_head(struct __sk_buff *skb)
{
	set_mark(skb, MARK_HEAD);
	return !is_dry_run(skb) && bpf_clone_redirect(skb, skb->ifindex, 0) < 0;
}

/* As split(). */
static __always_inline int split_in_tunnel(struct __sk_buff *skb, const struct packet *packet,
					   __u32 room)
{
	int size = split(skb, packet, room);

	set_mark(skb, MARK_NONE);
	return size;
}

#endif
