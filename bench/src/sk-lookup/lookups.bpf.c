// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The dispatcher beside the plainest one that does the same, on the same maps: a
 * packed key, and two longest-prefix lookups for every packet. Of each there is
 * one program that takes the packet's key, and one that takes the key of a binding
 * by chance.
 */
#include "../../../bpf/dispatcher/dispatcher.bpf.c"

#include "by_chance.h"

static __always_inline int look_up_twice(struct bpf_sk_lookup *ctx, _Bool any)
{
	const struct binding *own, *every, *binding;
	struct destination_metrics *metrics;
	struct ip addr = {};
	struct bpf_sock *sk;
	__be32 ip4;
	long err;

	if (ctx->family == AF_INET) {
		ip4 = any ? by_chance() : ctx->local_ip4;
		barrier_var(ip4);
		addr.words[2] = bpf_htonl(0xffff);
		addr.words[3] = ip4;
	} else {
		addr.words[0] = ctx->local_ip6[0];
		addr.words[1] = ctx->local_ip6[1];
		addr.words[2] = ctx->local_ip6[2];
		addr.words[3] = ctx->local_ip6[3];
	}

	struct binding_key key = {
		.prefixlen = BINDING_KEY_BITS,
		.protocol = ctx->protocol,
		.port = ctx->local_port,
		.addr = addr,
	};

	own = bpf_map_lookup_elem(&bindings, &key);
	key.port = 0;
	every = bpf_map_lookup_elem(&bindings, &key);
	binding = own;
	if (!own || (every && every->prefixlen > own->prefixlen))
		binding = every;
	if (!binding)
		return SK_PASS;

	metrics = bpf_map_lookup_elem(&destination_metrics, &binding->id);
	if (!metrics)
		return SK_DROP;
	metrics->lookups++;
	sk = bpf_map_lookup_elem(&sockets, &binding->id);
	if (!sk) {
		metrics->misses++;
		return SK_DROP;
	}
	err = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	if (err) {
		metrics->errors_bad_socket++;
		return SK_DROP;
	}
	return SK_PASS;
}

SEC("sk_lookup")
int reference(struct bpf_sk_lookup *ctx)
{
	return look_up_twice(ctx, 0);
}

SEC("sk_lookup")
int reference_any(struct bpf_sk_lookup *ctx)
{
	return look_up_twice(ctx, 1);
}

static __always_inline const struct binding *find_in_trie(struct key *key, __u32 protocol,
							  __u32 port)
{
	(void)port;
	return find_binding(key, protocol);
}

static __always_inline const struct binding *find_any(struct key *key, __u32 protocol, __u32 port)
{
	key->packed.addr.words[3] = by_chance();
	return find_in_trie(key, protocol, port);
}

SEC("sk_lookup")
int trie(struct bpf_sk_lookup *ctx)
{
	return dispatch(ctx, find_in_trie);
}

SEC("sk_lookup")
int trie_any(struct bpf_sk_lookup *ctx)
{
	return dispatch(ctx, find_any);
}

/* The bench loads the object with an index, so `find` uses it. */
static __always_inline const struct binding *find_any_indexed(struct key *key, __u32 protocol,
							      __u32 port)
{
	key->packed.addr.words[3] = by_chance();
	return find(key, protocol, port);
}

SEC("sk_lookup")
int dispatcher_any(struct bpf_sk_lookup *ctx)
{
	return dispatch(ctx, find_any_indexed);
}
