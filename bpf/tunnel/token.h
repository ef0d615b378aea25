/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tokens in place of the service's key, valid for one flow and for two epochs at most.
 *
 *   token = SipHash-2-4-128 under the signing key over the epoch, the sid, and the inner packet's addresses, ports and protocol
 *
 * The sender's epochs begin half an epoch later than the receiver's, which takes its current and its previous one: so a token
 * is taken while the two clocks (CLOCK_TAI) differ by less than half an epoch, and no longer than two.
 */
#ifndef SLUICE_TOKEN_H
#define SLUICE_TOKEN_H

#include "lib/map.h"
#include "lib/packet.h"
#include "lib/siphash.h"
#include "tunnel/flow.h"
#include "tunnel/gue.h"
#include "tunnel/lookup.h"
#include "tunnel/outcome.h"

#define TOKEN_LOG2 9

/* The last token of a flow. */
struct cached_token {
	__u64 key[2]; /* the signing key */
	struct endpoint src;
	struct endpoint dst;
	struct sid sid;
	__u32 epoch;
	__u64 token[2];
};

struct token_scratch {
	struct siphash siphash;
	__u64 claim[2]; /* what a received packet carries */
};

LOOKUP_CACHE(token_cache, struct cached_token, TOKEN_LOG2);

/* Room for one token: the stack has too little. */
MAP(token_scratch, PERCPU_ARRAY, __u32, struct token_scratch, 1);

/* The cache's entry for a flow, possibly of another flow. */
static __always_inline struct cached_token *token_entry(const struct endpoint *src,
							const struct endpoint *dst)
{
	__u32 slot = flow_hash(src, dst) >> (64 - TOKEN_LOG2);

	return bpf_map_lookup_elem(&token_cache, &slot);
}

/* Whether the entry's token is of this flow, under whatever key. */
static __always_inline int is_flow(const struct cached_token *entry, const struct endpoint *src,
				   const struct endpoint *dst, const struct cached_service *service)
{
	return same_endpoint(&entry->src, src) && same_endpoint(&entry->dst, dst) &&
	       entry->sid.service == service->sid.service && entry->sid.group == service->sid.group;
}

/* Whether the entry's token was made with this signing key. */
static __always_inline int is_made_with(const struct cached_token *entry, const __u64 *key)
{
	return entry->key[0] == key[0] && entry->key[1] == key[1];
}

/* Writes the token of a flow and an epoch to `s->hash`. */
static __always_inline void make_token(struct siphash *s, const __u64 *key,
				       const struct endpoint *src, const struct endpoint *dst,
				       const struct sid *sid, __u32 epoch)
{
	__u32 *message = s->message;

	s->key[0] = key[0];
	s->key[1] = key[1];
	__builtin_memset(s->message, 0, sizeof(s->message));
	s->length = 48;
	message[0] = bpf_htonl(epoch);
	message[1] = bpf_htonl((__u32)sid->service << 16 | sid->group);
	for (int i = 0; i < 4; i++) {
		message[2 + i] = src->addr.words[i];
		message[6 + i] = dst->addr.words[i];
	}
	message[10] = src->port | (__u32)dst->port << 16;
	message[11] = bpf_htonl(src->proto);
	siphash128(s);
}

static __always_inline void keep_token(struct cached_token *entry, const __u64 *key,
				       const __u64 *token, const struct endpoint *src,
				       const struct endpoint *dst,
				       const struct cached_service *service, __u32 epoch)
{
	entry->key[0] = key[0];
	entry->key[1] = key[1];
	entry->src = *src;
	entry->dst = *dst;
	entry->sid = service->sid;
	entry->epoch = epoch;
	entry->token[0] = token[0];
	entry->token[1] = token[1];
}

/* Writes the token of the flow into the GUE header at `off`. Returns 0 or a negative reason. */
SUBPROGRAM int put_token(struct __sk_buff *skb, const struct endpoint *src,
			 const struct endpoint *dst, const struct cached_service *service,
			 __u32 off)
{
	__u32 zero = 0;
	struct token_scratch *at = bpf_map_lookup_elem(&token_scratch, &zero);
	struct cached_token *entry;
	__u32 epoch;

	if (!src || !dst || !service || !at)
		return -OUT_ENCAP_FAILED;
	if (service->token.mode == TOKEN_NO_KEY)
		return -OUT_TOKEN;
	entry = token_entry(src, dst);
	if (!entry)
		return -OUT_ENCAP_FAILED;
	epoch = service->token.send;
	if (unlikely(entry->epoch != epoch || !is_made_with(entry, service->token.key) ||
		     !is_flow(entry, src, dst, service))) {
		make_token(&at->siphash, service->token.key, src, dst, &service->sid, epoch);
		keep_token(entry, service->token.key, at->siphash.hash, src, dst, service, epoch);
	}
	return bpf_skb_store_bytes(skb, off + offsetof(struct gue, key), entry->token, KEY_SIZE, 0)
		       ? -OUT_ENCAP_FAILED
		       : 0;
}

