// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The dispatchers of release 0.1.0, from its own sources: the one without an index and the one with it. Of each there is
 * one program that takes the packet's key, and one that takes the key of a binding by chance.
 */
#include "dispatcher_indexed.bpf.c"

#include "by_chance.h"

static __always_inline const struct binding *find_any(struct key *key, __u32 protocol)
{
	key->packed.addr.words[3] = by_chance();
	return find_binding(key, protocol);
}

SEC("sk_lookup")
int dispatcher_any(struct bpf_sk_lookup *ctx)
{
	return dispatch(ctx, find_any);
}

static __always_inline const struct binding *find_any_indexed(struct key *key, __u32 protocol)
{
	key->packed.addr.words[3] = by_chance();
	return find_indexed(key, protocol);
}

SEC("sk_lookup")
int dispatcher_idx_any(struct bpf_sk_lookup *ctx)
{
	return dispatch(ctx, find_any_indexed);
}
