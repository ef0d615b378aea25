import { execFileSync } from "node:child_process";
import { setImmediate } from "node:timers/promises";
import {
	type PinnedTables,
	session,
	withTables,
} from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	encapTable,
	eventsLostTable,
	natTable,
	verifyTable,
} from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";
import { dumping, SKB_SIZE, writeEvents } from "../helpers/dumping.js";
import { datagram6, ping, tunnelled } from "../helpers/packets.js";

const it = withTables(test);

it("dump shows packets as they come, before and after", async (t, tables) => {
	const { code, out, err } = await dumping(tables, "dump --count 3", () =>
		writeEvents(tables, [
			{ data: tunnelled },
			{ data: ping, outcome: "ping-learned" },
			{ data: datagram6, direction: "egress", outcome: "no-tunnel" },
		]),
	);
	t.deepEqual(
		out
			.split("\n")
			.map((line) => line.replace(/\t[\d:]{8}\.\d{6}\t/, "\tTIME\t")),
		[
			"PKT\tTIME\tlo\tIngress\tbefore\t-\t106\t10.0.0.2:6080 > 10.0.0.1:6080 udp 64 bytes | gue service 1 2 | 1.1.1.1:4000 > 192.0.2.9:33000 tcp S. 0 bytes",
			"PKT\tTIME\tlo\tIngress\tafter\tping-learned\t70\t10.0.0.2:40001 > 10.0.0.1:6080 udp 28 bytes | gue ping service 1 2 tunnel 100",
			"PKT\tTIME\tlo\tEgress\tafter\tno-tunnel\t66\t[2001:db8::1]:53 > [2001:db8::2]:5353 udp 4 bytes",
			"",
		],
	);
	t.deepEqual([code, err], [0, "cli_cfg: dump: 3 shown\n"]);
});

/** Service 1 2 of tunnel 100, whose backend is the source in `tunnelled`. */
function setService(tables: PinnedTables) {
	const backend = { address: Address.of("1.1.1.1"), port: 4000, proto: 6 };
	const proxy = { address: Address.of("5.5.5.5"), port: 3100, proto: 6 };
	const sid = { service: 1, group: 2 };
	const key = Buffer.alloc(16);
	tables.open(verifyTable).set(sid, { key, tunnel: 100, proxy, backend });
	tables.open(encapTable).set(backend, { key, tunnel: 100, sid });
	tables.open(natTable).set(proxy, backend);
}

for (const [filter, shown] of [
	["--service 1,2", [ping, tunnelled]],
	["--tunnel 100", [ping, tunnelled]],
	["--client 192.0.2.9", [tunnelled]],
	["--direction ingress", [ping, tunnelled]],
	["--reason no-config,PING-learned", [ping]],
	["--tunnel 100 --client 192.0.2.9", [tunnelled]],
] as const)
	it(`dump ${filter} shows these packets only`, async (t, tables) => {
		setService(tables);
		const { out } = await dumping(
			tables,
			`dump --json ${filter} --count ${shown.length}`,
			() =>
				writeEvents(tables, [
					{ data: datagram6, direction: "egress", outcome: "no-tunnel" },
					{ data: ping, outcome: "ping-learned" },
					{ data: tunnelled },
				]),
		);
		t.deepEqual(
			out
				.trimEnd()
				.split("\n")
				.map((line) => JSON.parse(line).length),
			shown.map(({ length }) => length),
		);
	});

it("dump refuses a filter that is none", (t, tables) =>
	session(
		t,
		tables,
		cli,
		[
			["--service 1", 'service must be SERVICE,GROUP, got "1"'],
			["--client x", 'client must be an IPv4 or IPv6 address, got "x"'],
			["--direction up", 'direction must be ingress or egress, got "up"'],
			[
				"--reason drop",
				'reason must be one of no-config, not-ip, not-ours …, got "drop"; see cli_cfg stats --all',
			],
		].map(([words, message]) => ({
			type: `dump ${words}`,
			code: 2,
			err: `cli_cfg: dump: ${message}\n`,
		})),
	));

