// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The dispatcher beside the simplest one that does the same, on the same maps:
 * two longest-prefix lookups for every packet. Of each there is one program that
 * takes the packet's key, and one that takes the key of a binding by chance.
 *
 * BINDINGS      how many bindings there are, one for each address from 10.0.0.0
 * PREFIX_BITS   their length: binding i is for address 10.0.0.0 + (i << (32 - PREFIX_BITS))
 */
#include "../../../bpf/dispatcher.bpf.c"

static __always_inline const struct binding *look_up_twice(struct key *key, __u32 protocol)
{
	const struct binding *own, *every;

	own = bpf_map_lookup_elem(&bindings, &key->packed);
	key->head = HEAD(protocol, 0);
	every = bpf_map_lookup_elem(&bindings, &key->packed);
	if (!own || (every && every->prefixlen > own->prefixlen))
		return every;
	return own;
}

SEC("sk_lookup")
int reference(struct bpf_sk_lookup *ctx)
{
	return dispatch(ctx, look_up_twice);
}

static __always_inline void by_chance(struct key *key)
{
	__u32 i = (__u64)bpf_get_prandom_u32() * BINDINGS >> 32;

	key->packed.addr.words[3] = bpf_htonl((10 << 24) + (i << (32 - PREFIX_BITS)));
}

static __always_inline const struct binding *find_any(struct key *key, __u32 protocol)
{
	by_chance(key);
	return find_binding(key, protocol);
}

static __always_inline const struct binding *look_up_any_twice(struct key *key, __u32 protocol)
{
	by_chance(key);
	return look_up_twice(key, protocol);
}

SEC("sk_lookup")
int dispatcher_any(struct bpf_sk_lookup *ctx)
{
	return dispatch(ctx, find_any);
}

SEC("sk_lookup")
int reference_any(struct bpf_sk_lookup *ctx)
{
	return dispatch(ctx, look_up_any_twice);
}
