// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Hands new connections and unconnected datagrams to the socket that a binding
 * names, whatever address and port that socket is bound to.
 *
 * Hook      sk_lookup, of one network namespace
 * Reads     bindings, sockets
 * Writes    destination_metrics
 * Verdicts  PASS    no binding: the kernel looks a socket up as ever; or a
 *                   binding whose socket is selected
 *           DROP    a binding without a socket, or with an unfit one: never
 *                   somebody else's socket
 */

#include "dispatcher/dispatcher.h"

#include <bpf/bpf_endian.h>

enum {
	AF_INET = 2,
	AF_INET6 = 10,
};

/* Which control plane may change the maps: read from the loaded program. */
const volatile __u32 dispatcher_version = DISPATCHER_VERSION;

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

typedef const struct binding *find_t(struct key *key, __u32 protocol);

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

	binding = find(&key, protocol);
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
	return dispatch(ctx, find_binding);
}

char _license[] SEC("license") = "Dual BSD/GPL";
