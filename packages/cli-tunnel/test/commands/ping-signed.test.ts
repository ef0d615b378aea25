// Needs root and BPF: signed pings to a far end on this host that answers as the test wants.

import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import path from "node:path";
import {
	intoPipes,
	type PinnedTables,
	withTables,
} from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { signingTable, tunnelTable, verifyTable } from "@sluice/maps/tables";
import { siphash128 } from "@sluice/tunnel";
import test, { type ExecutionContext } from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);
if (process.getuid?.() === 0)
	test.before(() => void execFileSync("ip", ["link", "set", "lo", "up"]));

const key = Buffer.from("signing-key".padEnd(16, "\0"));
const local = "127.0.0.1";
const SECOND = 1_000_000_000n;

interface Answering {
	/** 0 heard, 1 moved, 2 challenged. */
	result: number;
	/** Seconds that the far end's clock is ahead. */
	ahead?: bigint;
}

/** What the packet program makes of a ping: `struct ping_answer` of bpf/tunnel/ping_answer.h. */
function answerTo(ping: Buffer, { result, ahead = 0n }: Answering): Buffer {
	const answer = Buffer.alloc(72);
	answer.writeUInt32BE(0x3103a000);
	ping.copy(answer, 4, 4, 8);
	ping.copy(answer, 24, 24, 36);
	answer.writeBigUInt64BE(7n, 36);
	answer.writeBigUInt64BE(ping.readBigUInt64BE(28) + ahead * SECOND, 44);
	Buffer.from("00000000000000000000ffff7f000001", "hex").copy(answer, 52);
	answer.writeUInt16BE(6090, 68);
	answer.writeUInt16BE(result, 70);
	siphash128(
		key,
		Buffer.concat([answer.subarray(0, 8), answer.subarray(24)]),
	).copy(answer, 8);
	return answer;
}

/** A tunnel that signs, to a far end that answers each ping as `next` says, or not at all. */
async function signing(
	t: ExecutionContext,
	tables: PinnedTables,
	localPort: number,
	next: () => Answering | undefined,
): Promise<void> {
	const socket = createSocket("udp4");
	await new Promise<void>((resolve) => socket.bind(0, local, resolve));
	t.teardown(() => void socket.close());
	socket.on("message", (ping, from) => {
		const answering = next();
		if (answering)
			socket.send(answerTo(ping, answering), from.port, from.address);
	});
	const end = (address: string) => ({
		address: Address.of(address),
		port: 80,
		proto: 6,
	});
	const sid = { service: 1, group: 2 };
	tables.open(tunnelTable).set(100, {
		...{ local: Address.of(local), localPort, remote: Address.of(local) },
		...{ remotePort: socket.address().port, lastPing: 0n },
	});
	tables.open(verifyTable).set(sid, {
		...{ key: Buffer.alloc(16, 1), tunnel: 100 },
		...{ proxy: end("5.5.5.5"), backend: end("1.1.1.1") },
	});
	tables.open(signingTable).set(sid, { key, challenge: key, flags: 0 });
}

it("an answer shows the difference of the two clocks, and a large one is a warning", async (t, tables) => {
	await signing(t, tables, 6090, () => ({ result: 0, ahead: 37n }));
	const { code, out, err } = await tables.run(
		cli,
		"ping 100 --count 2 --interval 0.05",
	);
	t.is(code, 0);
	t.regex(
		out,
		/^PING\t {5}100\t127\.0\.0\.1:\d+\t1\t\d+\.\d ms\tseen as 127\.0\.0\.1:6090\tclock \+3[0-7]\.\d{3} s\nPING.*\n2 pings, 2 answered, 0 % lost\n$/,
	);
	t.regex(
		err,
		/^cli_tunnel: ping: tunnel 100: the clock of the far end \(CLOCK_TAI\) differs by \+3[0-7]\.\d{3} s; .*"adjtimex --tai 37"\n$/,
	);
	const { out: json } = await tables.run(cli, "ping 100 --count 1 --json");
	const [first] = json.split("\n").map((line) => line && JSON.parse(line));
	t.true(first.clockDifference > 30 && first.clockDifference <= 37);
});

it("a challenged ping that cannot be sent again is lost, and ends the command", async (t, tables) => {
	await signing(t, tables, 6091, () => {
		execFileSync("/usr/sbin/nft", ["-f", "-"], {
			input: `table inet t {
				chain output { type filter hook output priority 0; udp sport 6091 drop; }
			}`,
		});
		return { result: 2 };
	});
	const { code, out, err } = await tables.run(cli, "ping 100 --count 1");
	t.is(code, 1);
	t.regex(out, /\tno answer\n$/);
	t.regex(err, /send a ping to 127\.0\.0\.1:\d+: E[A-Z]+\n/);
	t.regex(err, /no answer from 127\.0\.0\.1:\d+; do both ends/);
});

it("a ping that waits for its answer ends with a signal", async (t, tables) => {
	await signing(t, tables, 6092, () => undefined);
	const bin = path.join(import.meta.dirname, "../../dist/cli_tunnel.cjs");
	const started = intoPipes([bin, "ping", "100", "--interval", "0.05"], {
		TC_BPF_MNT: tables.bpffs,
	});
	await started.shows(/\tno answer/);
	started.kill("SIGINT");
	const { code, err } = await started.ended;
	t.deepEqual([code, err], [0, ""]);
});
