/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every table of the tunnel programs, without the programs.
 *
 * Hook      none: run by BPF_PROG_TEST_RUN
 * Writes    map_events
 * Verdicts  0
 */
#include <linux/bpf.h>

#include "tunnel/event.h"
#include "tunnel/path_mtu.h"
#include "tunnel/stats.h"
#include "tunnel/tables.h"

/* Puts the packet into the ring. `mark` says how: queue << 24 | stage << 16 | outcome. */
SEC("tc")
int snapshot(struct __sk_buff *skb)
{
	struct config config = {.id = 7};
	__u32 mark = skb->mark;

	return write_event(skb, &config, skb->priority, mark >> 24, mark & 0xffffff);
}

/* What the maps are made for is otherwise nobody's here, and they must be in the object. */
SEC("tc")
int count_packet(struct __sk_buff *skb)
{
	struct traffic_key key = {};

	const struct tunnel tunnel = {};

	count(QUEUE_RX, OUT_PING + limit_by_path(&tunnel, 0, 0));
	count_traffic(&key, skb->len);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
