import type { Context } from "@sluice/cli-kit";
import { endpointText } from "@sluice/maps/address";
import {
	configTable,
	flagWords,
	protocolName,
	rotationTable,
	type Signing,
	signingFlags,
	signingTable,
	type TunnelOptions,
	tunnelOptionsTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import {
	isLearned,
	keysOf,
	moveDocument,
	otherKey,
	rankOfConfig,
	rankOfSid,
	sourcePortOf,
	tokenModeOf,
	UNKNOWN,
} from "@sluice/tunnel";
import { EVERY } from "../machine.js";
import { type Only, ownsService, ownsTunnel } from "../only.js";
import { API_VERSION, KIND, LEARNED } from "./words.js";

/** The kernel's tables as a document's rows, each a mapping. */
interface DocumentRows {
	config: DocumentRow[];
	tunnels: DocumentRow[];
	services: DocumentRow[];
}

type DocumentRow = Readonly<Record<string, unknown>>;

/** @param showKeys whether keys are in it, without which it cannot be applied */
export function rowsOfMachine(
	context: Context,
	only: Only,
	showKeys: boolean,
): DocumentRows {
	const rows: DocumentRows = { config: [], tunnels: [], services: [] };
	const readOnly = { readOnly: true };
	if (only.config)
		context
			.openTable(configTable, readOnly)
			.forEach(({ ifindex, direction }, { id, flags, name }) => {
				const interfaceName =
					ifindex === 0 ? EVERY : context.kernel.interfaceName(ifindex);
				// Rows of deleted interfaces are omitted.
				if (interfaceName === undefined) return;
				rows.config.push({
					interface: interfaceName,
					direction,
					id,
					flags: flagWords(direction, flags),
					name,
				});
			}, rankOfConfig);
	const options = new Map(
		context.openTable(tunnelOptionsTable, readOnly).entries(),
	);
	context.openTable(tunnelTable, readOnly).forEach(
		(id, { local, localPort, remote, remotePort, lastPing }) => {
			if (!ownsTunnel(only, id)) return;
			const row = options.get(id);
			rows.tunnels.push({
				id,
				local: endpointText(local, localPort),
				remote:
					remote.equals(UNKNOWN) || isLearned({ remote, lastPing }, row)
						? LEARNED
						: endpointText(remote, remotePort),
				...optionFields(row),
			});
		},
		(id) => id,
	);
	const rotations = new Map(
		[...context.openTable(rotationTable, readOnly).entries()].map(
			([sid, row]) => [rankOfSid(sid), row],
		),
	);
	const signings = new Map(
		[...context.openTable(signingTable, readOnly).entries()].map(
			([sid, row]) => [rankOfSid(sid), row],
		),
	);
	context.openTable(verifyTable, readOnly).forEach((sid, verify) => {
		if (!ownsService(only, sid.service)) return;
		const { proxy, backend, tunnel, key } = verify;
		const rotation = rotations.get(rankOfSid(sid));
		const other = rotation && keysOf(otherKey(verify, rotation));
		const keys = other ? [key, other.key] : [key];
		rows.services.push({
			service: sid.service,
			group: sid.group,
			protocol: protocolName(proxy.proto),
			proxy: endpointText(proxy.address, proxy.port),
			backend: endpointText(backend.address, backend.port),
			tunnel,
			keys: showKeys ? keys.map(keyRow) : "hidden",
			...signingRow(signings.get(rankOfSid(sid)), other?.signing, showKeys),
		});
	}, rankOfSid);
	return rows;
}

/** A tunnel's fields of its options; none: any ping moves its far end, packets carry keys, and the source port is fixed. */
export function optionFields(options: TunnelOptions | undefined): DocumentRow {
	if (!options) return {};
	const { after, within } = moveDocument(options);
	const token = tokenModeOf(options);
	const sourcePort = sourcePortOf(options);
	return {
		...(after === null ? {} : { moveAfter: after }),
		...(within === null ? {} : { moveWithin: within }),
		...(token === "off" ? {} : { token }),
		...(sourcePort === "fixed" ? {} : { sourcePort }),
	};
}

const signingRow = (
	signing: Signing | undefined,
	other: Buffer | undefined,
	showKeys: boolean,
): DocumentRow =>
	signing
		? {
				signingKey: showKeys ? keyRow(signing.key) : "hidden",
				...(other
					? { otherSigningKey: showKeys ? keyRow(other) : "hidden" }
					: {}),
				...(signing.flags & signingFlags.required
					? { requireSigned: true }
					: {}),
			}
		: {};

/** A key as text where it is printable, else in hex. */
function keyRow(key: Buffer): DocumentRow {
	const used = key.subarray(0, key.findLastIndex((byte) => byte !== 0) + 1);
	const text = used.toString("latin1");
	return /^[\x20-\x7e]+$/.test(text) && !/^(hex|base64):/.test(text)
		? { text }
		: { hex: key.toString("hex") };
}

/** The document as data. */
export const documentOf = (
	rows: DocumentRows,
	name: string,
	generation: bigint,
) => ({
	apiVersion: API_VERSION,
	kind: KIND,
	metadata: { name, generation },
	...rows,
});

/** The document in YAML, a line a row. */
export function yamlLines(
	rows: DocumentRows,
	name: string,
	generation: bigint,
): string[] {
	return [
		`apiVersion: ${API_VERSION}`,
		`kind: ${KIND}`,
		`metadata: { name: ${name}, generation: ${generation} }`,
		...Object.entries(rows).flatMap(([key, list]: [string, DocumentRow[]]) =>
			list.length === 0
				? [`${key}: []`]
				: [`${key}:`, ...list.map((row) => `  - ${flow(row)}`)],
		),
	];
}

/** JSON is YAML: mappings and texts are written as in JSON, with spaces. */
function flow(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
	if (typeof value === "object" && value !== null)
		return `{ ${Object.entries(value)
			.map(([key, one]) => `${key}: ${flow(one)}`)
			.join(", ")} }`;
	return typeof value === "string" && !PLAIN.test(value)
		? JSON.stringify(value)
		: String(value);
}

/** Words that YAML reads as text, and nothing else. */
const PLAIN = /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z][a-z-]*$/;
