import { check } from "./errors.js";
import koffi from "./koffi.js";
import { lazily } from "./libbpf.js";

export interface TestRunOptions {
	/** The packet, from its Ethernet header on. None: a program whose context is all it reads (sk_lookup). */
	data?: Buffer;
	/** The context struct (`struct __sk_buff`, `struct bpf_sk_lookup`), where the default will not do. */
	context?: Buffer;
	/** How often to run it; the duration is the mean. */
	repeat?: number;
	/** Whether the packet and the context are read afterwards (true). */
	hasOutput?: boolean;
}

export interface TestRun {
	/** The program's return value. */
	verdict: number;
	/** The packet afterwards. */
	data: Buffer;
	/** The context afterwards, as long as the one given. */
	context: Buffer;
	/** Nanoseconds for one run. */
	duration: number;
}

const bpf_prog_test_run_opts = lazily(
	"int bpf_prog_test_run_opts(int prog_fd, void *opts)",
);

const NONE = Buffer.alloc(0);

/** Room for what a program may put before the packet. */
const GROWTH = 512;

/** `struct bpf_test_run_opts`, 80 bytes. @throws BpfError EINVAL the packet or context is refused. */
export function testRun(fd: number, options: TestRunOptions): TestRun {
	const { data, repeat = 1, hasOutput = true } = options;
	const context = options.context ?? NONE;
	const dataOut = hasOutput && data ? Buffer.alloc(data.length + GROWTH) : NONE;
	const contextOut = hasOutput ? Buffer.alloc(context.length) : NONE;
	const opts = Buffer.alloc(80);
	opts.writeBigUInt64LE(80n, 0);
	if (data) {
		opts.writeBigUInt64LE(koffi.address(data), 8);
		opts.writeUInt32LE(data.length, 24);
	}
	if (dataOut.length > 0) {
		opts.writeBigUInt64LE(koffi.address(dataOut), 16);
		opts.writeUInt32LE(dataOut.length, 28);
	}
	if (context.length > 0) {
		opts.writeBigUInt64LE(koffi.address(context), 32);
		opts.writeUInt32LE(context.length, 48);
	}
	if (contextOut.length > 0) {
		opts.writeBigUInt64LE(koffi.address(contextOut), 40);
		opts.writeUInt32LE(contextOut.length, 52);
	}
	opts.writeInt32LE(repeat, 60);
	check(bpf_prog_test_run_opts(fd, opts), "run the program on a packet");
	return {
		verdict: opts.readUInt32LE(56),
		data: dataOut.subarray(0, opts.readUInt32LE(28)),
		context: contextOut,
		duration: opts.readUInt32LE(64),
	};
}
