/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Signed pings and their answers on the wire, and how a ping becomes its answer (control type 3), as long as it was. */
#ifndef SLUICE_PING_ANSWER_H
#define SLUICE_PING_ANSWER_H

#include "lib/map.h"
#include "lib/packet.h"
#include "lib/siphash.h"
#include "tunnel/gue.h"
#include "tunnel/tables.h"

#define GUE_SIGNED_PING 2
#define GUE_PING_ANSWER 3
/* hlen of a signed ping without and with a challenge. */
#define PING_HLEN 8
#define PING_HLEN_CHALLENGE 10
#define ANSWER_WORD 0x3103a000

enum ping_result {
	PING_HEARD = 0,	     /* the far end is where it was */
	PING_MOVED = 1,	     /* the far end is now the ping's sender */
	PING_CHALLENGED = 2, /* send the challenge in the next ping, and the far end moves */
};

/* On the wire; all numbers in network byte order. */
struct signed_ping {
	__be32 word;
	struct gue_sid sid;
	__u8 mac[16]; /* over all but itself */
	__be32 tunnel;
	__be32 time[2]; /* ns, CLOCK_TAI */
	__be32 challenge[2];
};

struct ping_answer {
	__be32 word;
	struct gue_sid sid;
	__u8 mac[16];
	__be32 tunnel;
	__be32 time[2]; /* the ping's */
	__be32 challenge[2];
	__be32 now[2];	     /* this host's clock */
	struct address from; /* the ping's sender, as it arrived */
	__be16 port;
	__be16 result;
};

_Static_assert(sizeof(struct signed_ping) == 44, "no gaps");
_Static_assert(sizeof(struct ping_answer) == 72, "no gaps");

#define PING_SIZE (sizeof(struct signed_ping) - 8)

struct ping_scratch {
	struct signed_ping ping;
	__u32 has_challenge;
	__u32 id; /* of the tunnel */
	__u64 time;
	__u64 key[2]; /* that it is signed with */
	struct siphash siphash;
	struct ping_answer before;
	struct ping_answer answer;
	struct tunnel tunnel;
	struct signing signing;	       /* the service's */
	struct tunnel_options options; /* the tunnel's */
};

_Static_assert(__builtin_offsetof(struct ping_scratch, signing) % 8 == 0,
	       "keys are read by 64 bits");

/* Room for one ping: the stack has too little. */
MAP(ping_scratch, PERCPU_ARRAY, __u32, struct ping_scratch, 1);

static __always_inline __u64 read_be64(const __be32 *words)
{
	return (__u64)bpf_ntohl(words[0]) << 32 | bpf_ntohl(words[1]);
}

static __always_inline void write_be64(__be32 *words, __u64 value)
{
	words[0] = bpf_htonl(value >> 32);
	words[1] = bpf_htonl(value);
}

static __always_inline void set_key(struct siphash *s, const __u8 *key)
{
	s->key[0] = *(__u64 *)key;
	s->key[1] = *(__u64 *)(key + 8);
}

/* Begins a message of `length` bytes, which are written next. */
static __always_inline void begin_message(struct siphash *s, __u32 length)
{
	__builtin_memset(s->message, 0, sizeof(s->message));
	s->length = length;
}

static __always_inline void swap_words(__be32 *a, __be32 *b, int words)
{
	for (int i = 0; i < words; i++) {
		__be32 word = a[i];

		a[i] = b[i];
		b[i] = word;
	}
}

/* Turns the packet round: addresses and ports change places, which leaves the checksums as they are, and the TTL begins
 * again. Returns 0 or -1.
 */
static __always_inline int turn_round(struct __sk_buff *skb, const struct packet *packet)
{
	struct ethhdr *eth;
	struct iphdr *ip4;
	struct ipv6hdr *ip6;
	struct udphdr *udp;
	__u8 mac[ETH_ALEN];
	__be16 port;
	__u16 old, new;

	if (LINK_HLEN) {
		eth = bytes_at(skb, 0, sizeof(*eth));
		if (!eth)
			return -1;
		__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
		__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
		__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	}
	udp = bytes_at(skb, packet->l4, sizeof(*udp));
	if (!udp)
		return -1;
	port = udp->source;
	udp->source = udp->dest;
	udp->dest = port;
	if (packet->version == 6) {
		ip6 = bytes_at(skb, LINK_HLEN, sizeof(*ip6));
		if (!ip6)
			return -1;
		swap_words((void *)&ip6->saddr, (void *)&ip6->daddr, 4);
		ip6->hop_limit = OUTER_TTL;
		return 0;
	}
	ip4 = bytes_at(skb, LINK_HLEN, sizeof(*ip4));
	if (!ip4)
		return -1;
	swap_words(&ip4->saddr, &ip4->daddr, 1);
	old = *(__u16 *)&ip4->ttl;
	ip4->ttl = OUTER_TTL;
	new = *(__u16 *)&ip4->ttl;
	return bpf_l3_csum_replace(skb, LINK_HLEN + offsetof(struct iphdr, check), old, new, 2) ? -1
												: 0;
}

/* Makes the packet the answer to the ping that it is. Returns 0 or -1. */
static __always_inline int answer_ping(struct __sk_buff *skb, struct ping_scratch *at,
				       const struct packet *packet, __u32 off)
{
	__u32 *message = at->siphash.message, *answer = (void *)&at->answer;
	__s64 difference;

	set_key(&at->siphash, (void *)at->key);
	begin_message(&at->siphash, sizeof(at->answer) - sizeof(at->answer.mac));
	message[0] = answer[0];
	message[1] = answer[1];
	for (int i = 2; i < 14; i++)
		message[i] = answer[i + 4];
	siphash128(&at->siphash);
	__builtin_memcpy(at->answer.mac, at->siphash.hash, sizeof(at->answer.mac));
	difference = bpf_csum_diff((void *)&at->before, sizeof(at->before), (void *)&at->answer,
				   sizeof(at->answer), 0);
	if (difference < 0 || forget_sum(skb) ||
	    bpf_skb_store_bytes(skb, off, &at->answer, sizeof(at->answer), 0))
		return -1;
	/* An IPv4 packet without a checksum stays without. */
	if (bpf_l4_csum_replace(skb, packet->l4 + offsetof(struct udphdr, check), 0, difference,
				BPF_F_MARK_MANGLED_0))
		return -1;
	return turn_round(skb, packet);
}

/* Fills in the answer, but for its MAC. */
static __always_inline void write_answer(struct ping_scratch *at, const struct packet *packet,
					 int outcome, __u64 challenge)
{
	struct ping_answer *answer = &at->answer;

	answer->word = bpf_htonl(ANSWER_WORD);
	answer->sid = at->ping.sid;
	answer->tunnel = at->ping.tunnel;
	answer->time[0] = at->ping.time[0];
	answer->time[1] = at->ping.time[1];
	write_be64(answer->challenge, challenge);
	write_be64(answer->now, bpf_ktime_get_tai_ns());
	answer->from = packet->src.addr;
	answer->port = packet->src.port;
	answer->result = bpf_htons(outcome == OUT_PING_CHALLENGED	? PING_CHALLENGED
				   : outcome == OUT_PING_SIGNED_LEARNED ? PING_MOVED
									: PING_HEARD);
}

#endif
