// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The least that a gateway can do: IPv4 goes on to the one neighbour of one interface, with its Ethernet addresses. What a
 * gateway adds to this is its own cost.
 *
 * Defined by who compiles it: IFINDEX, DESTINATION and SOURCE, the addresses as lists of bytes.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int l2_redirect(struct __sk_buff *skb)
{
	const __u8 addresses[2 * ETH_ALEN] = {DESTINATION, SOURCE};

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_UNSPEC;
	if (bpf_skb_store_bytes(skb, 0, addresses, sizeof(addresses), 0))
		return TC_ACT_SHOT;
	return bpf_redirect(IFINDEX, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
