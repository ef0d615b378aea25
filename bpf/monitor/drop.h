/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The report of a dropped packet, and the monitor's filter. packages/maps/src/tables/drop.ts mirrors it. */
#ifndef SLUICE_MONITOR_DROP_H
#define SLUICE_MONITOR_DROP_H

#include "lib/address.h"
#include "tunnel/outcome.h"
#include "tunnel/tables.h"

/* Bytes of a packet that are reported; a power of two. */
#define DROP_SNAPSHOT 512
/* More than any header that is read at once. */
#define DROP_MARGIN 64
/* Bytes of the ring buffer; a power of two and of pages. */
#define DROP_RING (1 << 20)
/* Reasons of the kernel that a filter can name; a multiple of 64. */
#define KERNEL_REASONS 256

enum drop_flag {
	DROP_BY_KERNEL = 1, /* `reason` is an enum skb_drop_reason, else an enum outcome */
	DROP_EGRESS = 2,
	DROP_HAS_SERVICE = 4, /* sid is known */
	DROP_HAS_CLIENT = 8,
	DROP_HAS_TUNNEL = 16,
};

struct drop {
	__u64 time; /* ns since boot, CLOCK_BOOTTIME */
	__u32 ifindex;
	__u32 reason;
	__u32 flags;
	__u32 tunnel;
	struct sid sid;
	__u32 length;	/* of the packet, from its IP header on */
	__u32 captured; /* bytes of it that follow */
	__u32 pad;
	struct address client;
	__u8 data[DROP_SNAPSHOT];
};

/* A report before it is written. */
struct drop_buffer {
	struct drop drop;
	__u8 margin[DROP_MARGIN];
};

/* Filters; a packet is reported if it passes all that are set. */
enum filter_flag {
	FILTER_SERVICE = 1,
	FILTER_TUNNEL = 2,
	FILTER_CLIENT = 4,
	FILTER_DIRECTION = 8,
	FILTER_REASON = 16,
};

/* Set before the program is loaded; the verifier knows it, so filters that are not set cost nothing. */
const volatile struct settings {
	__u32 netns;   /* inode of the network namespace that is watched */
	__u32 filters; /* enum filter_flag */
	__u32 tunnel;
	struct sid sid;
	__u32 rate; /* packets per second and CPU; 0: no limit */
	__u32 egress;
	struct address client;
	__u64 outcomes; /* a bit for each enum outcome */
	__u64 reasons[KERNEL_REASONS / 64];
} settings = {};

#endif
