import { join } from "node:path";
import { loadObject } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	configTable,
	encapTable,
	FLOW_PORT,
	protocols,
	signingTable,
	statsRow,
	statsTable,
	TOKEN_SHIFT,
	tokenModes,
	tunnelOptionsTable,
	tunnelTable,
} from "@sluice/maps/tables";
import { datagram, framed } from "@sluice/tunnel/wire";
import { ROUNDS } from "../interleave.js";
import { spread } from "../statistics.js";
import type { Table } from "../table.js";

const object = join(import.meta.dirname, "../../../bpf/dist/pfc_egress_tc.o");
/** Runs in a round, each of a packet of its own: one that is encapsulated is not taken again. */
const RUNS = 3000;
const ENTRIES = 64;

const sid = { service: 1, group: 2 };
const backend = { address: Address.of("10.0.0.9"), port: 90 };
const client = Address.of("192.0.2.1");
const LO = "000000000000";

const send = tokenModes.indexOf("send") << TOKEN_SHIFT;

/** Flags of the tunnel's options, and whether each packet is of another flow. */
const ways: Record<string, { flags: number; flows?: number }> = {
	"by key": { flags: 0 },
	"by key, a source port for each flow": { flags: FLOW_PORT },
	"by token, in the cache": { flags: send },
	// More than the cache holds.
	"by token, made anew": { flags: send, flows: RUNS },
};

/** How a reply proves itself, and what a run of the sending program then takes: the median, with the clock of the kernel in it. */
export async function senderTimes(): Promise<Table> {
	const loaded = loadObject(object, {
		maxEntries: Object.fromEntries(
			[
				...["map_config", "map_tunnel", "map_encap", "map_nat"],
				...["map_tunnel_stats", "map_tunnel_opts", "map_signing"],
			].map((name) => [name, ENTRIES]),
		),
	});
	try {
		const tunnel = 100;
		loaded
			.table(configTable)
			.set(
				{ ifindex: 0, direction: "egress" },
				{ id: 1, flags: 0, name: "node" },
			);
		loaded.table(tunnelTable).set(tunnel, {
			...{ local: Address.of("10.0.0.1"), localPort: 6080 },
			...{ remote: Address.of("10.0.0.2"), remotePort: 6080, lastPing: 0n },
		});
		loaded
			.table(encapTable)
			.set(
				{ ...backend, proto: protocols.udp },
				{ tunnel, sid, key: Buffer.alloc(16, 1) },
			);
		loaded.table(signingTable).set(sid, {
			...{ key: Buffer.alloc(16, 2), challenge: Buffer.alloc(16, 3) },
			flags: 0,
		});
		const options = loaded.table(tunnelOptionsTable);
		const stats = loaded.table(statsTable);
		const program = loaded.program("pfc_egress");
		const encapsulated = () =>
			(stats.get(statsRow("egress", "encapsulated")) ?? []).reduce(
				(a, b) => a + b,
				0n,
			);
		const reply = (port: number) =>
			framed(
				datagram(backend, { address: client, port }, Buffer.alloc(64)),
				LO,
			);
		const rows = Object.keys(ways).map((title) => ({
			title,
			unit: "ns",
			samples: { "a run": [] as number[] },
		}));
		for (let round = 0; round < ROUNDS; round++)
			for (const { title, samples } of rows) {
				const { flags, flows = 1 } = ways[title] as (typeof ways)[string];
				options.set(tunnel, {
					...{ within: Address.of("::"), withinBits: 0, moveAfter: 0, flags },
				});
				const packets = Array.from({ length: flows }, (_, i) =>
					reply(4000 + i),
				);
				const before = encapsulated();
				const times: number[] = [];
				for (let i = 0; i < RUNS; i++) {
					const data = packets[i % flows] as Buffer;
					times.push(program.testRun({ data }).duration);
				}
				if (encapsulated() - before < BigInt(RUNS))
					throw new Error(`${title}: not every packet was encapsulated`);
				samples["a run"].push(spread(times).median);
			}
		return {
			title:
				"tunnel: time of the sending program, by what proves the packet (one run, with the clock in it)",
			columns: ["a run"],
			rows,
		};
	} finally {
		loaded.close();
	}
}
