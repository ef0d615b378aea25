import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { kernelTest, ownDispatcher } from "../helpers/own-host.js";
import { json, must, tubectl } from "../helpers/tubectl.js";

const directory = mkdtempSync(join(tmpdir(), "bindings-"));
const file = join(directory, "bindings.json");

ownDispatcher();
test.after.always(() => rmSync(directory, { recursive: true }));

const load = (document: unknown, ...more: string[]) => {
	writeFileSync(
		file,
		typeof document === "string" ? document : JSON.stringify(document),
	);
	return tubectl("load-bindings", file, ...more);
};

kernelTest("Each entry is a binding for tcp and one for udp", async (t) => {
	t.deepEqual(
		await load({
			bindings: [
				{ label: "foo", prefix: "127.0.0.1", port: 80 },
				{ label: "bar", prefix: "2001:db8::/64", port: 0 },
			],
		}),
		{
			code: 0,
			out: `added foo#tcp:[127.0.0.1/32]:80
added bar#tcp:[2001:db8::/64]:0
added foo#udp:[127.0.0.1/32]:80
added bar#udp:[2001:db8::/64]:0
`,
			err: "",
		},
	);
	t.is(
		await must("bindings"),
		`Bindings:
 protocol        prefix port label
      tcp  127.0.0.1/32   80   foo
      tcp 2001:db8::/64    0   bar
      udp  127.0.0.1/32   80   foo
      udp 2001:db8::/64    0   bar
`,
	);
});

kernelTest("A byte order mark is no part of the file", async (t) => {
	const { code, out } = await load('\ufeff{"bindings": []}');
	t.deepEqual([code, out], [0, ""]);
});

kernelTest("Only what differs is changed", async (t) => {
	const foo = { label: "foo", prefix: "127.0.0.1", port: 80 };
	await load({ bindings: [foo, { ...foo, port: 81 }] });
	t.deepEqual(await load({ bindings: [foo, { ...foo, port: 81 }] }), {
		code: 0,
		out: "",
		err: "",
	});
	t.deepEqual(
		await load({
			bindings: [
				foo,
				{ label: "bar", prefix: "127.0.0.1", port: 81 },
				{ ...foo, port: 82 },
			],
		}),
		{
			code: 0,
			out: `added bar#tcp:[127.0.0.1/32]:81
added foo#tcp:[127.0.0.1/32]:82
added bar#udp:[127.0.0.1/32]:81
added foo#udp:[127.0.0.1/32]:82
`,
			err: "",
		},
	);
	const { out } = await load({ bindings: [foo] });
	t.deepEqual(out.trim().split("\n").sort(), [
		"removed bar#tcp:[127.0.0.1/32]:81",
		"removed bar#udp:[127.0.0.1/32]:81",
		"removed foo#tcp:[127.0.0.1/32]:82",
		"removed foo#udp:[127.0.0.1/32]:82",
	]);
	t.like((await json("status")).destinations, [
		{ label: "foo", protocol: "tcp", bindings: 1 },
		{ label: "foo", protocol: "udp", bindings: 1 },
	]);
});

