// Needs root and BPF: runs the loaded programs on packets.
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Direction } from "@sluice/maps/tables";
import { needs, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { type Bench, packetBench } from "../helpers/run-packet.js";
import { empty, program, type ServiceRow } from "../helpers/services.js";

interface Vector {
	name: string;
	direction: Direction;
	frame: string;
	flags?: number;
	expect: {
		action: "ok" | "drop" | "unspec";
		frame?: string;
		tunnel?: { id: number; remote: string | null; port: number };
	};
}

const file = JSON.parse(
	readFileSync(path.join(import.meta.dirname, "../vectors/gue.json"), "utf8"),
);
const tunnels = file.tables.tunnels.map((row: Record<string, unknown>) => ({
	id: row.id,
	local: row.local,
	localPort: row.local_port,
	remote: row.remote ?? "::",
	remotePort: row.remote_port,
}));
const services: ServiceRow[] = file.tables.services.map(
	(row: Record<string, unknown>) => ({
		...row,
		proxyPort: row.proxy_port,
		backendPort: row.backend_port,
	}),
);

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);
let bench: Bench | undefined;

/** Packets made by an independent implementation, held against the loaded programs. */
function follows(t: ExecutionContext, vector: Vector): void {
	bench ??= packetBench();
	const { tables } = bench;
	empty(tables);
	program(tables, tunnels, services);
	tables.config.set(
		{ ifindex: 0, direction: vector.direction },
		{ id: 1, flags: vector.flags ?? 0, name: "vector" },
	);
	bench.forget();

	const run = bench.run(vector.direction, Buffer.from(vector.frame, "hex"));

	const { action, frame, tunnel } = vector.expect;
	t.is(run.verdict, action === "drop" ? "shot" : action);
	t.is(run.outcomes.length, 1);
	if (action !== "drop")
		t.is(run.output.toString("hex"), frame ?? vector.frame);
	if (!tunnel) return;
	const learned = tables.tunnel.get(tunnel.id);
	t.is(String(learned?.remote), tunnel.remote ?? "::");
	t.is(learned?.remotePort, tunnel.port);
}

for (const vector of file.vectors as Vector[])
	bpfTest(`vector: ${vector.name}`, (t) => follows(t, vector));
