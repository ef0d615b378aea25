/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports the tunnels' dropped packets to cli_monitor, while that runs.
 *
 * Hook      tp_btf kfree_skb: the kernel frees a packet that it, or a program, has dropped
 * Reads     map_encap, map_verify, map_nat, map_decap, the packet and its mark (tunnel/mark.h)
 * Writes    drops (ring buffer), drops_missed
 *
 * A tunnel program marks what it drops. Of what the kernel drops, packets from or to a service's or a tunnel's endpoint are
 * reported.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "lib/map.h"
#include "lib/packet.h"
#include "monitor/drop.h"
#include "monitor/flow.h"
#include "monitor/kernel.h"
#include "tunnel/mark.h"
#include "tunnel/outcome.h"
#include "tunnel/tables.h"

/* Lower values are no drops. */
#define FIRST_REASON bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NOT_SPECIFIED)
#define NANOSECONDS 1000000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, DROP_RING);
} drops SEC(".maps");

/* Dropped packets that were not reported. Row 0: above the rate; row 1: the ring buffer was full. */
MAP(drops_missed, PERCPU_ARRAY, __u32, __u64, 2);

enum missed {
	MISSED_RATE,
	MISSED_ROOM,
};

/* A report before it is written, too large for the stack. The kernel prevents recursion of the program. */
MAP(buffers, PERCPU_ARRAY, __u32, struct drop_buffer, 1);

struct cpu {
	__u64 second; /* since boot */
	__u64 count;  /* reports in it */
};

MAP(cpus, PERCPU_ARRAY, __u32, struct cpu, 1);

static __always_inline void miss(__u32 row)
{
	__u64 *missed = bpf_map_lookup_elem(&drops_missed, &row);

	if (missed)
		++*missed;
}

static __always_inline int passes(const struct drop *drop)
{
	__u32 filters = settings.filters;
	struct address client = {.words = {settings.client.words[0], settings.client.words[1],
					   settings.client.words[2], settings.client.words[3]}};
	__u32 reason = drop->reason;

	if (filters & FILTER_DIRECTION && !(drop->flags & DROP_EGRESS) != !settings.egress)
		return 0;
	if (filters & FILTER_SERVICE &&
	    (!(drop->flags & DROP_HAS_SERVICE) || drop->sid.service != settings.sid.service ||
	     drop->sid.group != settings.sid.group))
		return 0;
	if (filters & FILTER_TUNNEL &&
	    (!(drop->flags & DROP_HAS_TUNNEL) || drop->tunnel != settings.tunnel))
		return 0;
	if (filters & FILTER_CLIENT &&
	    (!(drop->flags & DROP_HAS_CLIENT) || !same_address(&drop->client, &client)))
		return 0;
	if (!(filters & FILTER_REASON))
		return 1;
	if (!(drop->flags & DROP_BY_KERNEL))
		return settings.outcomes >> (reason & 63) & 1;
	if (reason >= KERNEL_REASONS)
		return 0;
	return settings.reasons[reason / 64 & (KERNEL_REASONS / 64 - 1)] >> (reason & 63) & 1;
}

static __always_inline int within_rate(struct cpu *cpu, __u64 now)
{
	__u64 second = now / NANOSECONDS;

	if (!settings.rate)
		return 1;
	if (cpu->second != second) {
		cpu->second = second;
		cpu->count = 0;
	}
	return cpu->count++ < settings.rate;
}

/* Copies the packet from its IP header on, as far as it is linear. Returns 0, or -1 where there is no IP header. */
static __always_inline int copy_packet(struct drop *drop, const struct sk_buff *skb)
{
	unsigned char *head = BPF_CORE_READ(skb, head), *data = BPF_CORE_READ(skb, data);
	__u32 l3 = BPF_CORE_READ(skb, network_header), tail = BPF_CORE_READ(skb, tail);
	__u32 captured = tail - l3;

	if (tail <= l3)
		return -1;
	if (captured > DROP_SNAPSHOT)
		captured = DROP_SNAPSHOT;
	/* The verifier must see the bounds in the register that is used. */
	barrier_var(captured);
	if (captured > DROP_SNAPSHOT)
		return -1;
	drop->captured = captured;
	drop->length = BPF_CORE_READ(skb, len) + (__u32)(data - (head + l3));
	if (bpf_probe_read_kernel(drop->data, captured, head + l3))
		return -1;
	return 0;
}

static __always_inline int report(struct cpu *cpu, struct drop *drop)
{
	__u32 captured = drop->captured;

	if (!passes(drop))
		return 0;
	if (!within_rate(cpu, drop->time)) {
		miss(MISSED_RATE);
		return 0;
	}
	barrier_var(captured);
	if (captured > DROP_SNAPSHOT)
		return 0;
	if (bpf_ringbuf_output(&drops, drop, offsetof(struct drop, data) + captured, 0))
		miss(MISSED_ROOM);
	return 0;
}

/* Reads the mark of a packet that a tunnel program has ended: dropped, or a ping. Returns whether there is one. */
static __always_inline int read_mark(struct drop *drop, __u16 mark)
{
	if ((mark & MARK_DROPPED_MASK) != MARK_DROPPED)
		return 0;
	drop->reason = mark & MARK_DROPPED_OUTCOME;
	drop->flags = mark & MARK_DROPPED_EGRESS ? DROP_EGRESS : 0;
	return 1;
}

SEC("tp_btf/kfree_skb")
int drop_monitor(__u64 *args)
{
	const struct sk_buff *skb = (void *)args[0];
	__u32 reason = args[2], zero = 0;
	struct net_device *dev = device_of(skb);
	struct cpu *cpu = bpf_map_lookup_elem(&cpus, &zero);
	struct drop_buffer *buffer = bpf_map_lookup_elem(&buffers, &zero);
	struct drop *drop = &buffer->drop;
	int iif, is_own;

	if (!cpu || !buffer || reason < FIRST_REASON)
		return 0;
	if (namespace_of(skb, dev) != settings.netns)
		return 0;
	drop->time = bpf_ktime_get_boot_ns();
	drop->reason = reason;
	drop->flags = DROP_BY_KERNEL;
	drop->tunnel = 0;
	drop->sid.service = drop->sid.group = 0;
	drop->ifindex = dev ? BPF_CORE_READ(dev, ifindex) : 0;
	is_own = read_mark(drop, BPF_CORE_READ(skb, tc_index));
	if (is_own && drop->reason < OUT_GUE_VERSION)
		return 0;
	/* Of the kernel's drops: at ingress the packet still has its input interface. */
	iif = BPF_CORE_READ(skb, skb_iif);
	if (!is_own && (!iif || (dev && (__u32)iif != drop->ifindex)))
		drop->flags |= DROP_EGRESS;
	if (copy_packet(drop, skb))
		drop->captured = 0;
	if (!find_service(drop) && !is_own)
		return 0;
	return report(cpu, drop);
}

/* bpf_probe_read_kernel takes a licence that is compatible with the GPL. */
char _license[] SEC("license") = "Dual BSD/GPL";
