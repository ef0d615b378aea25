import { session, withTables } from "@sluice/cli-kit/testing";
import { nanosecondsSinceBoot } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	encapTable,
	rotationTable,
	signingTable,
	verifyTable,
} from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";
import { setTunnel } from "../helpers/tunnel.js";

const it = withTables(test);

const sid = { service: 1, group: 2 };
const backend = { address: Address.of("1.1.1.1"), port: 4000, proto: 6 };
const line = (options: string, key: string) =>
	`set ${options}1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 ${key}\n`;
const set = line("", "old").trim();
const vars = { SLUICE_SHOW_KEYS: "1" };
const padded = (text: string) => Buffer.from(text.padEnd(16, "\0"));

const prepared = "ROTATION (1, 2) ->\tprepared\t'new'\t0 packets\n";
const switched = "ROTATION (1, 2) ->\tswitched\t'old'\t0 packets\n";

it("rotate accepts both keys, sends the new one, and drops the old one", async (t, tables) => {
	await tables.run(cli, set);
	const sent = () => [
		tables.open(verifyTable).get(sid)?.key,
		tables.open(encapTable).get(backend)?.key,
	];
	await session(t, tables, cli, [
		{
			type: "rotate 1 2 --prepare new",
			out: prepared.replace("'new'", "'(hidden)'"),
		},
		{ type: "rotate 1 2 --prepare new", env: { vars }, out: prepared },
	]);
	t.deepEqual(sent(), [padded("old"), padded("old")]);
	await session(t, tables, cli, [
		{ type: "rotate 1 2 --switch", env: { vars }, out: switched },
		{ type: "rotate 1 2 --switch", env: { vars }, out: switched },
	]);
	t.deepEqual(sent(), [padded("new"), padded("new")]);
	const row = tables.open(rotationTable).get(sid);
	t.deepEqual([row?.old.key, row?.next.key], [padded("old"), padded("new")]);
	await session(t, tables, cli, [
		{
			type: "rotate 1 2 --finish",
			out: "finished the rotation of service 1 2\n",
		},
		{
			type: "rotate 1 2 --finish",
			code: 3,
			err: "cli_service: rotate: no rotation of service 1 2\n",
		},
		{ type: "check --json", code: 1, out: /NO_TUNNEL/, err: /1 finding/ },
	]);
	t.is(tables.open(rotationTable).get(sid), undefined);
});

it("finish is refused while packets come with the old key", async (t, tables) => {
	await tables.run(cli, set);
	const refused =
		"cli_service: rotate: service 1 2 still sends its old key; use --switch first; --force drops the new key\n";
	await session(t, tables, cli, [
		{ type: "rotate 1 2 --prepare new", out: /prepared/ },
		{ type: "rotate 1 2 --finish", code: 1, err: refused },
		{ type: "rotate 1 2 --switch", out: /switched/ },
	]);
	const rotation = tables.open(rotationTable);
	const row = rotation.get(sid);
	if (!row) return t.fail();
	const ago = (seconds: bigint) =>
		nanosecondsSinceBoot() - seconds * 1_000_000_000n;
	const old = { ...row.old, packets: 7n, lastPacket: ago(2n) };
	rotation.set(sid, { ...row, old });
	await session(t, tables, cli, [
		{
			type: "rotate 1 2 --finish",
			code: 1,
			err: /^cli_service: rotate: the old key of service 1 2 is in use: 7 packets, the last \d+\.\d s ago; switch the other end, then try again; --force drops them\n$/,
		},
		// Repeating an earlier step keeps what was counted.
		{ type: "rotate 1 2 --switch", out: /7 packets, the last \d+\.\d s ago/ },
		{ type: "get 1 2", out: /\nROTATION .*7 packets, the last/ },
		{ type: "rotate 1 2 --finish --idle 1", out: /finished/ },
	]);
});

