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

#include "dispatcher.h"

#include <bpf/bpf_endian.h>

enum {
	AF_INET = 2,
	AF_INET6 = 10,
};

/* Which control plane may change the maps: read from the loaded program. */
const volatile __u32 dispatcher_version = DISPATCHER_VERSION;

/* The binding for a packet: the longest prefix, and on the same prefix its port
 * rather than every port.
 *
 * Two lookups in the trie are what a packet costs. Nothing can precede a single
 * address with the packet's own port, so where the first finds one the second
 * is not made.
 */
static __always_inline const struct binding *find_binding(struct binding_key *key)
{
	const struct binding *own, *every;

	own = bpf_map_lookup_elem(&bindings, key);
	if (own && own->prefixlen == BINDING_KEY_BITS)
		return own;

	key->port = 0;
	every = bpf_map_lookup_elem(&bindings, key);
	if (!own || (every && every->prefixlen > own->prefixlen))
		return every;
	return own;
}

SEC("sk_lookup")
int dispatcher(struct bpf_sk_lookup *ctx)
{
	struct binding_key key = {
		.prefixlen = BINDING_KEY_BITS,
		.protocol = ctx->protocol,
		.port = ctx->local_port,
	};
	const struct binding *binding;
	struct destination_metrics *metrics;
	struct bpf_sock *sk;
	__u32 id;
	long err;

	if (ctx->family == AF_INET) {
		key.addr.words[2] = bpf_htonl(0xffff);
		key.addr.words[3] = ctx->local_ip4;
	} else {
		key.addr.words[0] = ctx->local_ip6[0];
		key.addr.words[1] = ctx->local_ip6[1];
		key.addr.words[2] = ctx->local_ip6[2];
		key.addr.words[3] = ctx->local_ip6[3];
	}

	binding = find_binding(&key);
	if (!binding)
		return SK_PASS;
	/* A prefix of IPv6 shorter than ::ffff:0:0/96 spans IPv4 in the trie, but
	 * was not meant for it.
	 */
	if (ctx->family == AF_INET && binding->prefixlen < IPV4_KEY_BITS)
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

char _license[] SEC("license") = "Dual BSD/GPL";
