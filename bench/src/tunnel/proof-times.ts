import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadObject, nanosecondsTai } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	configTable,
	decapTable,
	type Outcome,
	protocols,
	rotationTable,
	signingTable,
	statsRow,
	statsTable,
	TOKEN_SHIFT,
	tokenModes,
	tunnelOptionsTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import {
	datagram,
	flowToken,
	framed,
	gueData,
	guePing,
	sentEpoch,
	signedPing,
} from "@sluice/tunnel/wire";
import { ROUNDS } from "../interleave.js";
import type { Table } from "../table.js";

const object = join(import.meta.dirname, "../../../bpf/dist/pfc_ingress_tc.o");
/** Runs in a round. */
const RUNS = 100_000;
const ENTRIES = 64;

const sid = { service: 1, group: 2 };
const TUNNEL = 100;
const [key, other, signing, otherSigning] = [1, 2, 3, 4].map((byte) =>
	Buffer.alloc(16, byte),
) as [Buffer, Buffer, Buffer, Buffer];
const here = { address: Address.of("10.0.0.1"), port: 6080 };
const there = { address: Address.of("10.0.0.2"), port: 6080 };
const client = { address: Address.of("192.0.2.1"), port: 4000 };
const backend = { address: Address.of("10.0.0.9"), port: 90 };

/** The Ethernet address of lo, where a test run's packet stands. */
const LO = "000000000000";

const arriving = (payload: Buffer) =>
	framed(datagram(there, here, payload), LO);

/**
 * A request to the backend, with a key or a token. It is dropped after its proof was checked, for a congestion mark that its
 * flow does not know: so it stays as it is, and can be run again and again.
 */
function data(field: Buffer): Buffer {
	const inner = datagram(client, backend, Buffer.alloc(64));
	const frame = arriving(gueData({ sid, key: field }, inner));
	const [tos, checksum] = [15, 24];
	frame[tos] = 3;
	frame.writeUInt16BE(frame.readUInt16BE(checksum) - 3, checksum);
	return frame;
}

function token(by: Buffer): Buffer {
	const proto = protocols.udp;
	const flow = {
		source: { ...client, proto },
		destination: { ...backend, proto },
	};
	return data(flowToken(by, sid, flow, sentEpoch(nanosecondsTai())));
}

const ping = (by: Buffer) =>
	arriving(
		signedPing({ sid, key: by, tunnel: TUNNEL, time: nanosecondsTai() }),
	);

/** Each with the outcome that its last run must count. */
const packets: Record<string, [outcome: Outcome, make: () => Buffer]> = {
	"ping by key": ["ping", () => arriving(guePing(TUNNEL, { sid, key }))],
	"signed ping, an old one": ["ping-time", () => ping(signing)],
	"signed ping, wrong MAC": ["ping-mac", () => ping(other)],
	"data by key": ["congestion-lost", () => data(key)],
	"data by a rotation's other key": ["congestion-lost", () => data(other)],
	"data by token, in the cache": ["congestion-lost", () => token(signing)],
	"data by a rotation's other token": [
		"congestion-lost",
		() => token(otherSigning),
	],
	"data, neither key nor token": ["wrong-key", () => data(Buffer.alloc(16, 9))],
};

/** How a ping or packet proves itself, and what a run of the receiving program then takes, up to where the packet would be changed. */
export async function proofTimes(): Promise<Table> {
	const loaded = loadObject(object, {
		maxEntries: Object.fromEntries(
			[
				...["map_config", "map_tunnel", "map_decap", "map_encap", "map_nat"],
				...["map_verify", "map_tunnel_stats", "map_tunnel_opts"],
				...["map_signing", "map_rotation", "map_ping_time"],
			].map((name) => [name, ENTRIES]),
		),
	});
	try {
		const end = (of: typeof here) => ({ ...of, proto: protocols.udp });
		const unused = { packets: 0n, lastPacket: 0n };
		loaded
			.table(configTable)
			.set(
				{ ifindex: 0, direction: "ingress" },
				{ id: 1, flags: 1, name: "node" },
			);
		loaded.table(tunnelTable).set(TUNNEL, {
			...{ local: here.address, localPort: here.port },
			...{ remote: there.address, remotePort: there.port, lastPing: 0n },
		});
		loaded.table(decapTable).set(end(here), 1);
		loaded.table(verifyTable).set(sid, {
			...{ key, tunnel: TUNNEL },
			...{
				proxy: end({ address: Address.of("192.0.2.9"), port: 90 }),
				backend: end(backend),
			},
		});
		loaded
			.table(signingTable)
			.set(sid, { key: signing, challenge: other, flags: 0 });
		loaded.table(rotationTable).set(sid, {
			old: { key, signing, ...unused },
			next: { key: other, signing: otherSigning, ...unused },
		});
		loaded.table(tunnelOptionsTable).set(TUNNEL, {
			...{ within: Address.of("::"), withinBits: 0, moveAfter: 0 },
			flags: tokenModes.indexOf("send") << TOKEN_SHIFT,
		});
		await sleep(20);
		const program = loaded.program("pfc_ingress");
		const stats = loaded.table(statsTable);
		const titles = Object.keys(packets);
		const rows = titles.map((title) => ({
			title,
			unit: "ns",
			samples: { "a run": [] as number[] },
		}));
		for (let round = 0; round < ROUNDS; round++)
			for (const row of rows) {
				const [wanted, make] = packets[row.title] as [Outcome, () => Buffer];
				const packet = make();
				const count = () =>
					(stats.get(statsRow("ingress", wanted)) ?? []).reduce(
						(a, b) => a + b,
						0n,
					);
				const before = count();
				// A ping is new once.
				program.testRun({ data: packet });
				const { duration } = program.testRun({ data: packet, repeat: RUNS });
				if (count() - before < BigInt(RUNS))
					throw new Error(`${row.title}: not every run was ${wanted}`);
				row.samples["a run"].push(duration);
			}
		return {
			title: "tunnel: time of the receiving program, by what proves the packet",
			columns: ["a run"],
			rows,
		};
	} finally {
		loaded.close();
	}
}
