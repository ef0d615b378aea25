import {
	type Args,
	badInput,
	type Context,
	command,
	type Env,
	Failure,
	values,
} from "@sluice/cli-kit";
import { readKeyFile } from "@sluice/document";
import type { Address } from "@sluice/maps/address";
import type { Table } from "@sluice/maps/table";
import {
	decapTable,
	type Endpoint,
	protocols,
	type Sid,
	tunnelTable,
} from "@sluice/maps/tables";
import {
	addressKind,
	type Conflict,
	conflicts,
	dataKey,
	deleteService,
	endpointName,
	isInTheWay,
	keylessService,
	keysFromSigning,
	type Opener,
	type OtherKeys,
	openServiceTables,
	type Service,
	type ServiceTables,
	type SigningKey,
	sameEndpoint,
	setService,
} from "@sluice/tunnel";
import { serviceJson, verifyLine } from "../format.js";
import {
	keysShown,
	showKeysOption,
	sidOf,
	sidPositionals,
} from "./arguments.js";

export const set = command({
	usage:
		"set <service-id> <group-id> <proto> <ip-proxy> <port-proxy> <ip-ep> <port-ep> <tunnel-id> [<key>]",
	summary: "Create or overwrite a service",
	positionals: {
		...sidPositionals,
		proto: "tcp or udp",
		"ip-proxy": "Address that clients know, IPv4 or IPv6",
		"port-proxy": "Port that clients know, 1 to 65535",
		"ip-ep": "Address of the backend",
		"port-ep": "Port of the backend, 1 to 65535",
		"tunnel-id": "Tunnel that carries it",
		key: "Up to 16 bytes of text, or 16 bytes as hex:DIGITS or base64:TEXT; after -- if it begins with a dash",
	},
	options: {
		"key-file": {
			type: "string",
			value: "file",
			describe:
				"Read the key from a file, - for standard input; any user can read arguments",
		},
		"signing-key": {
			type: "string",
			value: "key",
			describe:
				"Sign the pings of the tunnel with this key, which is never sent; without <key>, the key of the packets is derived from it",
		},
		"signing-key-file": {
			type: "string",
			value: "file",
			describe: "The signing key in a file, - for standard input",
		},
		"require-signed": {
			type: "boolean",
			describe: "Refuse unsigned pings",
		},
		"next-key": {
			type: "string",
			value: "key",
			describe:
				"Accept this key as well, as after rotate --prepare; with --signing-key it is a signing key",
		},
		"old-key": {
			type: "string",
			value: "key",
			describe: "The same as after rotate --switch",
		},
		force: {
			type: "boolean",
			describe:
				"Delete other services that have an endpoint of this one; allow a loopback address",
		},
		"show-keys": showKeysOption,
	},
	bulk: "change",
	examples: [
		[
			"set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 'Pa55w0rd1234567'",
			"Carry 5.5.5.5:3100 to 1.1.1.1:4000 through tunnel 100",
		],
	],
	parse: (args, env) => ({
		service: serviceOf(args, env),
		force: args.flag("force"),
		showKeys: args.flag("show-keys"),
	}),
	run({ service, force, showKeys }, context) {
		context.locked((opener) => {
			const tables = openServiceTables(opener);
			refuseTunnelEnds(context, service);
			const inTheWay = conflicts(tables, service);
			if (force) takeOver(tables, inTheWay, context);
			setService(tables, service);
			// Later lines of a batch may move the other service away.
			if (!force && inTheWay.length > 0)
				context.atEnd(() => refuse(tables, service, inTheWay));
			const warning = keylessService(opener, service);
			if (warning) context.warn(warning);
		});
		context.print(
			() => [verifyLine(service, keysShown(showKeys, context))],
			() => serviceJson(service, keysShown(showKeys, context)),
		);
	},
});

function serviceOf(args: Args, env: Env): Service {
	const sid = sidOf(args);
	const proto = protocols[values.protocol("proto", args.text("proto"))];
	const endpoint = (ip: string, port: string): Endpoint => ({
		address: values.address(ip, args.text(ip)),
		port: values.integer(port, args.text(port), 1, 65_535),
		proto,
	});
	const proxy = endpoint("ip-proxy", "port-proxy");
	const backend = endpoint("ip-ep", "port-ep");
	for (const [name, { address }] of [
		["ip-proxy", proxy],
		["ip-ep", backend],
	] as const)
		refuseKind(name, address, args.flag("force"));
	if (sameEndpoint(proxy, backend))
		throw badInput(`proxy and backend are the same, (${endpointName(proxy)})`);
	if (proxy.address.isIpv4 !== backend.address.isIpv4)
		throw badInput("ip-proxy and ip-ep must be of one family");
	const tunnel = values.u32("tunnel-id", args.text("tunnel-id"));
	const signing = signingKeyOf(args, env);
	const key = keyOf(args, env, signing && dataKey(signing.key, sid));
	const other = otherKeyOf(args, sid, key, signing);
	return { sid, proxy, backend, tunnel, key, other, signing };
}

