import { type Args, badInput, command, values } from "@sluice/cli-kit";
import { Address } from "@sluice/maps/address";
import {
	sourcePorts,
	type TunnelOptions,
	tokenModes,
} from "@sluice/maps/tables";
import {
	addressKind,
	addressKindHere,
	anyMove,
	keylessOfTunnel,
	noFlowPort,
	noPrefix,
	openTunnelTables,
	optionFlags,
	setTunnel,
	type TunnelSpec,
	UNKNOWN,
} from "@sluice/tunnel";
import { nowOf, tunnelJson, tunnelLine } from "../format.js";

export const set = command({
	usage: "set <id> <ip-local> <port-local> <ip-remote> <port-remote>",
	summary: "Create or overwrite a tunnel",
	positionals: {
		id: "Tunnel id, 0 to 4294967295",
		"ip-local": "Address of this end, IPv4 or IPv6",
		"port-local": "UDP port of this end, 1 to 65535",
		"ip-remote": "Address of the far end; 0: learned from its pings",
		"port-remote": "UDP port of the far end; 0 with ip-remote 0",
	},
	options: {
		"reset-remote": {
			type: "boolean",
			describe: "Forget the learned remote",
		},
		"move-after": {
			type: "string",
			value: "seconds|never",
			describe:
				"An unsigned ping moves the far end only after so many seconds without a ping from its present address",
		},
		"move-within": {
			type: "string",
			value: "prefix",
			describe: "No ping moves the far end out of this prefix, 192.0.2.0/24",
		},
		token: {
			type: "string",
			value: "off|accept|send|require",
			describe:
				"A token of the flow in place of the key, made with the signing key, valid for 32 s [default: off]",
		},
		"source-port": {
			type: "string",
			value: "fixed|flow",
			describe:
				"The outer source port: the local port, or one of 49152 to 65535 for each flow, for the far end's receive queues [default: fixed]",
		},
	},
	bulk: "change",
	examples: [
		["set 100 172.1.0.4 6080 172.1.0.9 6080", "Both ends known"],
		["set 100 172.1.0.4 6080 0 0", "The far end is learned from its GUE ping"],
	],
	parse: (args) => ({
		id: values.u32("id", args.text("id")),
		spec: tunnelSpec(args),
		resetRemote: args.flag("reset-remote"),
	}),
	run({ id, spec, resetRemote }, context) {
		const tunnel = context.locked((opener) => {
			const set = setTunnel(openTunnelTables(opener), id, spec, resetRemote);
			const warning = keylessOfTunnel(opener, id, spec.options);
			if (warning) context.warn(warning);
			return set;
		});
		context.print(
			() => [tunnelLine(id, tunnel)],
			() => tunnelJson(id, tunnel, () => nowOf(context)),
		);
	},
});

function tunnelSpec(args: Args): TunnelSpec {
	const local = values.address("ip-local", args.text("ip-local"));
	const localPort = values.integer(
		"port-local",
		args.text("port-local"),
		1,
		65_535,
	);
	const remote = remoteAddress(args.text("ip-remote"));
	const remotePort = values.port("port-remote", args.text("port-remote"));
	const localKind = addressKind(local);
	if (localKind && localKind !== "loopback")
		throw badInput(
			`ip-local must be an address of this machine, got "${args.text("ip-local")}"`,
		);
	if (remote.equals(UNKNOWN) !== (remotePort === 0))
		throw badInput(
			`ip-remote and port-remote must both be 0 or neither, got "${args.text("ip-remote")}" and "${args.text("port-remote")}"`,
		);
	if (!remote.equals(UNKNOWN) && remote.isIpv4 !== local.isIpv4)
		throw badInput(
			`ip-local and ip-remote must be of one family, got "${args.text("ip-local")}" and "${args.text("ip-remote")}"`,
		);
	const kind = remote.equals(UNKNOWN) ? undefined : addressKindHere(remote);
	if (kind)
		throw badInput(
			`ip-remote must be an address of another machine, got "${args.text("ip-remote")}", ${kinds[kind]}`,
		);
	return {
		...{ local, localPort, remote, remotePort },
		options: tunnelOptions(args, local, remote),
	};
}

/** Undefined: no ping is held back, packets carry keys, and the source port is fixed. */
function tunnelOptions(
	args: Args,
	local: Address,
	remote: Address,
): TunnelOptions | undefined {
	const after = args.optional("move-after");
	const within = args.optional("move-within");
	const token = values.word(
		"token",
		args.optional("token") ?? "off",
		tokenModes,
	);
	const sourcePort = values.word(
		"source-port",
		args.optional("source-port") ?? "fixed",
		sourcePorts,
	);
	const flags = optionFlags(token, sourcePort);
	if (after === undefined && within === undefined && flags === 0)
		return undefined;
	const options = {
		...anyMove,
		flags,
		...(within === undefined ? {} : values.prefix("move-within", within)),
		...(after === undefined
			? {}
			: { moveAfter: values.moveAfter("move-after", after) }),
	};
	const reason =
		sourcePort === "flow" ? noFlowPort({ remote, options }) : undefined;
	if (reason) throw badInput(`source-port ${reason}, got "flow"`);
	const unfit = noPrefix(local, options);
	if (unfit) throw badInput(`move-within ${unfit}, got "${within}"`);
	return options;
}

const kinds = {
	unspecified: "the unspecified address",
	multicast: "a multicast address",
	broadcast: "a broadcast address",
	loopback: "a loopback address",
	own: "an address of this machine",
} as const;

function remoteAddress(text: string): Address {
	if (text === "0") return UNKNOWN;
	const address = values.address("ip-remote", text);
	return address.equals(anyIpv4) ? UNKNOWN : address;
}

const anyIpv4 = Address.of("0.0.0.0");
