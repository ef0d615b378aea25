import { session, withTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import {
	encapTable,
	natTable,
	pingTimeTable,
	signingTable,
	tunnelOptionsTable,
	verifyTable,
} from "@sluice/maps/tables";
import { anyMove } from "@sluice/tunnel";
import test from "ava";
import { cli } from "../../src/cli.js";
import { setTunnel } from "../helpers/tunnel.js";

const it = withTables(test);
const end = (text: string, proto = 6) => {
	const [address, port] = text.split(":") as [string, string];
	return { address: Address.of(address), port: Number(port), proto };
};
const proxy = end("5.5.5.5:3100");
const backend = end("1.1.1.1:4000");
const service = "set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 x";

it("check finds what does not belong together, and --repair mends it", async (t, tables) => {
	setTunnel(tables, 100);
	await tables.run(cli, service);
	const nobody = { service: 9, group: 9 };
	const secret = Buffer.alloc(16, 1);
	const signing = { key: secret, challenge: secret, flags: 0 };
	const sound = { type: "check", out: "0 findings\n" };
	await session(t, tables, cli, [
		sound,
		{ type: "check --json", out: '{"findings":[]}\n' },
	]);
	const encap = tables.open(encapTable);
	const nat = tables.open(natTable);
	const whole = encap.get(backend);
	if (!whole) return t.fail();
	for (const [damage, code, message] of [
		[
			() => encap.delete(backend),
			"ENCAP_MISSING",
			"service 1 2: the ENCAP row of (tcp 1.1.1.1:4000) is missing",
		],
		[
			() => encap.set(backend, { ...whole, key: Buffer.from("y") }),
			"ENCAP_DIFFERS",
			"service 1 2: the ENCAP row of (tcp 1.1.1.1:4000) is not its own",
		],
		[
			() => nat.delete(proxy),
			"NAT_MISSING",
			"service 1 2: the NAT row of (tcp 5.5.5.5:3100) is missing",
		],
		[
			() => nat.set(proxy, end("9.9.9.9:9")),
			"NAT_DIFFERS",
			"service 1 2: the NAT row of (tcp 5.5.5.5:3100) leads to (tcp 9.9.9.9:9), not (tcp 1.1.1.1:4000)",
		],
		[
			() => encap.set(end("7.7.7.7:7", 17), whole),
			"ENCAP_STRAY",
			"the ENCAP row of (udp 7.7.7.7:7) belongs to no service",
		],
		[
			() => nat.set(end("7.7.7.7:7"), backend),
			"NAT_STRAY",
			"the NAT row (tcp 7.7.7.7:7) -> (tcp 1.1.1.1:4000) belongs to no service",
		],
		[
			() => tables.open(signingTable).set(nobody, signing),
			"SIGNING_STRAY",
			"service 9 9: it has a signing key, but there is no such service",
		],
		[
			() => tables.open(tunnelOptionsTable).set(7, anyMove),
			"OPTIONS_STRAY",
			"tunnel 7: it has options, but there is no such tunnel",
		],
		[
			() => tables.open(pingTimeTable).set(7, { time: 1n }),
			"PING_TIME_STRAY",
			"tunnel 7: it has the time of a signed ping, but there is no such tunnel",
		],
	] as const) {
		damage();
		await session(t, tables, cli, [
			{
				type: "check",
				code: 1,
				out: `${code}\t${message}\n1 finding\n`,
				err: "cli_service: check: 1 finding not repaired; see what --repair can mend\n",
			},
			{
				type: "check --repair --json",
				out: `${JSON.stringify({ findings: [{ code, message, repaired: true }] })}\n`,
			},
			sound,
		]);
	}
});

it("check leaves to a person what only a person can know", async (t, tables) => {
	await tables.run(cli, service);
	const verify = tables.open(verifyTable);
	const row = verify.get({ service: 1, group: 2 });
	if (!row) return t.fail();
	verify.set({ service: 3, group: 4 }, { ...row, proxy: end("6.6.6.6:6") });
	const found = await tables.run(cli, "check --repair");
	t.is(found.code, 1);
	t.deepEqual(found.out.split("\n").sort(), [
		"",
		"3 findings",
		"BACKEND_SHARED\tservice 3 4: its backend (tcp 1.1.1.1:4000) belongs to service 1 2",
		"NO_TUNNEL\tservice 1 2: its tunnel 100 is not set",
		"NO_TUNNEL\tservice 3 4: its tunnel 100 is not set",
	]);
	t.is(found.err, "cli_service: check: 3 findings not repaired\n");
});
