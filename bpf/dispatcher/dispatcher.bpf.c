// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Hands new connections and unconnected datagrams to the socket that a binding
 * names, whatever address and port that socket is bound to.
 *
 * Hook      sk_lookup, of one network namespace
 * Reads     bindings, or their index; sockets
 * Writes    destination_metrics
 * Verdicts  PASS    no binding: the kernel looks a socket up by itself; or a
 *                   binding whose socket is selected
 *           DROP    a binding without a socket, or with an unfit one: no other
 *                   socket gets the packet
 */

#include "dispatcher/index.h"
#include "dispatcher/write_bindings.h"

enum {
	AF_INET = 2,
	AF_INET6 = 10,
};

/* The constants of a program: the loader sets `indexed`, control planes read
 * `version` of the loaded program.
 */
const volatile struct {
	/* Which control plane may change the maps. */
	__u32 version;
	/* Whether there is an index. Without one, the verifier removes what uses it. */
	__u32 indexed;
} dispatcher_constants = {DISPATCHER_VERSION, 0};

/* A key on the stack, one byte on, so that its address can be written a word at
 * a time and all before it as one.
 */
struct key {
	union {
		struct {
			__u8 pad;
			struct binding_key packed;
		} __attribute__((packed));
		__u64 head; /* pad, prefixlen, protocol, port: this order on little-endian */
	};
};

#define HEAD(protocol, port) \
	((__u64)BINDING_KEY_BITS << 8 | (__u64)(protocol) << 40 | (__u64)(port) << 48)

/* The binding for a packet: the longest prefix, and on the same prefix its port
 * rather than every port.
 *
 * Two lookups in the trie are what a packet costs. Nothing can precede a single
 * address with the packet's own port, so where the first finds one the second
 * is not made.
 */
static __always_inline const struct binding *find_binding(struct key *key, __u32 protocol)
{
	const struct binding *own, *every;

	own = bpf_map_lookup_elem(&bindings, &key->packed);
	if (own && own->prefixlen == BINDING_KEY_BITS)
		return own;

	key->head = HEAD(protocol, 0);
	every = bpf_map_lookup_elem(&bindings, &key->packed);
	if (!own || (every && every->prefixlen > own->prefixlen))
		return every;
	return own;
}

/* As find_binding, by the index. The lengths of the packet's own port and those
 * of every port are merged: the longest first, and the own port before every port.
 */
static __always_inline const struct binding *find_indexed(struct key *key, __u32 protocol,
							  __u32 port, __u32 tries)
{
	const __u32 *words = (const __u32 *)key->packed.addr.words;
	const __u64 high = bpf_be64_to_cpu((__u64)words[1] << 32 | words[0]);
	const __u64 low = bpf_be64_to_cpu((__u64)words[3] << 32 | words[2]);
	const __u32 *row_own = row_of(protocol, port), *row_every = row_of(protocol, 0);
	struct index_key exact = {.protocol = protocol};
	const struct binding *binding;
	__u32 own, every;
	__u32 length;
	int i;

	if (!row_own || !row_every)
		return NULL;
	own = *row_own;
	every = *row_every;
	if (own == TOO_MANY_LENGTHS || every == TOO_MANY_LENGTHS ||
	    count_lengths(own) + count_lengths(every) > tries)
		return find_binding(key, protocol);

	for (i = 0; i < TRIES_LARGE && (own | every); i++) {
		if ((own & 0xff) >= (every & 0xff)) {
			length = own & 0xff;
			own >>= 8;
			exact.port = port;
		} else {
			length = every & 0xff;
			every >>= 8;
			exact.port = 0;
		}
		exact.length = length;
		mask(high, low, length, &exact.addr);
		binding = bpf_map_lookup_elem(&index_bindings, &exact);
		if (binding)
			return binding;
	}
	return NULL;
}

static __always_inline const struct binding *find(struct key *key, __u32 protocol, __u32 port)
{
	const __u64 *size;

	if (!dispatcher_constants.indexed)
		return find_binding(key, protocol);
	size = size_of_index();
	if (!size || *size < SMALL)
		return find_binding(key, protocol);
	return find_indexed(key, protocol, port, *size < MEDIUM ? TRIES_SMALL : TRIES_LARGE);
}

typedef const struct binding *find_t(struct key *key, __u32 protocol, __u32 port);

static __always_inline int dispatch(struct bpf_sk_lookup *ctx, find_t find)
{
	const __u32 protocol = ctx->protocol;
	const __u32 family = ctx->family;
	const struct binding *binding;
	struct destination_metrics *metrics;
	struct bpf_sock *sk;
	struct key key;
	__be32 ip4;
	__u32 id;
	long err;

	key.head = HEAD(protocol, ctx->local_port);
	if (family == AF_INET) {
		ip4 = ctx->local_ip4;
		/* Or clang reads either family's field by one pointer into the
		 * context, which the verifier does not allow.
		 */
		barrier_var(ip4);
		key.packed.addr.words[0] = 0;
		key.packed.addr.words[1] = 0;
		key.packed.addr.words[2] = bpf_htonl(0xffff);
		key.packed.addr.words[3] = ip4;
	} else {
		key.packed.addr.words[0] = ctx->local_ip6[0];
		key.packed.addr.words[1] = ctx->local_ip6[1];
		key.packed.addr.words[2] = ctx->local_ip6[2];
		key.packed.addr.words[3] = ctx->local_ip6[3];
	}

	binding = find(&key, protocol, ctx->local_port);
	if (!binding)
		return SK_PASS;
	/* A prefix of IPv6 shorter than ::ffff:0:0/96 spans IPv4 in the trie, but
	 * was not meant for it.
	 */
	if (family == AF_INET && binding->prefixlen < IPV4_KEY_BITS)
		return SK_PASS;

	id = binding->id;
	metrics = bpf_map_lookup_elem(&destination_metrics, &id);
	/* Not an id of ours, so there is no socket either. */
	if (!metrics)
		return SK_DROP;
	metrics->lookups++;

	sk = bpf_map_lookup_elem(&sockets, &id);
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
int dispatcher(struct bpf_sk_lookup *ctx)
{
	return dispatch(ctx, find);
}

/* Offset of the changes in the input of write_bindings: after an Ethernet
 * header, which BPF_PROG_TEST_RUN requires.
 */
#define CHANGES_OFFSET 14
#define MAX_CHANGES 64

/* Carries out change `i` of a packet. Returns 0, or an error: there is no such
 * change, or it was refused. Verified by itself, once for all calls.
 */
__noinline int change_binding(struct __sk_buff *skb, __u32 i)
{
	struct index_key key = {};
	struct change change;

	if (i >= MAX_CHANGES ||
	    bpf_skb_load_bytes(skb, CHANGES_OFFSET + i * sizeof(change), &change, sizeof(change)))
		return -1;
	key.length = change.key.prefixlen - PORT_KEY_BITS;
	key.protocol = change.key.protocol;
	key.port = change.key.port;
	key.addr = change.key.addr;
	return change.kind == CHANGE_SET ? set_binding(&change, &key)
					 : delete_binding(&change, &key);
}

/* Carries out changes, run by BPF_PROG_TEST_RUN on a packet that is made of them.
 * Returns how many were carried out: fewer than given where one was refused.
 */
SEC("tc")
int write_bindings(struct __sk_buff *skb)
{
	int i;

	for (i = 0; i < MAX_CHANGES; i++)
		if (change_binding(skb, i))
			break;
	return i;
}

char _license[] SEC("license") = "Dual BSD/GPL";
