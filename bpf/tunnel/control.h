/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Control messages of the tunnel: pings, whose source is the far end of a tunnel, and the answers to signed ones. */
#ifndef SLUICE_CONTROL_H
#define SLUICE_CONTROL_H

#include "tunnel/gue.h"
#include "tunnel/mark.h"
#include "tunnel/ping_policy.h"
#include "tunnel/reach.h"
#include "tunnel/rotation.h"
#include "tunnel/signed_ping.h"
#include "tunnel/stats.h"

/* Takes the sender of a ping, as seen after any NAT, for the tunnel's far end.
 *
 * For a new far end the whole value is replaced, so no reader gets the address of one ping with the port of another, and only
 * where it still exists, so that a tunnel deleted meanwhile stays deleted.
 *
 * Returns 0, or a negative reason: for a tunnel that is not there or ends elsewhere, or a sender that cannot be a far end.
 */
static __always_inline int learn_remote(struct __sk_buff *skb, const struct packet *ping, __u32 id,
					int *learned)
{
	struct ping_scratch *at;
	struct tunnel *new;
	__u32 zero = 0;

	at = bpf_map_lookup_elem(&ping_scratch, &zero);
	if (!at || !read_tunnel(id, &at->tunnel))
		return -OUT_PING_TUNNEL;
	new = &at->tunnel;
	if (!same_address(&new->local, &ping->dst.addr) || new->local_port != ping->dst.port)
		return -OUT_PING_TUNNEL;
	*learned =
		!same_address(&new->remote, &ping->src.addr) || new->remote_port != ping->src.port;
	if (!*learned) {
		write_last_ping(id);
		return 0;
	}
	if (!may_ping_from(skb, ping))
		return -OUT_PING_SOURCE;
	if (read_options(id, &at->options) &&
	    !may_move_unsigned(new, &at->options, &ping->src.addr))
		return -OUT_PING_LOCKED;
	new->last_ping = bpf_ktime_get_boot_ns();
	new->remote = ping->src.addr;
	new->remote_port = ping->src.port;
	return bpf_map_update_elem(&map_tunnel, &id, new, BPF_EXIST) ? -OUT_PING_TUNNEL : 0;
}

static __always_inline int open_ping(struct __sk_buff *skb, const struct gue_part *part,
				     __u32 rx_flags, __u32 *id)
{
	__u32 flags = GUE_FLAGS(part->word);
	__be32 *tunnel;

	if (flags && flags != GUE_FLAGS_OURS)
		return -OUT_PING_TYPE;
	if (!(rx_flags & RX_OPEN_PING))
		return -OUT_PING_OPEN;
	tunnel = bytes_at(skb, part->off + 4, sizeof(*tunnel));
	if (!tunnel)
		return -OUT_GUE_HEADER;
	*id = bpf_ntohl(*tunnel);
	return 0;
}

/* A ping with a key; with a tunnel id if `hlen` has room for it. */
static __always_inline int keyed_ping(struct __sk_buff *skb, const struct gue_part *part,
				      __u32 hlen, __u32 *id, struct sid *sid)
{
	__u32 size = sizeof(struct gue) + (hlen - GUE_DATA_HLEN) * 4;
	struct cached_service *service;
	struct gue *gue;
	int err;

	if (GUE_FLAGS(part->word) != GUE_FLAGS_OURS)
		return -OUT_PING_TYPE;
	gue = bytes_at(skb, part->off, sizeof(*gue) + sizeof(__be32));
	if (!gue && hlen == GUE_DATA_HLEN)
		gue = bytes_at(skb, part->off, sizeof(*gue));
	if (!gue || part->len < size)
		return -OUT_GUE_HEADER;
	err = authenticate(gue, sid, &service, 0);
	if (err)
		return err;
	*id = service->tunnel;
	if (hlen == GUE_DATA_HLEN)
		return 0;
	gue = bytes_at(skb, part->off, sizeof(*gue) + sizeof(__be32));
	if (!gue)
		return -OUT_GUE_HEADER;
	return *(__be32 *)(gue + 1) == bpf_htonl(*id) ? 0 : -OUT_PING_TUNNEL;
}

/* A ping that is not signed. Returns OUT_PING, OUT_PING_LEARNED or a negative reason. */
static __always_inline int take_ping(struct __sk_buff *skb, const struct packet *outer,
				     const struct gue_part *part, __u32 rx_flags)
{
	__u32 hlen = GUE_HLEN(part->word);
	struct traffic_key key = {.queue = QUEUE_RX};
	int err, learned = 0;

	if (hlen == 1)
		err = open_ping(skb, part, rx_flags, &key.tunnel);
	else if (hlen == GUE_DATA_HLEN || hlen == GUE_DATA_HLEN + 1)
		err = keyed_ping(skb, part, hlen, &key.tunnel, &key.sid);
	else
		err = -OUT_PING_TYPE;
	if (err)
		return err;
	if (must_be_signed(key.tunnel))
		return -OUT_PING_UNSIGNED;
	err = learn_remote(skb, outer, key.tunnel, &learned);
	if (err)
		return err;
	count_traffic(&key, 0);
	return learned ? OUT_PING_LEARNED : OUT_PING;
}

/* Judges a control message. `rx_flags` are of the interface's config row. Sets `verdict` where the packet has become the
 * answer to its sender. Returns an outcome or a negative reason.
 */
static __always_inline int take_control(struct __sk_buff *skb, const struct packet *outer,
					const struct gue_part *part, __u32 rx_flags, int *verdict)
{
	struct gue *gue;
	int outcome;

	switch (GUE_PROTO(part->word)) {
	case GUE_PING:
		return take_ping(skb, outer, part, rx_flags);
	case GUE_SIGNED_PING:
		if (GUE_HLEN(part->word) != PING_HLEN &&
		    GUE_HLEN(part->word) != PING_HLEN_CHALLENGE)
			break;
		outcome = check_signed_ping(skb, outer, part->off, part->len);
		if (outcome == OTHER_SENDER && !may_ping_from(skb, outer))
			return -OUT_PING_SOURCE;
		if (outcome >= 0)
			outcome = settle_signed_ping(skb, outer, part->off << 16 | part->len,
						     outcome);
		if (outcome < 0)
			return outcome;
		if ((outcome & ~ANSWERED) != OUT_PING_CHALLENGED)
			count_signed_ping();
		if (outcome & ANSWERED) {
			set_mark(skb, MARK_DONE);
			*verdict = bpf_redirect(skb->ifindex, 0);
		}
		return outcome & ~ANSWERED;
	case GUE_PING_ANSWER:
		gue = bytes_at(skb, part->off, sizeof(*gue));
		if (gue && part->len >= sizeof(struct ping_answer) && is_answer(&gue->sid))
			return OUT_PING_ANSWER;
	}
	return -OUT_PING_TYPE;
}

#endif
