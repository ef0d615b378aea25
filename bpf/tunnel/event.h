/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Snapshots of intercepted packets for DUMP: one before the action, one after it. */
#ifndef SLUICE_EVENT_H
#define SLUICE_EVENT_H

#include "lib/map.h"
#include "lib/packet.h"
#include "tunnel/outcome.h"
#include "tunnel/tables.h"

/* Bytes of a packet that an event carries; a power of two. */
#define SNAPSHOT 2048
/* Bytes of the ring buffer; a power of two and of pages. */
#define EVENT_RING (4 << 20)

enum stage {
	STAGE_BEFORE = 0,
	STAGE_AFTER = 1,
};

/* `outcome` is that of the packet in STAGE_AFTER, and 0 in STAGE_BEFORE. Both stages of a packet have one `id`. */
struct event {
	__u64 time; /* ns since boot, CLOCK_BOOTTIME */
	__u64 id;
	__u32 ifindex;
	__u32 config;	/* id of the config row */
	__u32 length;	/* of the packet, from its Ethernet header on */
	__u32 captured; /* bytes of it that follow */
	__u8 queue;
	__u8 stage;
	__u16 outcome;
	__u32 raw; /* 1: the packet has no link-layer header and begins with IP */
	__u8 data[SNAPSHOT];
};

/* Events end after the captured bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENT_RING);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} map_events SEC(".maps");

/* Events that found no room. */
MAP(map_events_lost, PERCPU_ARRAY, __u32, __u64, 1, PINNED);

/* An event before it is written, too large for the stack. */
MAP(event_buffer, PERCPU_ARRAY, __u32, struct event, 1);

/* An id for the packet in hand, which no other CPU gives at the same moment. */
static __always_inline __u64 new_event(void)
{
	return bpf_ktime_get_ns() << 13 | bpf_get_smp_processor_id(); /* of at most 8192 CPUs */
}

/* Writes one event; stage and outcome are one argument: stage << 16 | outcome. */
SUBPROGRAM int write_event(struct __sk_buff *skb, struct config *config, __u64 id, __u32 queue,
			   __u32 stage_outcome)
{
	__u32 zero = 0, captured = skb->len;
	struct event *event = bpf_map_lookup_elem(&event_buffer, &zero);
	__u64 *lost;

	if (!event || !config)
		return 0;
	event->time = bpf_ktime_get_boot_ns();
	event->id = id;
	event->ifindex = skb->ifindex;
	event->config = config->id;
	event->length = skb->len;
	event->queue = queue;
	event->raw = !LINK_HLEN;
	event->stage = stage_outcome >> 16;
	event->outcome = stage_outcome & 0xffff;
	if (captured > SNAPSHOT)
		captured = SNAPSHOT;
	/* Bounds in the register that is used, both of them: kernel 6.1 does not see them in another's copy. */
	barrier_var(captured);
	if (captured < ETH_HLEN || captured > SNAPSHOT)
		return 0;
	if (bpf_skb_load_bytes(skb, 0, event->data, captured))
		return 0;
	event->captured = captured;
	if (!bpf_ringbuf_output(&map_events, event, offsetof(struct event, data) + captured, 0))
		return 0;
	lost = bpf_map_lookup_elem(&map_events_lost, &zero);
	if (lost)
		++*lost;
	return 0;
}

#endif
