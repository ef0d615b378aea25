import { nanosecondsTai } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	type Endpoint,
	FLOW_PORT,
	TOKEN_SHIFT,
	tokenModes,
} from "@sluice/maps/tables";
import type { Random } from "@sluice/testbed";
import { flowToken, sentEpoch } from "@sluice/tunnel/wire";
import { tunnels } from "../packets/site.js";
import type { TunnelTables } from "./programs.js";
import type { ServiceRow } from "./services.js";
import { u16 } from "./wire.js";

/** What stands for a service on the wire: its sid, and its key or a token. */
export const proofOf = (
	{ service, group, key }: ServiceRow,
	token: Buffer = Buffer.from(key),
): Buffer => Buffer.concat([u16(service), u16(group), token]);

const signingKey = ({ service, group }: ServiceRow): Buffer =>
	Buffer.from(`signs ${service} ${group}`.padEnd(16, "."));

/** Options of tunnels, and signing keys, as chance has them: to be written to one or more programs' tables. */
export function randomOptions(
	random: Random,
	services: readonly ServiceRow[],
): (tables: TunnelTables) => void {
	const options = tunnels
		.filter(() => random.below(2) > 0)
		.map(({ id }) => ({
			id,
			flags:
				(random.below(tokenModes.length) << TOKEN_SHIFT) |
				(random.below(2) * FLOW_PORT),
		}));
	const signing = services.filter(() => random.below(4) > 0);
	return (tables) => {
		for (const { id, flags } of options)
			tables.options.set(id, {
				...{ within: Address.of("::"), withinBits: 0, moveAfter: 0, flags },
			});
		for (const row of signing)
			tables.signing.set(
				{ service: row.service, group: row.group },
				{ key: signingKey(row), challenge: Buffer.alloc(16), flags: 0 },
			);
	};
}

/** Packets with valid tokens, which are those of an epoch. */
export interface Tokens {
	/** Packets of the corpus with a token in place of their key. */
	packets: Buffer[];
	/** Sid and token of each. */
	proofs: Buffer[];
}

/** Makes the tokens for a corpus of packets with keys, and again once they are out of date. */
export function tokensFor(
	corpus: readonly Buffer[],
	services: readonly ServiceRow[],
): () => Tokens {
	let made: Tokens;
	let epoch = 0;
	return () => {
		const now = sentEpoch(nanosecondsTai());
		if (now !== epoch) made = makeTokens(corpus, services, now);
		epoch = now;
		return made;
	};
}

function makeTokens(
	corpus: readonly Buffer[],
	services: readonly ServiceRow[],
	epoch: number,
): Tokens {
	const proofs: Buffer[] = [];
	const packets = corpus.flatMap((packet) =>
		services.flatMap((row) => {
			const key = proofOf(row);
			const at = packet.indexOf(key);
			const flow = flowOf(packet.subarray(at + key.length));
			if (at < 0 || !flow) return [];
			const proof = proofOf(row, flowToken(signingKey(row), row, flow, epoch));
			proofs.push(proof);
			const tokened = Buffer.from(packet);
			proof.copy(tokened, at);
			return [tokened];
		}),
	);
	return { packets, proofs };
}

/** The flow of a packet that is TCP or UDP right behind its IP header. */
function flowOf(
	packet: Buffer,
): { source: Endpoint; destination: Endpoint } | undefined {
	const version = (packet[0] ?? 0) >> 4;
	const [proto, from, size, end] =
		version === 4 ? ([9, 12, 4, 20] as const) : ([6, 8, 16, 40] as const);
	if (packet.length < end + 4 || (version === 4 && packet[0] !== 0x45)) return;
	const addressAt = version === 4 ? Address.readIpv4 : Address.read;
	const ends = [0, 1].map((i) => ({
		address: addressAt(packet, from + i * size),
		port: packet.readUInt16BE(end + i * 2),
		proto: packet.readUInt8(proto),
	}));
	return { source: ends[0] as Endpoint, destination: ends[1] as Endpoint };
}
