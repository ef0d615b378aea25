/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keys, values and maps of udplb: the one source of truth for their layouts.
 * packages/maps/src/tables/udplb.ts mirrors them; a test compares the two
 * field by field.
 *
 * How a packet finds its upstream: its destination is looked up in `keys`; a
 * hash of what the key's strategy says, spread over the key's slots, gives one
 * slot; the slot names an upstream. A key's slots lie in consecutive chunks of
 * `slots`. User space writes new slots and upstreams beside the old ones and
 * then changes the key, so a packet sees all of the old or all of the new.
 *
 * Addresses and ports are in network byte order, all else in host order.
 * No struct has a byte that is not named.
 */
#ifndef SLUICE_UDPLB_TABLES_H
#define SLUICE_UDPLB_TABLES_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "lib/address.h"
#include "lib/map.h"

/* Sizes that suit a small configuration; user space sets those of `slots`,
 * `upstreams` and `traffic` to what is configured, when it loads the program.
 */
#define KEY_ENTRIES 65536
#define CHUNK_ENTRIES 1024
#define UPSTREAM_ENTRIES 1024
#define EVENT_BYTES (1024 * 1024)

#define CHUNK_SLOTS 16

enum strategy {
	STRATEGY_SRC_PORT = 0,
	STRATEGY_SRC_IP = 1,
};

enum action {
	ACTION_PASS = 0,  /* a copy goes to the upstream, the packet up the stack */
	ACTION_BLOCK = 1, /* the packet goes to the upstream, and only there */
};

/* Key of `keys`: the destination of the packets that are meant. */
struct lb_key {
	struct address addr;
	__be16 port;
	__u16 pad;
};

/* Value of `keys`. */
struct lb_choice {
	__u32 chunk; /* where its slots begin */
	__u32 slots; /* how many there are, at least one */
	__u32 strategy;
};

/* One cache line of slots: each is an index of `upstreams`. */
struct lb_chunk {
	__u32 upstream[CHUNK_SLOTS];
};

enum upstream_flag {
	UPSTREAM_LOCAL = 1, /* an address of this machine */
};

/* One upstream of one key. */
struct lb_upstream {
	struct address addr;
	struct address key_addr; /* the source that its packets get */
	__be16 port;
	__be16 key_port;
	__u32 action;
	__u32 flags;
	__u32 ifindex; /* where it leaves if this host does not forward; 0: not known */
	__u32 weight;
	__u32 in_use; /* 0: free; the rest is left over */
};

/* Of one upstream: IP packets that were sent to it, from the IP header on. */
struct lb_traffic {
	__u64 packets;
	__u64 bytes;
};

/* Outcomes of packets to a key, and other counters. */
enum lb_outcome {
	SENT = 0,      /* to the upstream, and only there */
	COPIED,	       /* to the upstream; the packet itself goes up the stack */
	DELIVERED,     /* to an upstream that is this machine */
	TTL_EXPIRED,   /* not sent: it has been forwarded often enough */
	TOO_BIG,       /* not sent: larger than the way out takes */
	NO_ROUTE,      /* not sent: the FIB knows no way */
	NO_COPY,       /* not sent: no memory for the copy, or the interface took none */
	NOT_CHANGED,   /* not sent: the packet could not be rewritten */
	NO_UPSTREAM,   /* not sent: the tables do not belong together */
	MALFORMED,     /* not UDP as it should be, or damaged: left to the stack */
	LATE_FRAGMENT, /* a fragment whose first has not been seen: left to the stack */
	DETOURS,     /* counted besides: copies that had to be sent round for the kernel to route */
	EVENTS_LOST, /* counted besides: the ring buffer was full */
	ANSWERED,    /* counted besides: answered by ICMP */
	FILTER_RESTORED, /* by user space: another program had removed the filter */
	OUTCOMES,
};

/* One decision, for people. */
struct lb_event {
	__u64 time; /* ns since boot */
	struct address src;
	struct address dst;
	struct address upstream;
	__be16 src_port; /* 0: a later fragment, which has no ports */
	__be16 dst_port;
	__be16 upstream_port;
	__u16 outcome;
	__u32 length; /* of the IP packet */
	__u32 pad;
};

MAP(keys, HASH, struct lb_key, struct lb_choice, KEY_ENTRIES, NO_PREALLOC);

MAP(slots, ARRAY, __u32, struct lb_chunk, CHUNK_ENTRIES);

MAP(upstreams, ARRAY, __u32, struct lb_upstream, UPSTREAM_ENTRIES);

/* By upstream. A row is made by the first packet, so that a large configuration
 * costs no memory on every CPU.
 */
MAP(traffic, PERCPU_HASH, __u32, struct lb_traffic, UPSTREAM_ENTRIES, NO_PREALLOC);

/* By enum lb_outcome. */
MAP(outcomes, PERCPU_ARRAY, __u32, __u64, OUTCOMES);

/* The identification that the next fragmented datagram is forwarded with. */
MAP(next_id, ARRAY, __u32, __u32, 1);

/* struct lb_event, written by the program udplb_debug only. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENT_BYTES);
} events SEC(".maps");

#endif
