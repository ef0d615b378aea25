/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Signed pings, and the answers to them.
 *
 * A ping (control type 2) proves by a MAC under the service's signing key, which never travels, that the node made it, and
 * by its time that it is not an old one. A ping from a new address moves nothing by itself: it is answered with a challenge,
 * computed from that address and a secret of this host's, and the next ping carries the challenge under its MAC. A relayed copy
 * moves nothing. A ping of at least the answer's size becomes the answer (ping_answer.h).
 */
#ifndef SLUICE_SIGNED_PING_H
#define SLUICE_SIGNED_PING_H

#include "tunnel/lookup.h"
#include "tunnel/ping_answer.h"
#include "tunnel/ping_policy.h"
#include "tunnel/rotation.h"
#include "tunnel/stats.h"

/* How far the two clocks may be apart. */
#define PING_WINDOW (60 * SECOND)
/* A challenge is valid in its epoch and the next. */
#define CHALLENGE_EPOCH (16 * SECOND)

/* What the ping's MAC is over. */
static __always_inline void write_ping_message(struct ping_scratch *at)
{
	__u32 *message = at->siphash.message, *ping = (void *)&at->ping;

	begin_message(&at->siphash, at->has_challenge ? 28 : 20);
	message[0] = ping[0];
	message[1] = ping[1];
	message[2] = ping[6];
	message[3] = ping[7];
	message[4] = ping[8];
	if (at->has_challenge) {
		message[5] = ping[9];
		message[6] = ping[10];
	}
}

/* Whether the ping is signed with this key, which is then used for the answer. */
static __always_inline int try_key(struct ping_scratch *at, const __u8 *key)
{
	set_key(&at->siphash, key);
	siphash128(&at->siphash);
	if (!same_key((void *)at->siphash.hash, at->ping.mac))
		return 0;
	at->key[0] = at->siphash.key[0];
	at->key[1] = at->siphash.key[1];
	return 1;
}

/* Whether there is a signing key: all zero is none. */
static __always_inline int is_set(const __u8 *key)
{
	return (*(__u64 *)key | *(__u64 *)(key + 8)) != 0;
}

/* Whether the ping is signed with the service's key, or with one of a rotation. */
static __always_inline int is_signed(struct ping_scratch *at, const struct sid *sid)
{
	struct rotation *rotation;

	write_ping_message(at);
	if (try_key(at, at->signing.key))
		return 1;
	rotation = find_rotation(sid);
	if (!rotation)
		return 0;
	if (is_set(rotation->old.signing) && try_key(at, rotation->old.signing)) {
		count_use(sid, OLD_KEY);
		return 1;
	}
	if (is_set(rotation->next.signing) && try_key(at, rotation->next.signing)) {
		count_use(sid, NEXT_KEY);
		return 1;
	}
	return 0;
}

/* The challenge for a sender in an epoch. */
static __always_inline __u64 challenge_of(struct ping_scratch *at, const struct endpoint *from,
					  __u32 tunnel, __u32 epoch)
{
	__u32 *message = at->siphash.message;

	set_key(&at->siphash, at->signing.challenge);
	begin_message(&at->siphash, 28);
	for (int i = 0; i < 4; i++)
		message[i] = from->addr.words[i];
	message[4] = from->port;
	message[5] = tunnel;
	message[6] = epoch;
	siphash128(&at->siphash);
	return at->siphash.hash[0];
}

/* Whether the ping carries the challenge of its sender. */
static __always_inline int is_challenge_met(struct ping_scratch *at, const struct endpoint *from,
					    __u32 tunnel, __u32 epoch)
{
	__u64 got = read_be64(at->ping.challenge);

	return got == challenge_of(at, from, tunnel, epoch) ||
	       got == challenge_of(at, from, tunnel, epoch - 1);
}

/* Takes the time of a ping, unless a newer one was taken. */
static __always_inline int take_time(__u32 tunnel, __u64 time)
{
	struct ping_time *last = bpf_map_lookup_elem(&map_ping_time, &tunnel);
	struct ping_time first = {.time = time};
	__u64 before;

	if (!last)
		return !bpf_map_update_elem(&map_ping_time, &tunnel, &first, BPF_NOEXIST);
	before = last->time;
	return time > before && __sync_val_compare_and_swap(&last->time, before, time) == before;
}

static __always_inline int is_newer(__u32 tunnel, __u64 time)
{
	struct ping_time *last = bpf_map_lookup_elem(&map_ping_time, &tunnel);

	return !last || time > last->time;
}

/* Judges a ping from a new address. Returns an outcome or a negative reason. */
static __always_inline int judge_new(struct ping_scratch *at, const struct packet *packet,
				     __u32 epoch)
{
	__u32 id = at->id;

	if (read_options(id, &at->options) && !may_move(&at->options, &packet->src.addr))
		return -OUT_PING_LOCKED;
	if (!at->has_challenge || !is_challenge_met(at, &packet->src, id, epoch))
		return OUT_PING_CHALLENGED;
	if (!take_time(id, at->time))
		return -OUT_PING_TIME;
	at->tunnel.remote = packet->src.addr;
	at->tunnel.remote_port = packet->src.port;
	at->tunnel.last_ping = bpf_ktime_get_boot_ns();
	if (bpf_map_update_elem(&map_tunnel, &id, &at->tunnel, BPF_EXIST))
		return -OUT_PING_TUNNEL;
	return OUT_PING_SIGNED_LEARNED;
}

