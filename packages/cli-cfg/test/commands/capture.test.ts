// Needs root: pins tables. The capture is read by tshark.
import { execFileSync } from "node:child_process";
import {
	lstatSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../../src/cli.js";
import { dumping, writeEvents } from "../helpers/dumping.js";
import { datagram6, ping, tunnelled } from "../helpers/packets.js";

const it = withTables(test);
const directory = mkdtempSync(path.join(tmpdir(), "sluice-capture-"));
process.once("exit", () => rmSync(directory, { recursive: true }));

/** Fields of each packet, as tshark prints them. */
const tshark = (file: string, ...fields: string[]) =>
	execFileSync(
		"tshark",
		[
			...["-r", file, "-T", "fields", "-E", "separator=|"],
			...fields.flatMap((field) => ["-e", field]),
		],
		{ encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
	)
		.trimEnd()
		.split("\n");

it("dump --write makes a capture that tshark reads", async (t, tables) => {
	const file = path.join(directory, "a.pcapng");
	const before = Date.now() / 1000;
	const ended = await dumping(
		tables,
		["dump", "--count", "3", "--write", file],
		() =>
			writeEvents(tables, [
				{ data: tunnelled },
				{ data: ping, outcome: "ping-learned" },
				{ data: datagram6, direction: "egress", outcome: "no-tunnel" },
			]),
	);
	t.deepEqual(ended, { code: 0, out: "", err: "cli_cfg: dump: 3 written\n" });
	t.deepEqual(
		tshark(
			file,
			"frame.interface_name",
			"frame.packet_flags_direction",
			"frame.comment",
			"frame.len",
			"udp.dstport",
		),
		[
			"lo|0x00000001|before|106|6080",
			"lo|0x00000001|after: ping-learned|70|6080",
			"lo|0x00000002|after: no-tunnel|66|5353",
		],
	);
	for (const time of tshark(file, "frame.time_epoch")) {
		t.true(Number(time) > before - 1 && Number(time) < Date.now() / 1000 + 1);
	}
	t.is(statSync(file).mode & 0o777, 0o600);
});

it("dump --write --json prints what it wrote, and replaces a symbolic link", async (t, tables) => {
	const file = path.join(directory, "b.pcapng");
	const victim = path.join(directory, "victim");
	writeFileSync(victim, "as it was", { mode: 0o644 });
	symlinkSync(victim, file);
	const ended = await dumping(
		tables,
		["dump", "--count", "1", "--write", file, "--json"],
		() => writeEvents(tables, [{ data: ping, outcome: "ping" }]),
	);
	t.deepEqual(ended, {
		code: 0,
		out: `{"file":"${file}","packets":1}\n`,
		err: "",
	});
	t.is(readFileSync(file).readUInt32LE(0), 0x0a0d0d0a);
	t.is(lstatSync(file).mode, 0o100600);
	t.is(readFileSync(victim, "utf8"), "as it was");
});

it("dump --write refuses what it cannot write", async (t, tables) => {
	t.deepEqual(await tables.run(cli, "dump --write - --json"), {
		code: 2,
		out: "",
		err: '{"error":{"code":"USAGE","message":"--json and --write - both want stdout"}}\n',
	});
	t.deepEqual(await tables.run(cli, `dump --write ${directory}/no/c.pcapng`), {
		code: 1,
		out: "",
		err: `cli_cfg: dump: write ${directory}/no/c.pcapng: no such directory (ENOENT)\n`,
	});
});
