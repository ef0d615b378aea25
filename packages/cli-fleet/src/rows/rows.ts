import { badInput } from "@sluice/cli-kit";
import { Mistakes } from "@sluice/document";
import {
	API_VERSION,
	type ConfigRow,
	checkTogether,
	configRow,
	type Machine,
	optionFields,
	packedServices,
	packedTunnels,
	Reader,
	serviceRow,
	type TunnelRow,
	tunnelRow,
} from "@sluice/machine";
import { endpointText } from "@sluice/maps/address";
import { flagWords, protocolName, type Sid } from "@sluice/maps/tables";
import { type Service, UNKNOWN } from "@sluice/tunnel";

/**
 * A machine's rows in the store: JSON by key, "tunnels/100", "services/1.2", "keys/1.2", "config/eth0.ingress". The key
 * of a service is a separate row, so that roles may read the others without it.
 */
export type Rows = Map<string, string>;

const sidText = ({ service, group }: Sid) => `${service}.${group}`;

/** The rows of a document. */
export function rowsOf({ config, tunnels, services }: Machine): Rows {
	const rows: Rows = new Map();
	const put = (key: string, value: object) =>
		rows.set(key, JSON.stringify(value));
	for (const row of config)
		put(`config/${row.interface}.${row.direction}`, {
			id: row.config.id,
			flags: flagWords(row.direction, row.config.flags),
			name: row.config.name,
		});
	for (const row of tunnels)
		put(`tunnels/${row.id}`, {
			local: endpointText(row.local, row.localPort),
			remote: row.remote.equals(UNKNOWN)
				? "learned"
				: endpointText(row.remote, row.remotePort),
			...optionFields(row.options),
		});
	for (const service of services) {
		const { sid, proxy, backend, tunnel, key, other, signing } = service;
		put(`services/${sidText(sid)}`, {
			protocol: protocolName(proxy.proto),
			proxy: endpointText(proxy.address, proxy.port),
			backend: endpointText(backend.address, backend.port),
			tunnel,
			...(signing?.required ? { requireSigned: true } : {}),
		});
		const keys = other ? [key, other.key] : [key];
		put(`keys/${sidText(sid)}`, {
			keys: keys.map(keyFields),
			...(signing ? { signingKey: keyFields(signing.key) } : {}),
			...(other?.signing ? { otherSigningKey: keyFields(other.signing) } : {}),
		});
	}
	return rows;
}

const keyFields = (key: Buffer) => ({ hex: key.toString("hex") });

/**
 * The rows as a document's, of all or of some.
 * @param generation of the document
 * @throws Failure usage: rows that are wrong, with their keys
 */
export function machineOf(
	name: string,
	generation: number | undefined,
	rows: Iterable<readonly [string, string]>,
	keyOf: (sid: string) => string | undefined,
): Machine {
	const mistakes = new Mistakes("");
	const reader = new Reader(mistakes);
	const machine: Machine = {
		name,
		generation: generation === undefined ? undefined : BigInt(generation),
		config: [],
		tunnels: packedTunnels(),
		services: packedServices(),
	};
	for (const [key, text] of rows) {
		const row = read(key, text, keyOf, reader);
		if (!row) continue;
		if ("localPort" in row) machine.tunnels.push(row);
		else if ("sid" in row) machine.services.push(row);
		else machine.config.push(row);
	}
	mistakes.throwIfAny();
	return machine;
}

/** As `machineOf`, of all rows, which must belong together. @throws Failure usage */
export function wholeMachine(
	name: string,
	generation: number | undefined,
	rows: Rows,
): Machine {
	const machine = machineOf(name, generation, rows, (sid) =>
		rows.get(`keys/${sid}`),
	);
	const mistakes = new Mistakes("");
	checkTogether(machine, mistakes, () => ({ line: 1, column: 1 }));
	const tunnels = new Set(machine.tunnels.column("id"));
	let i = 0;
	for (const tunnel of machine.services.column("tunnel")) {
		if (!tunnels.has(tunnel))
			mistakes.add(
				[],
				`services/${sidText(machine.services.at(i).sid)}: there is no tunnel ${tunnel}`,
			);
		i++;
	}
	mistakes.throwIfAny();
	return machine;
}

function read(
	key: string,
	text: string,
	keyOf: (sid: string) => string | undefined,
	reader: Reader,
): ConfigRow | TunnelRow | Service | undefined {
	const slash = key.indexOf("/");
	const id = key.slice(slash + 1);
	const kind = id === "" ? "" : key.slice(0, slash);
	if (kind === "keys") return undefined;
	const fields = parsed(key, text);
	switch (kind) {
		case "config": {
			const dot = id.lastIndexOf(".");
			return configRow(
				reader,
				Object.assign(fields, {
					interface: id.slice(0, dot),
					direction: id.slice(dot + 1),
				}),
				[key],
			);
		}
		case "tunnels":
			return tunnelRow(reader, Object.assign(fields, { id: Number(id) }), [
				key,
			]);
		case "services": {
			const secret = keyOf(id);
			const keys = secret === undefined ? {} : parsed(`keys/${id}`, secret);
			return serviceRow(reader, Object.assign(fields, sidOf(id), keys), [key]);
		}
		default:
			throw badInput(`the row "${key}" is of no known kind`);
	}
}

/** The service of "1.2". */
export function sidOf(text: string): Sid {
	const [service = "", group = ""] = text.split(".");
	return { service: Number(service), group: Number(group) };
}

/** A row's own fields; whose link it is, and the step of a rotation, are none of them. @throws Failure usage, without the text, which may be a key */
function parsed(key: string, text: string): Record<string, unknown> {
	let fields: Record<string, unknown> | undefined;
	try {
		fields = JSON.parse(text);
	} catch {
		// Below, as what is JSON, but no mapping.
	}
	if (typeof fields !== "object" || fields === null)
		throw badInput(`${key}: not a mapping in JSON`);
	if (!("link" in fields || "phase" in fields)) return fields;
	const { link: _, phase: __, ...own } = fields;
	return own;
}

/** The link that a row belongs to; such rows stay when the machine's document is pushed. */
export function linkOf(text: string): string | undefined {
	if (!text.includes('"link":')) return undefined;
	return (JSON.parse(text) as { link?: string }).link;
}

/** The rows as a document that can be read again; without keys it cannot be applied. */
export function documentOf(
	name: string,
	generation: number,
	rows: Rows,
	showKeys: boolean,
) {
	const of = (kind: string) =>
		[...rows]
			.filter(([key]) => key.startsWith(`${kind}/`))
			.map(
				([key, text]) =>
					[key.slice(kind.length + 1), parsed(key, text)] as const,
			)
			.sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
	return {
		apiVersion: API_VERSION,
		kind: "Machine",
		metadata: { name, generation },
		config: of("config").map(([id, fields]) => ({
			interface: id.slice(0, id.lastIndexOf(".")),
			direction: id.slice(id.lastIndexOf(".") + 1),
			...fields,
		})),
		tunnels: of("tunnels").map(([id, fields]) => ({
			id: Number(id),
			...fields,
		})),
		services: of("services").map(([id, fields]) => {
			const keys = parsed(`keys/${id}`, rows.get(`keys/${id}`) ?? "{}");
			const hidden = Object.keys(keys).map((name) => [name, "hidden"]);
			return {
				...sidOf(id),
				...fields,
				...(showKeys ? keys : Object.fromEntries(hidden)),
			};
		}),
	};
}