it("finish --force drops the new key that was never sent", async (t, tables) => {
	await tables.run(cli, set);
	await session(t, tables, cli, [
		{ type: "rotate 1 2 --prepare new", out: /prepared/ },
		{ type: "rotate 1 2 --finish --force", out: /finished/ },
		{ type: "save", out: line("", "old") },
	]);
});

it("rotate refuses what makes no sense", (t, tables) =>
	session(t, tables, cli, [
		{ type: set, out: /VERIFY/ },
		{
			type: "rotate 1 2",
			code: 2,
			err: /^cli_service: rotate: give one of --prepare, --prepare-file, --switch and --finish/,
		},
		{
			type: "rotate 1 2 --switch --idle 3",
			code: 2,
			err: /--idle goes with --finish/,
		},
		{
			type: "rotate 1 2 --prepare old",
			code: 2,
			err: /the key is that of service 1 2 already/,
		},
		{
			type: "rotate 1 2 --switch",
			code: 3,
			err: "cli_service: rotate: no rotation of service 1 2\n",
		},
		{
			type: "rotate 9 9 --switch",
			code: 3,
			err: "cli_service: rotate: no service 9 9\n",
		},
		// What may be a part of the key is not repeated.
		{
			type: "rotate 1 2 --prepare s3cr3t w0rd",
			code: 2,
			err: /^(?!.*w0rd)/s,
		},
		{ type: "rotate 1 2 --prepare new", out: /prepared/ },
		{
			type: "rotate 1 2 --prepare third",
			code: 1,
			err: "cli_service: rotate: service 1 2 is being rotated to another key; switch and finish that first, or drop that key with --force\n",
		},
		{ type: "rotate 1 2 --prepare third --force", out: /prepared/ },
	]));

it("save and restore keep a rotation in either phase", async (t, tables) => {
	setTunnel(tables, 100);
	const one = line("--next-key=new ", "old");
	const two = line("--old-key=old ", "new");
	await session(t, tables, cli, [
		{ type: set, out: /VERIFY/ },
		{ type: "rotate 1 2 --prepare new", out: /prepared/ },
		{ type: "save", out: one },
		{ type: "rotate 1 2 --switch", out: /switched/ },
		{ type: "save", out: two },
		{
			type: "restore --dry-run -",
			env: { input: one },
			out: "~ set '--next-key=(hidden)' 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 '(hidden)'\n1 difference, not applied: 2 rows written, 0 deleted\n",
		},
		{
			type: "restore -",
			env: { input: one },
			out: /^1 line: 2 rows written, 0 deleted/,
		},
		{ type: "save", out: one },
		{
			type: "restore --dry-run -",
			env: { input: line("", "old") },
			out: "~ set 1 2 tcp 5.5.5.5 3100 1.1.1.1 4000 100 '(hidden)'\n1 difference, not applied: 0 rows written, 1 deleted\n",
		},
		{
			type: "restore -",
			env: { input: line("", "old") },
			out: "1 line: 0 rows written, 1 deleted\n",
		},
		{ type: "save", out: line("", "old") },
		{ type: "restore -", env: { input: two }, out: /^1 line/ },
		{ type: "save", out: two },
		{ type: "del 1 2", out: "deleted 1 service\n" },
		{ type: "check", out: "0 findings\n" },
	]);
});

it("a service that is set again keeps its rotation with one of the two keys, and ends it with a third", (t, tables) =>
	session(t, tables, cli, [
		{ type: set, out: /VERIFY/ },
		{ type: "rotate 1 2 --prepare new", out: /prepared/ },
		{ type: set, out: /VERIFY/ },
		{ type: "get 1 2", out: /prepared/ },
		{ type: line("", "new").trim(), out: /VERIFY/ },
		{ type: "get 1 2", out: /switched/ },
		{ type: line("", "third").trim(), out: /VERIFY/ },
		{ type: "get 1 2", out: /^(?!.*ROTATION)/s },
	]));

