/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The MSS option of SYN and SYN-ACK, lowered to what fits into a tunnel. */
#ifndef SLUICE_MSS_H
#define SLUICE_MSS_H

#include "lib/packet.h"

#define TCP_OPTIONS_MAX 40
#define TCPOPT_END 0
#define TCPOPT_NOP 1
#define TCPOPT_MSS 2
#define TCPOLEN_MSS 4
/* The minimum: 536 is the default MSS of RFC 9293, and options may take 48 of it. */
#define MSS_MIN 88

/* Counted from the end of the TCP header, for that is not known to the verifier: kernel 6.1 believes that a loop by
 * bpf_loop runs once, and takes out code that with known numbers would be reached in a second round only.
 */
struct mss_search {
	struct __sk_buff *skb;
	__u32 end;   /* of the TCP header */
	__u32 rest;  /* bytes of options that are left before it */
	__u32 found; /* where the MSS stands; 0: nowhere yet */
};

/* Looks at one option. Returns 1 when the search is over. */
static long next_option(__u32 index, struct mss_search *search)
{
	__u32 at = search->end - search->rest;
	__u8 option[2];

	(void)index;
	if (search->rest < TCPOLEN_MSS || search->rest > TCP_OPTIONS_MAX)
		return 1;
	if (bpf_skb_load_bytes(search->skb, at, option, sizeof(option)))
		return 1;
	if (option[0] == TCPOPT_NOP) {
		search->rest--;
		return 0;
	}
	if (option[0] == TCPOPT_MSS && option[1] == TCPOLEN_MSS)
		search->found = at + sizeof(option);
	if (option[0] == TCPOPT_END || option[0] == TCPOPT_MSS || option[1] < sizeof(option))
		return 1;
	search->rest -= option[1];
	return 0;
}

/* Lowers the MSS to what a link of this MTU takes of a packet with IP version `version`. Leaves it alone where it is
 * lower, or not there.
 */
SUBPROGRAM int clamp_mss(struct __sk_buff *skb, __u32 l4, __u32 version, __u32 mtu)
{
	__u32 headers = sizeof(struct tcphdr) +
			(version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	__u32 limit = mtu > headers + MSS_MIN ? mtu - headers : MSS_MIN;
	struct mss_search search = {.skb = skb};
	__u8 first[2];
	__be16 from, to;
	__u32 at;
	__u8 size;

	if (limit > 0xffff)
		return 0;
	if (bpf_skb_load_bytes(skb, l4 + 12, &size, sizeof(size)))
		return 0;
	search.end = l4 + (size >> 4) * 4;
	search.rest = (size >> 4) * 4 - sizeof(struct tcphdr);
	/* Nearly every sender puts it first, and bpf_loop costs more than all the rest. */
	if (search.rest >= TCPOLEN_MSS && search.rest <= TCP_OPTIONS_MAX &&
	    !bpf_skb_load_bytes(skb, l4 + sizeof(struct tcphdr), first, sizeof(first)) &&
	    first[0] == TCPOPT_MSS && first[1] == TCPOLEN_MSS)
		search.found = l4 + sizeof(struct tcphdr) + sizeof(first);
	else
		bpf_loop(TCP_OPTIONS_MAX, next_option, &search, 0);
	at = search.found;
	if (!at || bpf_skb_load_bytes(skb, at, &from, sizeof(from)))
		return 0;
	if (bpf_ntohs(from) <= limit)
		return 0;
	to = bpf_htons(limit);
	bpf_skb_store_bytes(skb, at, &to, sizeof(to), 0);
	/* The checksum is of 16-bit words: an option at an odd place has its bytes in two of them. */
	if ((at - l4) & 1) {
		from = __builtin_bswap16(from);
		to = __builtin_bswap16(to);
	}
	bpf_l4_csum_replace(skb, l4 + offsetof(struct tcphdr, check), from, to, sizeof(to));
	return 0;
}

#endif