#ifdef LOOKUP_INGRESS

#include "tunnel/rotation.h"

/* Whether the packet carries a token of the epoch under this key. */
static __always_inline int is_token(struct token_scratch *at, const __u64 *key,
				    const struct packet *inner, const struct sid *sid, __u32 epoch)
{
	make_token(&at->siphash, key, &inner->src, &inner->dst, sid, epoch);
	return same_key((void *)at->claim, (void *)at->siphash.hash);
}

/* Whether the entry's token was made with a key of the service's rotation; counts the packet if it was. */
static __always_inline int is_of_rotation(const struct cached_token *entry, const struct sid *sid,
					  const struct rotation *rotation)
{
	int is_next = is_made_with(entry, (void *)rotation->next.signing);

	if (!is_next && !is_made_with(entry, (void *)rotation->old.signing))
		return 0;
	count_use(sid, is_next ? NEXT_KEY : OLD_KEY);
	return 1;
}

/* Whether the packet carries a token under a key of the rotation, and keeps it in the entry if it does. */
static __always_inline int is_rotated_token(struct token_scratch *at, struct cached_token *entry,
					    const struct packet *inner,
					    const struct cached_service *service,
					    const struct rotation *rotation)
{
	struct sid sid = service->sid;
	const struct accepted_key *accepted;
	__u32 epoch;
	__u64 key[2];

	for (int i = 0; i < 4; i++) {
		accepted = i & 2 ? &rotation->next : &rotation->old;
		key[0] = *(__u64 *)accepted->signing;
		key[1] = *(__u64 *)(accepted->signing + 8);
		if (!(key[0] | key[1]))
			continue;
		epoch = service->token.now - (i & 1);
		if (is_token(at, key, inner, &sid, epoch)) {
			keep_token(entry, key, at->claim, &inner->src, &inner->dst, service, epoch);
			count_use(&sid, i & 2 ? NEXT_KEY : OLD_KEY);
			return 1;
		}
	}
	return 0;
}

/* Saves the field of the packet until its inner packet is parsed. */
static __always_inline int claim_token(const __u8 *field)
{
	__u32 zero = 0;
	struct token_scratch *at = bpf_map_lookup_elem(&token_scratch, &zero);

	if (!at)
		return 0;
	__builtin_memcpy(at->claim, field, KEY_SIZE);
	return 1;
}

/* Whether what was claimed is a token of the inner packet's flow, of the current or the previous epoch; or, where keys are
 * taken, too, the other key of a rotation.
 */
SUBPROGRAM int has_token(const struct packet *inner, const struct cached_service *service)
{
	__u32 zero = 0, now;
	struct token_scratch *at = bpf_map_lookup_elem(&token_scratch, &zero);
	struct cached_token *entry;
	struct rotation *rotation;
	int is_cached;
	struct sid sid;

	if (!inner || !service || !at || service->token.mode == TOKEN_NO_KEY)
		return 0;
	entry = token_entry(&inner->src, &inner->dst);
	if (!entry)
		return 0;
	now = service->token.now;
	is_cached = now - entry->epoch <= 1 && same_key((void *)at->claim, (void *)entry->token) &&
		    is_flow(entry, &inner->src, &inner->dst, service);
	if (likely(is_cached && is_made_with(entry, service->token.key)))
		return 1;
	sid = service->sid;
	rotation = find_rotation(&sid);
	if (rotation && is_cached && is_of_rotation(entry, &sid, rotation))
		return 1;
	if (service->token.mode < TOKEN_REQUIRE && is_other_key(&sid, rotation, (void *)at->claim))
		return 1;
	for (int age = 0; age < 2; age++)
		if (is_token(at, service->token.key, inner, &service->sid, now - age)) {
			keep_token(entry, service->token.key, at->claim, &inner->src, &inner->dst,
				   service, now - age);
			return 1;
		}
	return rotation ? is_rotated_token(at, entry, inner, service, rotation) : 0;
}

#endif

#endif