/* Reads a signed ping, with its GUE part of `len` bytes at `off`. Returns 0 or a negative reason. */
static __always_inline int read_ping(struct __sk_buff *skb, struct ping_scratch *at, __u32 off,
				     __u32 len)
{
	__u32 word;

	if (len < PING_SIZE || bpf_skb_load_bytes(skb, off, &at->ping, PING_SIZE))
		return -OUT_GUE_HEADER;
	word = bpf_ntohl(at->ping.word);
	if (GUE_FLAGS(word) != GUE_FLAGS_OURS)
		return -OUT_PING_TYPE;
	at->has_challenge = GUE_HLEN(word) == PING_HLEN_CHALLENGE;
	if (!at->has_challenge)
		return 0;
	return len < sizeof(at->ping) || bpf_skb_load_bytes(skb, off, &at->ping, sizeof(at->ping))
		       ? -OUT_GUE_HEADER
		       : 0;
}

#define OTHER_SENDER 0

/* Whether a signed ping is right: first of two steps, since both together need too much stack.
 *
 * Returns OUT_PING_SIGNED, OTHER_SENDER where its sender is not the tunnel's far end, or a negative reason.
 */
SUBPROGRAM int check_signed_ping(struct __sk_buff *skb, const struct packet *packet, __u32 off,
				 __u32 len)
{
	__u32 zero = 0, id;
	struct ping_scratch *at = bpf_map_lookup_elem(&ping_scratch, &zero);
	struct cached_service *service;
	struct sid sid;
	__u64 now;
	int err;

	if (!packet || !at)
		return -OUT_GUE_HEADER;
	err = read_ping(skb, at, off, len);
	if (err)
		return err;
	read_sid(&sid, &at->ping.sid);
	service = find_by_sid(&sid);
	if (!service)
		return -OUT_UNKNOWN_SERVICE;
	id = service->tunnel;
	at->id = id;
	if (at->ping.tunnel != bpf_htonl(id))
		return -OUT_PING_TUNNEL;
	if (!READ_ROW(&map_signing, &sid, row, COPY(&at->signing, row)) || !is_signed(at, &sid))
		return -OUT_PING_MAC;
	at->time = read_be64(at->ping.time);
	now = bpf_ktime_get_tai_ns();
	if (at->time + PING_WINDOW < now || at->time > now + PING_WINDOW || !is_newer(id, at->time))
		return -OUT_PING_TIME;
	if (!read_tunnel(id, &at->tunnel))
		return -OUT_PING_TUNNEL;
	if (!same_address(&at->tunnel.local, &packet->dst.addr) ||
	    at->tunnel.local_port != packet->dst.port)
		return -OUT_PING_TUNNEL;
	if (!same_address(&at->tunnel.remote, &packet->src.addr) ||
	    at->tunnel.remote_port != packet->src.port)
		return OTHER_SENDER;
	if (!take_time(id, at->time))
		return -OUT_PING_TIME;
	write_last_ping(id);
	return OUT_PING_SIGNED;
}

/* Result of `settle_signed_ping`: the packet is now the answer, to be sent back. */
#define ANSWERED 0x100

/* Second step: challenges a ping from another sender, or moves the far end to it, and makes the packet the answer where it
 * is long enough.
 * `result` is that of the first step. Returns an outcome, with ANSWERED, or a negative reason.
 */
SUBPROGRAM int settle_signed_ping(struct __sk_buff *skb, const struct packet *packet, __u32 part,
				  int result)
{
	__u32 zero = 0, epoch, off = part >> 16, len = part & 0xffff;
	struct ping_scratch *at = bpf_map_lookup_elem(&ping_scratch, &zero);
	__u64 challenge = 0;

	if (!packet || !at)
		return -OUT_GUE_HEADER;
	epoch = bpf_ktime_get_boot_ns() / CHALLENGE_EPOCH;
	if (result == OTHER_SENDER)
		result = judge_new(at, packet, epoch);
	if (result < 0 || len < sizeof(at->answer) || skb->gso_size ||
	    bpf_skb_load_bytes(skb, off, &at->before, sizeof(at->before)))
		return result;
	if (result == OUT_PING_CHALLENGED)
		challenge = challenge_of(at, &packet->src, at->id, epoch);
	write_answer(at, packet, result, challenge);
	return answer_ping(skb, at, packet, off) ? result : result | ANSWERED;
}

/* Counts the packet as its tunnel's and its service's. */
SUBPROGRAM int count_signed_ping(void)
{
	__u32 zero = 0;
	struct ping_scratch *at = bpf_map_lookup_elem(&ping_scratch, &zero);
	struct traffic_key key = {.queue = QUEUE_RX};

	if (!at)
		return 0;
	key.tunnel = at->id;
	read_sid(&key.sid, &at->ping.sid);
	count_traffic(&key, 0);
	return 0;
}

/* Whether an answer to a ping of this host's is for a service that signs: the stack hands it to the sender. */
static __always_inline int is_answer(const struct gue_sid *wire)
{
	struct sid sid;

	read_sid(&sid, wire);
	return FIND_ROW(&map_signing, &sid) != NULL;
}

#endif