kernelTest("Bits beyond a prefix of a file are cleared", async (t) => {
	t.is(
		(await load({ bindings: [{ label: "foo", prefix: "::1/64", port: 1 }] }))
			.out,
		"added foo#tcp:[::/64]:1\nadded foo#udp:[::/64]:1\n",
	);
	const clash = [
		{ label: "foo", prefix: "127.0.0.1/8", port: 1 },
		{ label: "bar", prefix: "127.0.0.2/8", port: 1 },
	];
	t.regex((await load({ bindings: clash })).err, /duplicate binding bar#/);
});

kernelTest("Changes are printed in the order of the listing", async (t) => {
	const bindings = ["10.1.0.0/16", "10.0.0.1", "10.0.0.0/8", "9.0.0.0/8"].map(
		(prefix) => ({ label: "foo", prefix, port: 1 }),
	);
	const subnets = (out: string) =>
		[...out.matchAll(/tcp:\[(.*)\]/g)].map(([, subnet]) => subnet);
	const order = ["9.0.0.0/8", "10.0.0.1/32", "10.1.0.0/16", "10.0.0.0/8"];
	t.deepEqual(subnets((await load({ bindings })).out), order);
	t.deepEqual(subnets((await load({ bindings: [] })).out), order);
});

kernelTest("An empty list removes every binding", async (t) => {
	await must("bind", "foo", "tcp", "127.0.0.1", "80");
	t.is(
		(await load({ bindings: [] })).out,
		"removed foo#tcp:[127.0.0.1/32]:80\n",
	);
	t.deepEqual(await json("status"), { bindings: [], destinations: [] });
});

for (const count of [1, 1000, 50_000])
	kernelTest(`${count} entries are loaded, kept and removed`, async (t) => {
		const bindings = Array.from({ length: count }, (_, i) => ({
			label: `label${i % 100}`,
			prefix: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}/32`,
			port: 80,
		}));
		const lines = async (list: unknown[]) =>
			(await load({ bindings: list })).out.split("\n").length - 1;
		t.is(await lines(bindings), 2 * count);
		t.is((await json("bindings")).bindings.length, 2 * count);
		t.is(await lines(bindings), 0);
		t.is(await lines(bindings.slice(1)), 2);
		t.is(await lines([]), 2 * (count - 1));
		t.deepEqual((await json("status")).destinations, []);
	});

kernelTest("With --json the changes are one document", async (t) => {
	const { out } = await load(
		{ bindings: [{ label: "foo", prefix: "127.0.0.0/8", port: 80 }] },
		"--json",
	);
	t.deepEqual(JSON.parse(out), {
		added: [
			{ label: "foo", protocol: "tcp", prefix: "127.0.0.0/8", port: 80 },
			{ label: "foo", protocol: "udp", prefix: "127.0.0.0/8", port: 80 },
		],
		removed: [],
	});
});

const foo = { label: "foo", prefix: "127.0.0.1", port: 80 };
const mistakes: [title: string, document: unknown, message: string][] = [
	[
		"an unknown field",
		{ bindings: [{ ...foo, prot: 1 }] },
		'bindings[0]: unknown field "prot"; known are label, prefix, port',
	],
	[
		"an unknown field outside",
		{ bindings: [], more: 1 },
		'unknown field "more"; known are bindings',
	],
	[
		"a missing port",
		{ bindings: [foo, { label: "foo", prefix: "::1" }] },
		"bindings[1]: port is missing; 0 stands for every port",
	],
	[
		"a missing label",
		{ bindings: [{ prefix: "::1", port: 1 }] },
		"bindings[0]: label must be a string, got nothing",
	],
	[
		"a port that is text",
		{ bindings: [{ ...foo, port: "80" }] },
		'bindings[0]: port must be an integer from 0 to 65535, got "80"',
	],
	[
		"a port of 65536",
		{ bindings: [{ ...foo, port: 65_536 }] },
		'bindings[0]: port must be an integer from 0 to 65535, got "65536"',
	],
	[
		"a port of -1",
		{ bindings: [{ ...foo, port: -1 }] },
		'bindings[0]: port must be an integer from 0 to 65535, got "-1"',
	],
	[
		"a port of 1.5",
		{ bindings: [{ ...foo, port: 1.5 }] },
		"bindings[0]: port must be an integer from 0 to 65535, got 1.5",
	],
	[
		"a duplicate",
		{ bindings: [foo, { ...foo, label: "bar", prefix: "127.0.0.1/32" }] },
		'bindings[1]: duplicate binding bar#tcp:[127.0.0.1/32]:80: "foo" has it already',
	],
	[
		"a label with NUL",
		{ bindings: [{ ...foo, label: "a\0" }] },
		'bindings[0]: label must not contain a NUL byte, got "a\\x00"',
	],
	[
		"an empty label",
		{ bindings: [{ ...foo, label: "" }] },
		"bindings[0]: label must be 1 to 255 bytes long, got 0 bytes",
	],
	[
		"a list for an entry",
		{ bindings: [[]] },
		"bindings[0]: must be an object, got a list",
	],
	["no list", { bindings: {} }, "bindings must be a list, got a object"],
	["nothing", "null", "must be an object, got null"],
];
for (const [title, document, message] of mistakes)
	kernelTest(
		`A file with ${title} is refused, and nothing changed`,
		async (t) => {
			await must("bind", "keep", "tcp", "127.0.0.9", "9");
			const before = await json("status");
			t.deepEqual(await load(document), {
				code: 2,
				out: "",
				err: `tubectl: load-bindings: ${file}: ${message}\n`,
			});
			t.deepEqual(await json("status"), before);
		},
	);

kernelTest("A file that is not JSON is refused", async (t) => {
	const { code, err } = await load("label,prefix,port");
	t.is(code, 2);
	t.true(err.startsWith(`tubectl: load-bindings: ${file}: not JSON: `), err);
});

kernelTest("A file that is not there is refused", async (t) => {
	t.deepEqual(await tubectl("load-bindings", "/nowhere"), {
		code: 2,
		out: "",
		err: "tubectl: load-bindings: read /nowhere: no such file (ENOENT)\n",
	});
});

kernelTest(
	"50 MB of JSON with one mistake at its end are refused",
	async (t) => {
		const entry = JSON.stringify(foo);
		const fill = "x".repeat(250);
		const many = Array.from(
			{ length: 180_000 },
			(_, i) =>
				`{"label":"${fill}","prefix":"10.${i >> 16}.${(i >> 8) & 255}.${i & 255}","port":1}`,
		);
		const text = `{"bindings":[${many.join(",")},${entry},${entry}]}`;
		t.true(text.length > 50_000_000);
		t.deepEqual(await load(text), {
			code: 2,
			out: "",
			err: `tubectl: load-bindings: ${file}: bindings[180001]: duplicate binding foo#tcp:[127.0.0.1/32]:80: "foo" has it already\n`,
		});
		t.deepEqual((await json("status")).bindings, []);
	},
);

kernelTest(
	"More labels than there is room for are refused before the first change",
	async (t) => {
		await must("bind", "keep", "tcp", "127.0.0.9", "9");
		const bindings = Array.from({ length: 512 }, (_, i) => ({
			label: `label${i}`,
			prefix: "10.0.0.1",
			port: i,
		}));
		t.deepEqual(await load({ bindings }), {
			code: 1,
			out: "",
			err: "tubectl: load-bindings: all 1024 destinations are in use; remove the bindings and sockets of a label that is not needed\n",
		});
		t.is((await json("bindings")).bindings.length, 1);
		t.is((await load({ bindings: bindings.slice(1) })).code, 0);
		t.is((await load({ bindings: bindings.slice(0, 511) })).code, 0);
	},
);
