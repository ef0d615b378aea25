/** `struct bpf_sk_lookup` for a TCP connection to an IPv4 address and port, as BPF_PROG_TEST_RUN takes it. */
export function lookupContext(address: string, port: number): Buffer {
	const context = Buffer.alloc(72);
	context.writeUInt32LE(2, 8); // family: AF_INET
	context.writeUInt32LE(6, 12); // protocol: TCP
	context.set([192, 0, 2, 1], 16); // remote_ip4
	context.writeUInt16BE(40_000, 36); // remote_port, network order
	context.set(address.split(".").map(Number), 40); // local_ip4
	context.writeUInt32LE(port, 60); // local_port, host order
	return context;
}
