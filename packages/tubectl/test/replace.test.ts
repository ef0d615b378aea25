// Needs root: changes of many bindings under traffic.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fixture, Random } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { kernelTest, ownDispatcher } from "./helpers/own-host.js";
import { type Listed, winner } from "./helpers/reference.js";
import { greeter, greeting } from "./helpers/servers.js";
import { must, objects } from "./helpers/tubectl.js";

const directory = mkdtempSync(join(tmpdir(), "replace-"));

ownDispatcher();
test.after.always(() => rmSync(directory, { recursive: true }));

const LABELS = ["a", "b", "c", "d"];
const PREFIXES = [
	"127.8.0.0/16",
	"127.8.1.0/24",
	"127.8.1.1/32",
	"127.8.2.0/24",
];
const PORTS = [0, 80];
/** Where connections are made to. */
const packets = ["127.8.0.1", "127.8.1.1", "127.8.1.2", "127.8.2.1"].flatMap(
	(address) =>
		[80, 81].map((port) => ({ protocol: "tcp" as const, address, port })),
);

/** Bindings that no connection matches: writing them takes time, in which a wrong order shows. */
const filler = Array.from({ length: 40_000 }, (_, i) => ({
	label: "filler",
	prefix: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}/${i % 2 ? 32 : 24}`,
	port: i % 3 ? 80 : 0,
})).filter(
	({ prefix }) => prefix.endsWith("/32") || /^10\.\d+\.\d+\.0\//.test(prefix),
);

/** For every prefix and port a label by chance, or none. */
function someBindings(random: Random): Listed[] {
	return PREFIXES.flatMap((prefix) =>
		PORTS.flatMap((port) => {
			const label = LABELS[random.below(LABELS.length + 2)];
			return label ? [{ label, protocol: "tcp", prefix, port }] : [];
		}),
	);
}

/** Both kinds of file that make the bindings equal to a list, with the command that reads each. */
const formats = {
	"load-bindings": (bindings: readonly Omit<Listed, "protocol">[]) =>
		JSON.stringify({
			bindings: bindings.map(({ label, prefix, port }) => ({
				label,
				prefix,
				port,
			})),
		}),
	restore: (bindings: readonly Omit<Listed, "protocol">[]) =>
		bindings
			.map(({ label, prefix, port }) => `bind ${label} tcp ${prefix} ${port}`)
			.join("\n"),
};

/** Runs the command in a process of its own, and connects all the while. */
async function connectDuring(
	t: ExecutionContext,
	command: keyof typeof formats,
	file: string,
	expected: (packet: (typeof packets)[number]) => string[],
): Promise<void> {
	const child = spawn(
		...fixture("commands", JSON.stringify([[command, file]])),
		{ env: { ...process.env, SLUICE_BPF_DIR: objects }, stdio: "inherit" },
	);
	let ended = false;
	const exit = once(child, "exit").then(([code]) => {
		ended = true;
		t.is(code, 0);
	});
	while (!ended)
		for (const packet of packets) {
			const got = await greeting(packet.address, packet.port);
			const right = expected(packet);
			if (!right.includes(got))
				t.fail(`${packet.address}:${packet.port} got ${got}, not ${right}`);
		}
	await exit;
}

for (const [command, seed] of [
	["load-bindings", 1],
	["load-bindings", 2],
	["restore", 3],
] as const)
	kernelTest(
		`During ${command} (${seed}) each connection goes where it went before or where it goes afterwards`,
		async (t) => {
			const random = new Random(seed);
			for (const label of LABELS) {
				const { port } = await greeter(t, label);
				const us = String(process.pid);
				await must(
					...["register-pid", us, label, "tcp"],
					...["127.0.0.1", String(port)],
				);
			}
			let before: Listed[] = [];
			for (let round = 0; round < 4; round++) {
				const after = someBindings(random);
				const file = join(directory, "bindings");
				// Added in one round and removed in the next.
				const all = round % 2 === 0 ? [...after, ...filler] : after;
				writeFileSync(file, formats[command](shuffled(all, random)));
				await connectDuring(t, command, file, (packet) =>
					[before, after].map(
						(bindings) => winner(bindings, packet)?.label ?? "ECONNREFUSED",
					),
				);
				before = after;
			}
		},
	);

/** In an order by chance, so that the file's order is not the right one. */
function shuffled<T>(list: T[], random: Random): T[] {
	const copy = [...list];
	for (let i = copy.length - 1; i > 0; i--) {
		const j = random.below(i + 1);
		[copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
	}
	return copy;
}