/** Undefined: none. */
function signingKeyOf(args: Args, env: Env): SigningKey | undefined {
	const typed = args.optional("signing-key");
	const file = args.optional("signing-key-file");
	const required = args.flag("require-signed");
	if (typed !== undefined && file !== undefined)
		throw badInput("give --signing-key or --signing-key-file, not both");
	const text =
		typed ??
		(file === undefined
			? undefined
			: readKeyFile("signing-key-file", file, env));
	if (text === undefined) {
		if (required) throw badInput("--require-signed needs a --signing-key");
		return undefined;
	}
	return { key: values.signingKey("signing-key", text), required };
}

/** The key of a rotation that the service does not send. */
function otherKeyOf(
	args: Args,
	sid: Sid,
	own: Buffer,
	signing: SigningKey | undefined,
): OtherKeys | undefined {
	const next = args.optional("next-key");
	const old = args.optional("old-key");
	if (next !== undefined && old !== undefined)
		throw badInput("give --next-key or --old-key, not both");
	const name = next === undefined ? "old-key" : "next-key";
	const text = next ?? old;
	if (text === undefined) return undefined;
	const typed = signing
		? values.signingKey(name, text)
		: values.key(name, text);
	const keys = signing ? keysFromSigning(typed, sid) : { key: typed };
	if (keys.key.equals(own)) throw badInput(`${name} and key are the same`);
	return { ...keys, phase: next === undefined ? "switched" : "prepared" };
}

function refuseKind(name: string, address: Address, force: boolean): void {
	const kind = addressKind(address);
	if (!kind || (kind === "loopback" && force)) return;
	throw badInput(
		`${name} must be the address of one host, got "${address}", ${kind}`,
		kind === "loopback" ? "--force allows a loopback address" : undefined,
	);
}

/**
 * What is sent to the end of a tunnel is taken for tunnel traffic, so no service is reached there.
 * @throws Failure bad input
 */
function refuseTunnelEnds(opener: Opener, service: Service): void {
	const { proxy, backend, tunnel } = service;
	if (proxy.proto !== protocols.udp) return;
	const open = <K, V>(table: Table<K, V>) =>
		opener.openTable(table, { readOnly: true });
	const row = open(tunnelTable).get(tunnel);
	for (const [role, end] of [
		["proxy", proxy],
		["backend", backend],
	] as const) {
		if (open(decapTable).get(end))
			throw badInput(
				`the ${role}, (${endpointName(end)}), is the local endpoint of a tunnel`,
			);
		if (row?.remote.equals(end.address) && row.remotePort === end.port)
			throw badInput(
				`the ${role}, (${endpointName(end)}), is the far end of tunnel ${tunnel}`,
			);
	}
}

function keyOf(args: Args, env: Env, derived: Buffer | undefined): Buffer {
	const typed = args.optional("key");
	const file = args.optional("key-file");
	if (typed !== undefined && file !== undefined)
		throw badInput("give key or --key-file, not both");
	if (typed !== undefined) return values.key("key", typed);
	if (file !== undefined)
		return values.key("key", readKeyFile("key-file", file, env));
	if (derived) return derived;
	throw badInput("key is missing: give it after tunnel-id, or by --key-file");
}

const what = ({ role, endpoint }: Conflict) =>
	`${role} ${endpointName(endpoint)}`;
const whose = ({ holder }: Conflict) =>
	`service ${holder.service} ${holder.group}`;

/** @throws Failure where another service still has an endpoint of this one */
function refuse(
	tables: ServiceTables,
	{ sid }: Service,
	inTheWay: readonly Conflict[],
): void {
	const service = tables.verify.get(sid);
	const first = inTheWay.find(
		(one) =>
			isInTheWay(tables, one) &&
			sameEndpoint(service?.[one.role], one.endpoint),
	);
	if (first)
		throw new Failure("failed", `${what(first)} belongs to ${whose(first)}`, {
			code: "CONFLICT",
			hint: "delete it first or use --force",
		});
}

/** Deletes conflicting services, and prints a note. */
function takeOver(
	tables: ServiceTables,
	inTheWay: readonly Conflict[],
	context: Context,
): void {
	for (const one of inTheWay) {
		deleteService(tables, one.holder);
		context.warn(`${what(one)} taken over: deleted ${whose(one)}`);
	}
}
