import { Address } from "@sluice/maps/address";
import { TOKEN_SHIFT, tokenModes } from "@sluice/maps/tables";
import { eth } from "../../helpers/packet.js";
import {
	gatewayIngress,
	type PacketCase,
	rx,
	tx,
} from "../../helpers/packet-case.js";
import type { TunnelTables } from "../../helpers/programs.js";
import { tcp4 } from "../services.js";
import { client, far, key, near, port } from "../site.js";

/** Tunnel 100 requires tokens, and its services have no signing key to make them with. */
function required({ options, config }: TunnelTables): void {
	options.set(100, {
		...{ within: Address.of("::"), withinBits: 0, moveAfter: 0 },
		flags: tokenModes.indexOf("require") << TOKEN_SHIFT,
	});
	config.set(
		{ ifindex: 0, direction: "egress" },
		{ id: 2, flags: tx.proxy | tx.snat | tx.fib, name: "gateway" },
	);
}

export const tokens: PacketCase[] = [
	{
		title: "tokens: none can be made without a signing key",
		direction: "egress",
		flags: tx.proxy | tx.snat | tx.fib,
		tables: required,
		input: eth().ipv4(client, tcp4.backend).tcp(40000, 4000),
		outcome: "token",
	},
	{
		title: "tokens: none can be made without a signing key, on the fast path",
		direction: "ingress",
		flags: rx.dnat | rx.fast,
		tables: required,
		onLink: true,
		input: eth().ipv4(client, tcp4.proxy).tcp(40000, 3100),
		verdict: "shot",
		outcome: "dnat",
	},
	{
		title: "tokens: a key is not taken where they are required",
		...gatewayIngress,
		tables: required,
		input: eth()
			.ipv4(far, near)
			.udp(port, port)
			.gue(tcp4, key)
			.ipv4(tcp4.backend, client)
			.tcp(4000, 40000),
		outcome: "token",
	},
];
