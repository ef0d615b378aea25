// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opens many ports on one socket: the smallest useful sk_lookup program.
 *
 * Hook      sk_lookup
 * Reads     echo_ports (open ports), echo_socket (the socket for them)
 * Verdicts  PASS    not one of the ports, or the socket is selected
 *           DROP    one of the ports, but the socket does not fit
 */

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

/* A set: only the keys matter. Ports, of 16 bits, are in host order. Sizes in
 * place of types: bpftool then shows the bytes that it takes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(key_size, sizeof(__u16));
	__uint(value_size, sizeof(__u8));
	__uint(max_entries, 1024);
} echo_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} echo_socket SEC(".maps");

SEC("sk_lookup")
int echo_dispatch(struct bpf_sk_lookup *ctx)
{
	const __u32 only = 0;
	__u16 port = ctx->local_port;
	struct bpf_sock *sk;
	long err;

	if (!bpf_map_lookup_elem(&echo_ports, &port))
		return SK_PASS;

	/* Without a socket the port is as closed as it was. */
	sk = bpf_map_lookup_elem(&echo_socket, &only);
	if (!sk)
		return SK_DROP;
	err = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return err ? SK_DROP : SK_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
