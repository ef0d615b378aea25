import { ageText, type Context, fieldsJson, JsonText } from "@sluice/cli-kit";
import { type Address, endpointText } from "@sluice/maps/address";
import {
	type Endpoint,
	protocolName,
	type Tunnel,
	type TunnelOptions,
} from "@sluice/maps/tables";
import {
	isLearned,
	moveDocument,
	sourcePortOf,
	tokenModeOf,
	UNKNOWN,
} from "@sluice/tunnel";

// Lines that scripts rely on: prefix, tabs and field order stay as they are.

export function tunnelLine(id: number, tunnel: Tunnel): string {
	const { local, localPort } = tunnel;
	const from = endpointText(local, localPort);
	return `TUN\t${String(id).padStart(8)}\t${from.padStart(16)} -> ${remoteText(tunnel)}`;
}

/** As `get` prints it: also the origin of the remote and the age of the last ping. */
export const pingedTunnelLine = (
	id: number,
	tunnel: Tunnel,
	now: Now,
	options: TunnelOptions | undefined,
) =>
	[
		tunnelLine(id, tunnel),
		originOf(tunnel, options),
		pingText(tunnel, now),
	].join("\t");

const originOf = (tunnel: Tunnel, options: TunnelOptions | undefined) =>
	isLearned(tunnel, options)
		? "learned"
		: tunnel.remote.equals(UNKNOWN)
			? "unknown"
			: "set";

const pingText = (tunnel: Tunnel, now: Now) =>
	tunnel.lastPing === 0n
		? "no ping"
		: `ping ${ageText(secondsAgo(tunnel.lastPing, now.boot))} ago`;

export const remoteText = ({ remote, remotePort }: Tunnel) =>
	remote.equals(UNKNOWN) ? "0.0.0.0:0" : endpointText(remote, remotePort);

/** What may move a tunnel's far end. */
const moveLine = (id: number, options: TunnelOptions) =>
	`MOVE\t${String(id).padStart(8)}\t${moveWords(options).join("\t")}`;

/** What the packets of a tunnel carry. */
const tokenLine = (id: number, options: TunnelOptions) =>
	`TOKEN\t${String(id).padStart(8)}\t${tokenModeOf(options)}`;

/** Where the source port of a tunnel's packets is from. */
const portLine = (id: number, options: TunnelOptions) =>
	`PORT\t${String(id).padStart(8)}\t${sourcePortOf(options)}`;

/** The lines of a tunnel's options. */
export const optionLines = (id: number, options: TunnelOptions): string[] => [
	...(moveWords(options).length === 0 ? [] : [moveLine(id, options)]),
	...(tokenModeOf(options) === "off" ? [] : [tokenLine(id, options)]),
	...(sourcePortOf(options) === "fixed" ? [] : [portLine(id, options)]),
];

/** "after 30 s", "within 192.0.2.0/24". */
const moveWords = (options: TunnelOptions): string[] => {
	const { after, within } = moveDocument(options);
	return [
		...(after === null
			? []
			: [after === "never" ? "never" : `after ${after} s`]),
		...(within === null ? [] : [`within ${within}`]),
	];
};

/** The options of `set` that say the same. */
export const setOptions = (options: TunnelOptions): string[] => {
	const { after, within } = moveDocument(options);
	const token = tokenModeOf(options);
	const sourcePort = sourcePortOf(options);
	return [
		...(after === null ? [] : [`--move-after=${after}`]),
		...(within === null ? [] : [`--move-within=${within}`]),
		...(token === "off" ? [] : [`--token=${token}`]),
		...(sourcePort === "fixed" ? [] : [`--source-port=${sourcePort}`]),
	];
};

export const decapLine = (endpoint: Endpoint, references: number) =>
	`DECAP\t${protocolName(endpoint.proto)}\t${endpointText(endpoint.address, endpoint.port)}\t${references}`;

/**
 * A tunnel as JSON, written as text, for there may be hundreds of thousands. `remote` is null until the far end is known;
 * `move`, `token`, `sourcePort` and `pathMtu` are left out where there is nothing to say.
 */
export function tunnelJson(
	id: number,
	tunnel: Tunnel,
	now: () => Now,
	options?: TunnelOptions,
	pathMtu?: number,
): JsonText {
	const { local, localPort, remote, remotePort } = tunnel;
	const far = remote.equals(UNKNOWN) ? "null" : endJson(remote, remotePort);
	const more =
		options || pathMtu !== undefined
			? fieldsJson({ ...optionsDocument(options), pathMtu })
			: "";
	return new JsonText(
		`{"id":${id},"local":${endJson(local, localPort)},"remote":${far},${pingJson(tunnel, now)},"learned":${isLearned(tunnel, options)}${more}}`,
	);
}

const endJson = (address: Address, port: number) =>
	`{"address":"${address.toString()}","port":${port}}`;

/** What is other than it is by default: what may move the remote, what packets carry, where their source port is from. */
function optionsDocument(options: TunnelOptions | undefined) {
	if (!options) return {};
	const token = tokenModeOf(options);
	const sourcePort = sourcePortOf(options);
	return {
		move: moveWords(options).length > 0 ? moveDocument(options) : undefined,
		token: token === "off" ? undefined : token,
		sourcePort: sourcePort === "fixed" ? undefined : sourcePort,
	};
}

/** Both clocks, read once for all rows. */
export interface Now {
	/** Nanoseconds since boot. */
	boot: bigint;
	/** Milliseconds since 1970. */
	unix: number;
}

export const nowOf = ({ kernel }: Context): Now => ({
	boot: kernel.nanosecondsSinceBoot(),
	unix: Date.now(),
});

/** To the millisecond; modulo 2^64 ns, so that a time before boot is one, too. */
const secondsAgo = (time: bigint, boot: bigint) =>
	Math.max(
		Number(BigInt.asIntN(64, boot - time) / NANOSECONDS_PER_MILLISECOND),
		0,
	) / 1000;

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

/**
 * `lastPing` is nanoseconds since boot (CLOCK_BOOTTIME), exact for 104 days, then to the microsecond; `lastPingAge` is
 * seconds since then, to the millisecond; `lastPingTime` is ISO 8601 in UTC. All are null where there was no ping.
 */
function pingJson({ lastPing }: Tunnel, now: () => Now): string {
	if (lastPing === 0n)
		return '"lastPing":null,"lastPingAge":null,"lastPingTime":null';
	const { boot, unix } = now();
	const age = secondsAgo(lastPing, boot);
	const time = new Date(unix - 1000 * age).toISOString();
	return `"lastPing":${Number(lastPing)},"lastPingAge":${age},"lastPingTime":"${time}"`;
}

export const remoteDocument = ({ remote, remotePort }: Tunnel) => ({
	address: remote,
	port: remotePort,
});

export const decapDocument = (endpoint: Endpoint, references: number) => ({
	protocol: protocolName(endpoint.proto),
	address: endpoint.address,
	port: endpoint.port,
	references,
});
