/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* State of the sk_lookup dispatcher: the one source of truth for its layout.
 * packages/maps/src/tables/{bindings,destinations,destination-metrics,sockets}.ts
 * mirror it; a test compares the two field by field.
 *
 * Type, sizes, flags and capacity of every map here are those of tubular, whose
 * tools compare all of them before they read: none may change.
 */
#ifndef SLUICE_DISPATCHER_H
#define SLUICE_DISPATCHER_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "lib/map.h"

/* What a control plane has to know to change the state of a running program.
 * It grows when that changes, not with every change of the code.
 */
#define DISPATCHER_VERSION 1

#define MAX_BINDINGS 1000000
#define MAX_DESTINATIONS 1024
#define LABEL_SIZE 255

/* IPv4 is stored v4-mapped, ::ffff:a.b.c.d, so one trie serves both. */
struct ip {
	__be32 words[4];
};

/* Prefix length is counted in bits from `protocol` on: 24, 96 more for IPv4,
 * and those of the prefix itself.
 */
struct binding_key {
	__u32 prefixlen;
	__u8 protocol;
	__u16 port; /* host order; 0 is every port */
	struct ip addr;
} __attribute__((packed));

#define BINDING_KEY_BITS ((sizeof(struct binding_key) - sizeof(__u32)) * 8)
/* Prefix length of ::/0: protocol and port. */
#define PORT_KEY_BITS 24
/* Prefix length of 0.0.0.0/0. */
#define IPV4_KEY_BITS (24 + 96)

struct binding {
	__u32 id;	 /* of the destination */
	__u32 prefixlen; /* that of the key, which a lookup does not return */
};

struct destination_key {
	char label[LABEL_SIZE]; /* zero padded, zero ended only if shorter */
	__u8 domain;		/* AF_INET or AF_INET6 */
	__u8 protocol;
};

struct destination {
	__u32 id;
	__u32 count; /* bindings that lead here */
};

struct destination_metrics {
	__u64 lookups;
	__u64 misses;		 /* no socket was registered */
	__u64 errors_bad_socket; /* the socket was not fit for the traffic */
};

MAP(bindings, LPM_TRIE, struct binding_key, struct binding, MAX_BINDINGS, NO_PREALLOC PINNED);

MAP(destinations, HASH, struct destination_key, struct destination, MAX_DESTINATIONS, PINNED);

MAP(destination_metrics, PERCPU_ARRAY, __u32, struct destination_metrics, MAX_DESTINATIONS, PINNED);

MAP(sockets, SOCKMAP, __u32, __u64, MAX_DESTINATIONS, PINNED);

#endif
