// Needs root: labels of any bytes, as tubular stores them.

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytes, openTable } from "@sluice/maps";
import {
	destinationsTable,
	keyBitsOf,
	packedBindingsTable,
} from "@sluice/maps/tables";
import test from "ava";
import { binding } from "./helpers/binding.js";
import { kernelTest, ownDispatcher } from "./helpers/own-host.js";
import { json, must, tubectl } from "./helpers/tubectl.js";

const file = join(mkdtempSync(join(tmpdir(), "labels-")), "saved");

ownDispatcher();
test.after.always(() => rmSync(join(file, ".."), { recursive: true }));

const directory = () =>
	`/sys/fs/bpf/${statSync("/proc/self/ns/net").ino}_dispatcher`;

const KEY_SIZE = 257;
const { name, type, flags, value } = destinationsTable;
const rawDestinations = { name, type, flags, value, key: bytes(KEY_SIZE) };

/** Labels that tubular accepts, and how they are listed. */
const labels: [stored: Buffer, listed: string][] = [
	[Buffer.from([0xff]), "\\xff"],
	[Buffer.from([0x61, 0xc3, 0x28]), "a\\xc3("],
	[Buffer.from("a\tb"), "a\\x09b"],
	[Buffer.from("a\nb"), "a\\x0ab"],
	[Buffer.from("\u2028"), "\\xe2\\x80\\xa8"],
	[Buffer.from("\ufffd"), "\\xef\\xbf\\xbd"],
	[Buffer.from("\\"), "\\"],
	[Buffer.from("\\xff"), "\\x5cxff"],
	[Buffer.from("\\\\x41"), "\\\\x5cx41"],
	[Buffer.from('it\'s "ö" #1 $x'), 'it\'s "ö" #1 $x'],
	[Buffer.from("-netns"), "-netns"],
	[Buffer.alloc(255, 0xfe), "\\xfe".repeat(255)],
];

/** Binds each label as another tool does, by bytes alone. */
function store(): void {
	const destinations = openTable(rawDestinations, directory());
	const bindings = openTable(packedBindingsTable, directory());
	for (const [id, [label]] of labels.entries()) {
		const key = Buffer.alloc(KEY_SIZE);
		label.copy(key);
		key.set([2, 6], 255);
		destinations.set(key, { id, count: 1 });
		const { key: match } = binding(`tcp 127.0.0.${id + 1} 80`);
		bindings.set(match, { id, prefixlen: keyBitsOf(match) });
	}
	destinations.close();
	bindings.close();
}

function stored(): string[] {
	const table = openTable(rawDestinations, directory(), { readOnly: true });
	const keys = [...table.entries()].map(([key]) => key.toString("hex")).sort();
	table.close();
	return keys;
}

kernelTest("Every label is listed on one line, and unbound", async (t) => {
	store();
	const listed = labels.map(([, text]) => text);
	const { bindings, destinations } = await json("status");
	t.deepEqual(
		bindings.map((one: { label: string }) => one.label),
		listed,
	);
	t.deepEqual(
		destinations.map((one: { label: string }) => one.label).sort(),
		[...listed].sort(),
	);
	t.is(
		(await must("bindings")).trimEnd().split("\n").length,
		2 + listed.length,
	);
	for (const [i, label] of listed.entries()) {
		t.is((await json("status", "--", label)).bindings.length, 1, label);
		await must("unbind", "--", label, "tcp", `127.0.0.${i + 1}`, "80");
	}
	t.deepEqual(stored(), []);
});

kernelTest("Every label is saved and restored byte for byte", async (t) => {
	store();
	const before = stored();
	const saved = await must("save");
	writeFileSync(file, saved);
	await must("unload");
	await must("load");
	await must("restore", file);
	t.deepEqual(stored(), before);
	t.is(await must("save"), saved);
});

kernelTest("A label that was not decoded is refused everywhere", async (t) => {
	for (const command of ["bind", "unbind"]) {
		const { code, err } = await tubectl(command, "\ufffd", "tcp", "::1", "80");
		t.is(code, 2);
		t.regex(err, /label must be UTF-8, got .*; write other bytes as \\xHH/);
	}
	t.deepEqual(stored(), []);
});

kernelTest("A label of a file has no escapes", async (t) => {
	const entry = { label: "\\xff\t", prefix: "127.0.0.1", port: 80 };
	writeFileSync(file, JSON.stringify({ bindings: [entry] }));
	t.regex(await must("load-bindings", file), /^added \\x5cxff\\x09#tcp:/);
	const key = Buffer.alloc(KEY_SIZE);
	key.write("\\xff\t");
	key.set([2, 6], 255);
	t.true(stored().includes(key.toString("hex")));
});
