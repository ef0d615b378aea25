/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes bindings in the trie and in its index. Each returns 0 or a negative
 * error, and then has changed neither.
 */
#ifndef SLUICE_DISPATCHER_WRITE_BINDINGS_H
#define SLUICE_DISPATCHER_WRITE_BINDINGS_H

#include "dispatcher/index.h"

enum change_kind {
	CHANGE_SET,
	CHANGE_DELETE,
};

struct change {
	__u8 kind;
	struct binding_key key;
	struct binding binding;
} __attribute__((packed));

#define LENGTHS 129

struct length_search {
	struct index_length_key key;
	__u32 limit;
	int found;
};

/* Looks at one length, the longest first. Returns 1 when the search is over. */
static long look_at_length(__u32 index, struct length_search *search)
{
	struct index_length_key key = search->key;
	__u32 length = LENGTHS - 1 - index;

	if (length >= search->limit)
		return 0;
	key.length = length;
	if (!bpf_map_lookup_elem(&index_lengths, &key))
		return 0;
	search->found = length;
	return 1;
}

/* The longest prefix length below `limit` that bindings of a protocol and port
 * have; -1: there is none. Verified by itself, as write_row is. By bpf_loop:
 * kernel 6.1 walks a loop of its own in too many ways.
 */
__noinline int next_length(__u32 protocol, __u32 port, __u32 limit)
{
	struct length_search search = {
		.key = {.protocol = protocol, .port = port},
		.limit = limit,
		.found = -1,
	};

	bpf_loop(LENGTHS, look_at_length, &search, 0);
	return search.found;
}

/* Writes the row of a protocol and port from the counts of each length. */
__noinline int write_row(__u32 protocol, __u32 port)
{
	__u32 *row = row_of(protocol, port);
	__u32 lengths = 0;
	int length = 129;
	__u32 i;

	if (!row)
		return -1;
	for (i = 0; i < MAX_LENGTHS + 1; i++) {
		length = next_length(protocol, port, length);
		if (length < 0)
			break;
		/* The byte of ::/0 would end the row. */
		if (length == 0 || i == MAX_LENGTHS) {
			lengths = TOO_MANY_LENGTHS;
			break;
		}
		lengths |= (__u32)length << (8 * i & 31);
	}
	*row = lengths;
	return 0;
}

static __always_inline long count_up(const struct index_length_key *key)
{
	__u32 *count = bpf_map_lookup_elem(&index_lengths, key);
	const __u32 one = 1;
	long err;

	if (count) {
		*count += 1;
		return 0;
	}
	err = bpf_map_update_elem(&index_lengths, key, &one, BPF_ANY);
	if (!err)
		write_row(key->protocol, key->port);
	return err;
}

static __always_inline void count_down(const struct index_length_key *key)
{
	__u32 *count = bpf_map_lookup_elem(&index_lengths, key);

	if (!count)
		return;
	*count -= 1;
	if (*count > 0)
		return;
	bpf_map_delete_elem(&index_lengths, key);
	write_row(key->protocol, key->port);
}

static __always_inline struct index_length_key length_of(const struct index_key *key)
{
	return (struct index_length_key){
		.length = key->length,
		.protocol = key->protocol,
		.port = key->port,
	};
}

static __always_inline long add_to_index(const struct index_key *key, struct binding *binding)
{
	struct index_length_key length = length_of(key);
	__u64 *size = size_of_index();
	long err;

	err = bpf_map_update_elem(&index_bindings, key, binding, BPF_ANY);
	if (err)
		return err;
	err = count_up(&length);
	if (err)
		bpf_map_delete_elem(&index_bindings, key);
	else if (size)
		*size += 1;
	return err;
}

/* An existing entry is changed in place, which cannot fail. */
static __always_inline long set_binding(const struct change *change, const struct index_key *key)
{
	struct binding binding = change->binding;
	struct binding *old = bpf_map_lookup_elem(&bindings, &change->key);
	struct binding *indexed = bpf_map_lookup_elem(&index_bindings, key);
	const _Bool is_new = !old || old->prefixlen != change->key.prefixlen;
	long err;

	if (is_new) {
		err = bpf_map_update_elem(&bindings, &change->key, &binding, BPF_ANY);
		if (err)
			return err;
	} else {
		old->id = binding.id;
	}
	if (indexed) {
		indexed->id = binding.id;
		return 0;
	}
	err = add_to_index(key, &binding);
	if (err && is_new)
		bpf_map_delete_elem(&bindings, &change->key);
	return err;
}

static __always_inline long delete_binding(const struct change *change, const struct index_key *key)
{
	struct index_length_key length = length_of(key);
	__u64 *size = size_of_index();
	long err = bpf_map_delete_elem(&bindings, &change->key);

	if (err)
		return err;
	/* It is missing while the index is being filled. */
	if (bpf_map_delete_elem(&index_bindings, key))
		return 0;
	count_down(&length);
	if (size)
		*size -= 1;
	return 0;
}

#endif
