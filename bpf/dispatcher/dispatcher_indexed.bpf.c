// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The dispatcher with an index beside its trie: a hash of the bindings of single
 * addresses, which are most of a large table and cost a trie the most.
 *
 * The two never disagree, because only write_bindings changes them, both in one
 * run: the trie is frozen for all else, which the kernel sees to. The trie stays
 * the truth, and is all that a reader needs.
 */

#include "dispatcher/dispatcher.bpf.c"

/* The bytes of a binding's key from the last of its prefix length on, which is 0. */
struct index_key {
	__u8 zero;
	__u8 protocol;
	__u16 port; /* host order; 0 is every port */
	struct ip addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct index_key);
	__type(value, struct binding);
	__uint(max_entries, MAX_BINDINGS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} binding_index SEC(".maps");

/* How many bindings are not of a single address. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} index_subnets SEC(".maps");

static __always_inline __u64 *subnets(void)
{
	const __u32 only = 0;

	return bpf_map_lookup_elem(&index_subnets, &only);
}

/* The index's key is the end of the trie's. */
static __always_inline const struct binding *find_in_index(const struct key *key)
{
	return bpf_map_lookup_elem(&binding_index, (const char *)key + 4);
}

/* As find_binding: no prefix is longer than a single address. */
static __always_inline const struct binding *find_indexed(struct key *key, __u32 protocol)
{
	const __u64 head = key->head;
	const struct binding *binding;
	const __u64 *others;

	binding = find_in_index(key);
	if (binding)
		return binding;
	key->head = HEAD(protocol, 0);
	binding = find_in_index(key);
	if (binding)
		return binding;
	others = subnets();
	if (!others || !*others)
		return NULL;
	key->head = head;
	return find_binding(key, protocol);
}

SEC("sk_lookup")
int dispatcher_idx(struct bpf_sk_lookup *ctx)
{
	return dispatch(ctx, find_indexed);
}

enum change_kind {
	CHANGE_SET,
	CHANGE_DELETE,
};

struct change {
	__u8 kind;
	struct binding_key key;
	struct binding binding;
} __attribute__((packed));

/* Where the changes begin in what write_bindings is given: behind an Ethernet
 * header, without which it would not be taken for a packet.
 */
#define CHANGES_OFFSET 14
#define MAX_CHANGES 64

static __always_inline int add_binding(const struct change *change, const struct index_key *exact)
{
	struct binding binding = change->binding;
	__u64 *others = subnets();
	long err;

	err = bpf_map_update_elem(&bindings, &change->key, &binding, BPF_ANY);
	if (err)
		return err;
	if (change->key.prefixlen != BINDING_KEY_BITS) {
		if (others)
			__sync_fetch_and_add(others, 1);
		return 0;
	}
	err = bpf_map_update_elem(&binding_index, exact, &binding, BPF_ANY);
	if (err)
		bpf_map_delete_elem(&bindings, &change->key);
	return err;
}

static __always_inline int set_binding(const struct change *change, const struct index_key *exact)
{
	struct binding *old = bpf_map_lookup_elem(&bindings, &change->key);
	struct binding *indexed;

	if (!old || old->prefixlen != change->key.prefixlen)
		return add_binding(change, exact);
	/* Written in place, which cannot fail for want of memory, in neither. */
	old->id = change->binding.id;
	indexed = bpf_map_lookup_elem(&binding_index, exact);
	if (indexed && change->key.prefixlen == BINDING_KEY_BITS)
		indexed->id = change->binding.id;
	return 0;
}

static __always_inline int delete_binding(const struct change *change,
					  const struct index_key *exact)
{
	__u64 *others = subnets();
	long err = bpf_map_delete_elem(&bindings, &change->key);

	if (err)
		return err;
	/* Not there yet, where it is still being filled. */
	if (change->key.prefixlen == BINDING_KEY_BITS)
		bpf_map_delete_elem(&binding_index, exact);
	else if (others)
		__sync_fetch_and_add(others, -1);
	return 0;
}

/* Carries out changes, run by BPF_PROG_TEST_RUN on a packet that is made of them.
 * Returns how many were carried out: fewer than given where one was refused.
 */
SEC("tc")
int write_bindings(struct __sk_buff *skb)
{
	struct index_key exact = {};
	struct change change;
	long err;
	int i;

	for (i = 0; i < MAX_CHANGES; i++) {
		err = bpf_skb_load_bytes(skb, CHANGES_OFFSET + i * sizeof(change), &change,
					 sizeof(change));
		if (err)
			return i;
		exact.protocol = change.key.protocol;
		exact.port = change.key.port;
		exact.addr = change.key.addr;
		err = change.kind == CHANGE_SET ? set_binding(&change, &exact)
						: delete_binding(&change, &exact);
		if (err)
			return i;
	}
	return i;
}
