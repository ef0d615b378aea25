/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is counted of each packet: its outcome, its upstream's traffic, and, for udplb_debug, an event. */
#ifndef SLUICE_UDPLB_COUNT_H
#define SLUICE_UDPLB_COUNT_H

#include "lib/packet.h"
#include "udplb/datagram.h"
#include "udplb/tables.h"

static __always_inline void count(__u32 outcome)
{
	__u64 *counter = bpf_map_lookup_elem(&outcomes, &outcome);

	if (counter)
		*counter += 1;
}

static __always_inline void count_traffic(struct __sk_buff *skb, const struct datagram *datagram,
					  __u32 upstream)
{
	struct lb_traffic *row = bpf_map_lookup_elem(&traffic, &upstream);
	struct lb_traffic first = {};

	if (unlikely(!row)) {
		bpf_map_update_elem(&traffic, &upstream, &first, BPF_NOEXIST);
		row = bpf_map_lookup_elem(&traffic, &upstream);
		if (!row)
			return;
	}
	if (unlikely(skb->gso_segs > 1)) {
		row->packets += skb->gso_segs;
		row->bytes += skb->len - ETH_HLEN;
	} else {
		row->packets += 1;
		row->bytes += datagram->size;
	}
}

static __always_inline void write_event(const struct datagram *datagram,
					const struct lb_upstream *upstream, __u32 outcome)
{
	struct lb_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count(EVENTS_LOST);
		return;
	}
	event->time = bpf_ktime_get_ns();
	event->src = datagram->packet.src.addr;
	event->dst = datagram->packet.dst.addr;
	event->upstream = upstream->addr;
	event->src_port = datagram->packet.src.port;
	event->dst_port = datagram->packet.dst.port;
	event->upstream_port = upstream->port;
	event->outcome = outcome;
	event->length = datagram->size;
	event->pad = 0;
	bpf_ringbuf_submit(event, 0);
}

#endif
