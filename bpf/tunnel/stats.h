/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting: every packet under one outcome, tunnel traffic by tunnel and service. */
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
	struct verify *verify = bpf_map_lookup_elem(&map_verify, &key->sid);
	struct service *service = verify ? bpf_map_lookup_elem(&map_encap, &verify->backend) : NULL;

	if (service && service->tunnel == key->tunnel && service->sid.service == key->sid.service &&
	    service->sid.group == key->sid.group)
		return 1;
	return !key->sid.service && !key->sid.group &&
	       bpf_map_lookup_elem(&map_tunnel, &key->tunnel);
}

/* A first packet makes the row, but not again one that was deleted with its service; where there is no room for it the
 * tunnel is not counted.
 */
static __always_inline void count_traffic(const struct traffic_key *key, __u32 bytes)
{
	struct traffic *traffic = bpf_map_lookup_elem(&map_tunnel_stats, key);

	if (unlikely(!traffic)) {
		struct traffic none = {};

		if (!is_current(key))
			return;
		bpf_map_update_elem(&map_tunnel_stats, key, &none, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&map_tunnel_stats, key);
		if (!traffic)
			return;
	}
	traffic->packets++;
	traffic->bytes += bytes;
}

#endif
