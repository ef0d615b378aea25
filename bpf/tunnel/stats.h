/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting: every packet under one outcome, tunnel traffic by tunnel and service.
 *
 * The traffic of busy services is counted in slots, which are rows of arrays: a lookup in map_tunnel_stats is a fifth of
 * a program's time. The first packet of a service takes its slot, which the service keeps until it is deleted. Where the
 * slot is another's, the service is counted in map_tunnel_stats. A counter is the sum of both.
 */
#ifndef SLUICE_STATS_H
#define SLUICE_STATS_H

#include "lib/map.h"
#include "lib/packet.h"
#include "tunnel/outcome.h"
#include "tunnel/tables.h"

/* Rows of one direction; more than there are outcomes, so that new ones fit into a pinned map. */
#define STATS_ROWS 64

_Static_assert(OUTCOMES <= STATS_ROWS, "every outcome needs a row");

/* Packets, by queue * STATS_ROWS + outcome. */
MAP(map_stats, PERCPU_ARRAY, __u32, __u64, 2 * STATS_ROWS, PINNED);

#define SLOT_LOG2 10

/* Slot → the service that has it: the first eight bytes of its key in map_tunnel_stats; 0: none; -1: it is being freed. */
MAP(map_traffic_owner, ARRAY, __u32, __u64, 1 << SLOT_LOG2, PINNED);

/* Counters, by 2 * slot + queue. */
MAP(map_traffic_slot, PERCPU_ARRAY, __u32, struct traffic, 2 << SLOT_LOG2, PINNED);

_Static_assert(__builtin_offsetof(struct traffic_key, queue) == sizeof(__u64),
	       "tunnel and sid are the owner");

/* Returns how many there were on this CPU. */
static __always_inline __u64 count(enum queue queue, enum outcome outcome)
{
	__u32 row = queue * STATS_ROWS + outcome;
	__u64 *packets = bpf_map_lookup_elem(&map_stats, &row);

	return packets ? ++*packets : 0;
}

/* Whether the service still exists, or the tunnel where a ping names no service: the lookup cache may be a jiffy old. A
 * service that is deleted loses its row in map_verify last.
 */
static __always_inline int is_current(const struct traffic_key *key)
{
	struct verify *verify = FIND_ROW(&map_verify, &key->sid);
	struct service *service = verify ? FIND_ROW(&map_encap, &verify->backend) : NULL;

	if (service && service->tunnel == key->tunnel && service->sid.service == key->sid.service &&
	    service->sid.group == key->sid.group)
		return 1;
	return !key->sid.service && !key->sid.group && FIND_ROW(&map_tunnel, &key->tunnel);
}

/* Gives a free slot to a service that exists. Returns whether it is the service's now. */
static __always_inline int take_slot(__u64 *owner, __u64 service, const struct traffic_key *key)
{
	return !*owner && is_current(key) && !__sync_val_compare_and_swap(owner, 0, service);
}

/* The counters of a service that has a slot, or NULL. packages/maps/src/traffic-counters.ts computes the same slot. */
static __always_inline struct traffic *find_slot(const struct traffic_key *key)
{
	__u32 sid = *(const __u32 *)&key->sid;
	__u32 slot = (key->tunnel * 0x9e3779b1 + sid * 0x85ebca6b) >> (32 - SLOT_LOG2);
	__u64 service = (__u64)sid << 32 | key->tunnel, *owner;
	__u32 row = slot << 1 | key->queue;

	owner = bpf_map_lookup_elem(&map_traffic_owner, &slot);
	/* 0 and -1 are a free slot, and one that is being freed. */
	if (unlikely(!owner || service + 1 <= 1))
		return NULL;
	if (unlikely(*owner != service && !take_slot(owner, service, key)))
		return NULL;
	return bpf_map_lookup_elem(&map_traffic_slot, &row);
}

/* A first packet makes the row, but not again one that was deleted with its service. Returns NULL where there is none and
 * no room.
 */
static __always_inline struct traffic *find_row(const struct traffic_key *key)
{
	struct traffic *traffic = bpf_map_lookup_elem(&map_tunnel_stats, key), none = {};

	if (traffic || !is_current(key))
		return traffic;
	bpf_map_update_elem(&map_tunnel_stats, key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&map_tunnel_stats, key);
}

/* Counts a packet of the service, with its bytes from the inner IP header on. */
static __always_inline void count_traffic(const struct traffic_key *key, __u32 bytes)
{
	struct traffic *traffic = find_slot(key);

	if (unlikely(!traffic))
		traffic = find_row(key);
	if (!traffic)
		return;
	traffic->packets++;
	traffic->bytes += bytes;
}

#endif