it("dump --json is one document a line", async (t, tables) => {
	const before = Date.now();
	const { code, out, err } = await dumping(
		tables,
		"dump --count 2 --json",
		() =>
			writeEvents(tables, [
				{ data: ping },
				{ data: ping, outcome: "wrong-key" },
			]),
	);
	const [first, second, ...rest] = out
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));
	t.deepEqual(rest, []);
	const { time, layers, ...event } = first;
	t.deepEqual(event, {
		id: "9",
		interface: "lo",
		ifindex: 1,
		direction: "ingress",
		config: 7,
		stage: "before",
		outcome: null,
		length: 70,
		captured: 70,
		cut: false,
	});
	const [drift] = [Date.parse(time) - before];
	t.true(drift > -1000 && drift < 60_000, `${time} is not now`);
	t.deepEqual(layers[2], {
		layer: "gue",
		control: "ping",
		service: 1,
		group: 2,
		tunnel: 100,
	});
	t.like(second, { stage: "after", outcome: "wrong-key" });
	t.deepEqual([code, err], [0, ""]);
});

it("dump leaves out what came before it, and ends when it is stopped", async (t, tables) => {
	writeEvents(tables, [{ data: ping }, { data: ping }]);
	let seen = false;
	const stop = new AbortController();
	const ended = await dumping(
		tables,
		"dump --json",
		async () => {
			writeEvents(tables, [{ data: datagram6 }]);
			while (!seen) await setImmediate();
			stop.abort();
		},
		{
			stopped: stop.signal,
			out: () => {
				seen = true;
			},
		},
	);
	t.is(ended.code, 0);
	t.is(ended.out.trimEnd().split("\n").length, 1);
	t.is(JSON.parse(ended.out).length, datagram6.length);
});

it("dump shows a long packet's beginning and prints its length", async (t, tables) => {
	const data = Buffer.concat([datagram6, Buffer.alloc(3000)]);
	const { out } = await dumping(tables, "dump --count 1 --json", () =>
		writeEvents(tables, [{ data }]),
	);
	t.like(JSON.parse(out), { length: 3066, captured: 2048 });
});

for (const [line, expected] of [
	[
		"dump --count 1",
		"cli_cfg: dump: 42 lost: too many to keep up\ncli_cfg: dump: 1 shown\n",
	],
	["dump --count 1 --json", '{"lost":42}\n'],
] as const)
	it(`${line} prints how many packets were lost meanwhile`, async (t, tables) => {
		const lost = tables.open(eventsLostTable);
		const everyCpu = (first: bigint) => [
			first,
			...Array.from({ length: possibleCpus() - 1 }, () => 3n),
		];
		lost.set(0, everyCpu(100n));
		const { err } = await dumping(tables, line, () => {
			lost.set(0, everyCpu(142n));
			writeEvents(tables, [{ data: ping }]);
		});
		t.is(err, expected);
	});

it("a second dump is refused while one reads", async (t, tables) => {
	await dumping(tables, "dump --count 1", async () => {
		t.deepEqual(await tables.run(cli, "dump"), {
			code: 1,
			out: "",
			err: "cli_cfg: dump: another process reads the packets; end the other cli_cfg dump first\n",
		});
		writeEvents(tables, [{ data: ping }]);
	});
	const again = await dumping(tables, "dump --count 1 --json", () =>
		writeEvents(tables, [{ data: ping }]),
	);
	t.is(again.code, 0);
});

it("a dump does not keep writers waiting", async (t, tables) => {
	await dumping(tables, "dump --count 1", async () => {
		t.is((await tables.run(cli, "set 0 1 dump node")).code, 0);
		writeEvents(tables, [{ data: ping }]);
	});
});

it("what cannot be printed ends a dump", async (t, tables) => {
	const { code, err } = await dumping(
		tables,
		"dump",
		() => writeEvents(tables, [{ data: ping }, { data: ping }]),
		{
			out: () => {
				throw new Error("the printer is on fire");
			},
		},
	);
	t.is(code, 1);
	t.regex(err, /the printer is on fire/);
});

it("dump refuses a count that is none", async (t, tables) => {
	t.deepEqual(await tables.run(cli, "dump --count 0"), {
		code: 2,
		out: "",
		err: 'cli_cfg: dump: count must be an integer from 1 to 4294967295, got "0"\n',
	});
});

it("an interface that is gone is shown by its number", async (t, tables) => {
	execFileSync("ip", ["link", "add", "gone0", "type", "veth"]);
	const skb = Buffer.alloc(SKB_SIZE);
	const { interfaceIndex } = await import("@sluice/maps");
	const index = interfaceIndex("gone0") as number;
	skb.writeUInt32LE(index, 40);
	const { out } = await dumping(tables, "dump --count 1", () => {
		tables.object.program("snapshot").testRun({ data: ping, context: skb });
		execFileSync("ip", ["link", "delete", "gone0"]);
	});
	t.is(out.split("\t")[2], `if${index}`);
});
