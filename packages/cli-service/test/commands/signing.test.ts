import { session, withTables } from "@sluice/cli-kit/testing";
import {
	signedOnlyTable,
	signingTable,
	tunnelOptionsTable,
	verifyTable,
} from "@sluice/maps/tables";
import { anyMove, dataKey, optionFlags } from "@sluice/tunnel";
import test from "ava";
import { cli } from "../../src/cli.js";
import { setTunnel } from "../helpers/tunnel.js";

const it = withTables(test);

const sid = { service: 1, group: 2 };
const rest = "1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100";
const padded = (text: string) => Buffer.from(text.padEnd(16, "\0"));
const derived = (text: string) =>
	`hex:${dataKey(padded(text), sid).toString("hex")}`;

it("a signing key alone gives the key of the packets, too", async (t, tables) => {
	await session(t, tables, cli, [
		{ type: `set --signing-key secret ${rest}`, out: /VERIFY/ },
	]);
	t.deepEqual(
		tables.open(verifyTable).get(sid)?.key,
		dataKey(padded("secret"), sid),
	);
	const challenge = tables.open(signingTable).get(sid)?.challenge;
	t.is(challenge?.length, 16);
	await session(t, tables, cli, [
		{
			type: `set --signing-key secret --require-signed ${rest} own`,
			out: /VERIFY/,
		},
		{ type: "get 1 2", out: /\nSIGNING \(1, 2\) ->\t'\(hidden\)'\trequired\n/ },
		{
			type: "get 1 2 --show-keys --json",
			out: /"key":"own",.*"signing":\{"key":"secret","required":true\}/,
		},
	]);
	// This host's secret stays.
	t.deepEqual(tables.open(signingTable).get(sid)?.challenge, challenge);
	await session(t, tables, cli, [
		{ type: `set ${rest} own`, out: /VERIFY/ },
		{ type: "get 1 2", out: /^(?!.*SIGNING)/s },
	]);
});

it("save and restore keep signing keys, and their rotation", async (t, tables) => {
	const saved = `set --signing-key=secret --require-signed ${rest} ${derived("secret")}\n`;
	const prepared = `set --signing-key=secret --require-signed --next-key=next ${rest} ${derived("secret")}\n`;
	const switched = `set --signing-key=next --require-signed --old-key=secret ${rest} ${derived("next")}\n`;
	await session(t, tables, cli, [
		{
			type: `set --signing-key secret --require-signed ${rest}`,
			out: /VERIFY/,
		},
		{ type: "save", out: saved },
		{ type: "rotate 1 2 --prepare next", out: /prepared/ },
		{ type: "save", out: prepared },
		{ type: "rotate 1 2 --switch", out: /switched/ },
		{ type: "save", out: switched },
		...[prepared, switched, saved].flatMap((input) => [
			{
				type: "restore -",
				env: { input },
				out: /^1 line: /,
				err: /without a tunnel/,
			},
			{ type: "save", out: input },
		]),
		{ type: "del 1 2", out: "deleted 1 service\n" },
	]);
	t.deepEqual([...tables.open(signingTable).entries()], []);
});

it("of each tunnel, the services that require signed pings are counted", async (t, tables) => {
	const counts = () =>
		Object.fromEntries(tables.open(signedOnlyTable).entries());
	const set = (line: string) => ({ type: `set ${line}`, out: /VERIFY/ });
	const signing = "--signing-key secret";
	const other = "3 4 tcp 5.5.5.5 3200 1.1.1.2 4000 100";
	await session(t, tables, cli, [
		set(`${signing} --require-signed ${rest}`),
		set(`${signing} --require-signed ${rest}`),
		set(`${signing} --require-signed ${other}`),
	]);
	t.deepEqual(counts(), { 100: 2 });
	await session(t, tables, cli, [set(`${signing} ${other}`)]);
	t.deepEqual(counts(), { 100: 1 });
	// To another tunnel, and without a signing key.
	await session(t, tables, cli, [
		set(`${signing} --require-signed ${rest.replace(/100$/, "101")}`),
	]);
	t.deepEqual(counts(), { 101: 1 });
	await session(t, tables, cli, [set(`${rest} own`)]);
	t.deepEqual(counts(), {});
	const lines = [rest, other].map(
		(words) => `set --signing-key=secret --require-signed ${words} own\n`,
	);
	await session(t, tables, cli, [
		{
			type: "restore -",
			env: { input: lines.join("") },
			out: /^2 lines: /,
			err: /without a tunnel/,
		},
	]);
	t.deepEqual(counts(), { 100: 2 });
	tables.open(signedOnlyTable).set(100, 7);
	await session(t, tables, cli, [
		{
			type: "check --repair",
			out: /SIGNED_ONLY_DIFFERS\ttunnel 100: 2 of its services require signed pings, but 7 are counted \(repaired\)/,
			code: 1,
			err: /./,
		},
		{ type: "del 1 2", out: /deleted/ },
	]);
	t.deepEqual(counts(), { 100: 1 });
	await session(t, tables, cli, [{ type: "del all", out: /deleted/ }]);
	t.deepEqual(counts(), {});
});

it("what does not sign is refused", (t, tables) =>
	session(t, tables, cli, [
		{
			type: `set --require-signed ${rest} own`,
			code: 2,
			err: /--require-signed needs a --signing-key/,
		},
		{
			type: `set --signing-key a --signing-key-file b ${rest}`,
			code: 2,
			err: /give --signing-key or --signing-key-file, not both/,
		},
		{ type: `set --signing-key secret ${rest} own`, out: /VERIFY/ },
		{
			type: "rotate 1 2 --prepare next",
			code: 2,
			err: /the key of service 1 2 is not derived from its signing key/,
		},
	]));

it("set warns of a service without a signing key in a tunnel with tokens, and check finds it", async (t, tables) => {
	setTunnel(tables, 100);
	tables
		.open(tunnelOptionsTable)
		.set(100, { ...anyMove, flags: optionFlags("require", "fixed") });
	const err =
		"cli_service: set: service 1 2 has no signing key: its packets are dropped, for the token mode of tunnel 100 is require; set it with --signing-key\n";
	await session(t, tables, cli, [
		{ type: `set ${rest} own`, out: /VERIFY/, err },
		{
			type: "batch -",
			env: { input: `set ${rest} own\n` },
			out: /^1 line/,
			err: err.replace("set:", "batch:"),
		},
		{
			type: "check",
			code: 1,
			out: "TOKEN_NO_KEY\tservice 1 2: it has no signing key, and the token mode of its tunnel 100 is require\n1 finding\n",
			err: /not repaired/,
		},
		{ type: `set --signing-key secret ${rest}`, out: /VERIFY/, err: "" },
		{ type: "check", out: "0 findings\n" },
	]);
});
