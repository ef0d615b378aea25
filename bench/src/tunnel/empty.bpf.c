// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Does nothing: what the kernel says that it takes is the cost of its clock. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

SEC("tc")
int empty(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
