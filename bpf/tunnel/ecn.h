/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Congestion marks that the outer header met on its way, folded into the inner packet (RFC 6040, section 4.2). */
#ifndef SLUICE_ECN_H
#define SLUICE_ECN_H

#include "lib/checksum.h"
#include "lib/packet.h"
#include "tunnel/outcome.h"

#define ECN_NOT_ECT 0
#define ECN_ECT_1 1
#define ECN_ECT_0 2
#define ECN_CE 3

/* Returns the mark of the inner packet, or -OUT_CONGESTION_LOST: the flow is
 * not ECN-capable, so the packet is dropped, as the router would have done.
 */
static __always_inline int ecn_fold(__u8 outer, __u8 inner)
{
	outer &= ECN_MASK;
	inner &= ECN_MASK;
	if (outer == ECN_CE)
		return inner == ECN_NOT_ECT ? -OUT_CONGESTION_LOST : ECN_CE;
	if (outer == ECN_ECT_1 && inner == ECN_ECT_0)
		return ECN_ECT_1;
	return inner;
}

/* Marks the packet with the IP header of this version at `off`. */
static __always_inline int ecn_mark(struct __sk_buff *skb, __u32 off, __u8 version, __u8 mark)
{
	__be16 from, to;

	if (bpf_skb_load_bytes(skb, off, &from, sizeof(from)))
		return -OUT_DECAP_FAILED;
	if (version == 4) {
		to = (from & bpf_htons(~ECN_MASK)) | bpf_htons(mark);
		if (bpf_l3_csum_replace(skb, off + offsetof(struct iphdr, check), from, to,
					sizeof(to)) ||
		    bpf_skb_store_bytes(skb, off, &to, sizeof(to), 0))
			return -OUT_DECAP_FAILED;
		return 0;
	}
	to = (from & bpf_htons(~(ECN_MASK << 4))) | bpf_htons(mark << 4);
	if (bpf_skb_store_bytes(skb, off, &to, sizeof(to), BPF_F_RECOMPUTE_CSUM))
		return -OUT_DECAP_FAILED;
	return 0;
}

#endif