it("the steps work in one batch, and check finds what belongs to no service", async (t, tables) => {
	const input = `${set}\nrotate 1 2 --prepare new\nrotate 1 2 --switch\n`;
	await session(t, tables, cli, [
		{ type: "batch -", env: { input }, out: /^3 lines/ },
		{
			type: "get 1 2 --json",
			out: /"rotation":\{"phase":"switched","key":"\(hidden\)","packets":0,"idle":null\}/,
		},
	]);
	const { old, next } =
		tables.open(rotationTable).get(sid) ?? (t.fail() as never);
	tables.open(rotationTable).set({ service: 9, group: 9 }, { old, next });
	await session(t, tables, cli, [
		{
			type: "check --repair",
			code: 1,
			out: /ROTATION_STRAY\tservice 9 9: its keys are rotated, but there is no such service \(repaired\)/,
			err: /./,
		},
	]);
	t.is(tables.open(rotationTable).get({ service: 9, group: 9 }), undefined);
});

it("a switch never takes a signing key away, nor brings one", async (t, tables) => {
	const signing = tables.open(signingTable);
	const secret = Buffer.alloc(16, 1);
	const refused = (why: string) =>
		`cli_service: rotate: service 1 2 ${why}; drop the next keys with --finish --force, then --prepare again\n`;
	await session(t, tables, cli, [
		{ type: set, out: /VERIFY/ },
		{ type: "rotate 1 2 --prepare new", out: /prepared/ },
	]);
	signing.set(sid, { key: secret, challenge: secret, flags: 0 });
	await session(t, tables, cli, [
		{
			type: "rotate 1 2 --switch",
			code: 1,
			err: refused("signs its pings, and its next keys have no signing key"),
		},
	]);
	t.deepEqual(signing.get(sid)?.key, secret);
	await session(t, tables, cli, [
		{ type: "rotate 1 2 --finish --force", out: /finished/ },
		{ type: line("--signing-key=s ", "").trim(), out: /VERIFY/ },
		{ type: "rotate 1 2 --prepare next", out: /prepared/ },
	]);
	signing.delete(sid);
	await session(t, tables, cli, [
		{
			type: "rotate 1 2 --switch",
			code: 1,
			err: refused(
				"does not sign its pings, and its next keys have a signing key",
			),
		},
	]);
});

it("a rotation ends where the signing key becomes a third one, or none", async (t, tables) => {
	const signed = (key: string) => line(`--signing-key=${key} `, "own").trim();
	for (const third of [signed("c"), line("", "own").trim()])
		await session(t, tables, cli, [
			{ type: signed("a"), out: /VERIFY/ },
			{
				type: line("--signing-key=a --next-key=b ", "own").trim(),
				out: /VERIFY/,
			},
			{ type: signed("a"), out: /VERIFY/ },
			{ type: "get 1 2", out: /prepared/ },
			{ type: third, out: /VERIFY/ },
			{ type: "get 1 2", out: /^(?!.*ROTATION)/s },
		]);
	// Both keys of the packets stay, and the signing key changes: the row has the new one.
	const row = () => tables.open(rotationTable).get(sid)?.old.signing;
	for (const key of ["a", "c"]) {
		await tables.run(
			cli,
			line(`--signing-key=${key} --next-key=b `, "own").trim(),
		);
		t.deepEqual(row(), padded(key));
	}
});

it("a signing key is not all zero, by set and by rotate; eight zero bytes may begin it", async (t, tables) => {
	const zero = `hex:${"00".repeat(16)}`;
	const begins = `hex:${"00".repeat(8)}${"11".repeat(8)}`;
	await session(t, tables, cli, [
		{
			type: line(`--signing-key=${zero} `, "").trim(),
			code: 2,
			err: "cli_service: set: signing-key must not be all zero\n",
		},
		{ type: line(`--signing-key=${begins} `, "").trim(), out: /VERIFY/ },
		{
			type: `rotate 1 2 --prepare ${zero}`,
			code: 2,
			err: "cli_service: rotate: the next signing key must not be all zero\n",
		},
		{
			type: line(`--signing-key=a --next-key=${zero} `, "").trim(),
			code: 2,
			err: "cli_service: set: next-key must not be all zero\n",
		},
	]);
});
