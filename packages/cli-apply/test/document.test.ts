import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readMachine } from "@sluice/machine";
import { Address } from "@sluice/maps/address";
import { directions, flagNames } from "@sluice/maps/tables";
import { Ajv2020 } from "ajv/dist/2020.js";
import test from "ava";
import {
	type Content,
	changed,
	first,
	gateway,
	json,
	mistakesOf,
	yaml,
} from "./helpers/documents.js";

const schema = new Ajv2020({ allErrors: true, strict: true }).compile(
	JSON.parse(
		readFileSync(
			path.join(import.meta.dirname, "../schema/machine.schema.json"),
			"utf8",
		),
	),
);

test("a document is read as written, in YAML and in JSON", (t) => {
	for (const text of [yaml(gateway()), json(gateway())]) {
		const { machine } = readMachine("-", Buffer.from(text));
		t.is(machine.name, "gw1");
		t.is(machine.generation, 1n);
		t.deepEqual(machine.config, [
			{
				interface: "*",
				direction: "ingress",
				config: { id: 1, flags: 3, name: "gateway" },
			},
		]);
		t.deepEqual(
			Array.from(machine.tunnels, ({ id, remote, remotePort }) => [
				id,
				String(remote),
				remotePort,
			]),
			[
				[100, "::", 0],
				[101, "10.0.0.2", 6080],
			],
		);
		t.deepEqual(machine.services.at(1), {
			sid: { service: 2, group: 2 },
			proxy: { address: Address.of("203.0.113.10"), port: 53, proto: 17 },
			backend: { address: Address.of("192.168.7.3"), port: 53, proto: 17 },
			tunnel: 101,
			key: Buffer.from("000102030405060708090a0b0c0d0e0f", "hex"),
		});
	}
});

test("what is valid JSON is read as such, however many rows it has", (t) => {
	for (const count of [1, 16, 17, 32]) {
		const rows = Array.from({ length: count }, (_, id) =>
			JSON.stringify({ id, local: "10.0.0.1:1", remote: "10.0.0.2:1" }),
		).join();
		const read = (list: string) =>
			readMachine(
				"-",
				Buffer.from(
					`{"apiVersion":"sluice/v1","kind":"Machine","metadata":{"name":"m"},"tunnels":[${list}]}`,
				),
			);
		t.is(read(rows).machine.tunnels.length, count);
		t.not(read(rows).json, undefined);
		// In YAML, a comma may end a list.
		t.is(read(`${rows},`).machine.tunnels.length, count);
		t.is(read(`${rows},`).json, undefined);
	}
});

test("a mistake has its line and column", (t) => {
	const text = [
		"apiVersion: sluice/v1",
		"kind: Machine",
		"metadata: { name: gw1 }",
		"tunnels:",
		'  - { id: 1, local: "10.0.0.1", remote: learned }',
		'  - { id: -1, local: "10.0.0.1:1", remote: "10.0.0.2:1", colour: red }',
		'  - { id: 2, local: "10.0.0.1:1", remote: learned, moveWithin: "fd00::/8" }',
	].join("\n");
	t.deepEqual(mistakesOf(text), [
		'machine.yaml:5:14: tunnels[0]: local must be ADDRESS:PORT, or [ADDRESS]:PORT with IPv6, got "10.0.0.1"',
		"machine.yaml:6:58: tunnels[1].colour: unknown; known are id, local, remote, moveAfter, moveWithin, token, sourcePort",
		"machine.yaml:7:52: tunnels[2].moveWithin: must be of the family of the tunnel's ends",
	]);
	t.deepEqual(mistakesOf('{"apiVersion": "sluice/v2"}'), [
		"machine.yaml:1:1: kind is missing",
		"machine.yaml:1:1: metadata is missing",
	]);
	t.regex(mistakesOf("tunnels: [").join(), /^machine\.yaml:1:\d+: not YAML: /);
});

/** What is wrong, which the schema sees as well. */
const wrong: [
	title: string,
	change: (content: Content) => void,
	message: RegExp,
][] = [
	[
		"another version",
		(c) => {
			c.apiVersion = "sluice/v2";
		},
		/: apiVersion: expected sluice\/v1$/,
	],
	[
		"another kind",
		(c) => {
			c.kind = "Link";
		},
		/: kind: expected Machine$/,
	],
	[
		"a machine without a name",
		(c) => {
			delete c.metadata.name;
		},
		/: metadata: name is missing$/,
	],
	[
		"a name with a space",
		(c) => {
			c.metadata.name = "a b";
		},
		/: metadata: name must be 1 to 63 letters, /,
	],
	[
		"generation 0",
		(c) => {
			c.metadata.generation = 0;
		},
		/generation must be an integer from 1 to /,
	],
	[
		"an unknown list",
		(c) => {
			Object.assign(c, { rules: [] });
		},
		/: rules: unknown; known are apiVersion, /,
	],
	[
		"a direction that is none",
		(c) => {
			first(c, "config").direction = "in";
		},
		/direction must be ingress or egress, got "in"$/,
	],
	[
		"an egress flag at ingress",
		(c) => {
			first(c, "config").flags = ["snat"];
		},
		/unknown flag "snat"; known are gue, /,
	],
	[
		"a row without flags",
		(c) => {
			delete first(c, "config").flags;
		},
		/: config\[0\]: flags is missing$/,
	],
	[
		"an id of text",
		(c) => {
			first(c, "tunnels").id = "100";
		},
		/: tunnels\[0\]\.id: expected a number, got a text$/,
	],
	[
		"an id that is too large",
		(c) => {
			first(c, "tunnels").id = 2 ** 32;
		},
		/id must be an integer from 0 to 4294967295, got "4294967296"$/,
	],
	[
		"a local end without a port",
		(c) => {
			first(c, "tunnels").local = "10.0.0.1";
		},
		/local must be ADDRESS:PORT/,
	],
	[
		"port 0",
		(c) => {
			first(c, "tunnels").local = "10.0.0.1:0";
		},
		/port of local must be an integer from 1 to 65535, got "0"$/,
	],
	[
		"an IPv6 end without brackets",
		(c) => {
			first(c, "tunnels").local = "::1:80";
		},
		/local must be ADDRESS:PORT, or \[ADDRESS\]:PORT with IPv6/,
	],
	[
		"a source port for each flow to a far end that is learned",
		(c) => {
			first(c, "tunnels").sourcePort = "flow";
		},
		/sourcePort: must be fixed where the far end is learned, which may be behind a NAT$/,
	],
	[
		"a protocol that is none",
		(c) => {
			first(c, "services").protocol = "sctp";
		},
		/protocol must be tcp or udp, got "sctp"$/,
	],
	[
		"no key",
		(c) => {
			first(c, "services").keys = [];
		},
		/: services\[0\]\.keys: expected a list of one key, or two, got 0 keys$/,
	],
	[
		"a key in two ways",
		(c) => {
			first(c, "services").keys = [{ text: "a", hex: "b" }];
		},
		/: expected one of text, hex, base64, file, got 2 of them$/,
	],
	[
		"a key that is too long",
		(c) => {
			first(c, "services").keys = [{ text: "s".repeat(17) }];
		},
		/text must be at most 16 bytes long, got 17 bytes$/,
	],
	[
		"a key in hex that is too short",
		(c) => {
			first(c, "services").keys = [{ hex: "5ec4e7" }];
		},
		/hex must be "hex:" and 32 hexadecimal digits$/,
	],
	[
		"a text that looks like hex",
		(c) => {
			first(c, "services").keys = [{ text: "hex:5ec4e7" }];
		},
		/text must be written as hex or base64 then$/,
	],
	[
		"keys that were hidden",
		(c) => {
			first(c, "services").keys = "hidden";
		},
		/the keys were left out; export with --show-keys$/,
	],
	[
		"a key file by a relative path",
		(c) => {
			first(c, "services").keys = [{ file: "key" }];
		},
		/file must be an absolute path, got "key"$/,
	],
];

for (const [title, change, message] of wrong)
	test(`${title}: parser and schema refuse it`, (t) => {
		const content = changed(change);
		t.regex(mistakesOf(yaml(content)).join("\n"), message);
		t.false(schema(content));
	});

test("what the parser takes, the schema takes", (t) => {
	for (const content of [
		gateway(),
		...directions.map((direction) =>
			changed((c) => {
				const flags = Object.keys(flagNames[direction]);
				Object.assign(first(c, "config"), { direction, flags });
			}),
		),
		changed((c) => {
			delete c.metadata.generation;
			c.tunnels.push({
				id: 0,
				local: "[::1]:1",
				remote: "[2001:db8::2]:65535",
			});
			first(c, "services").keys = [{ base64: "AAECAwQFBgcICQoLDA0ODw==" }];
			first(c, "config").interface = "eth0";
		}),
		{ apiVersion: "sluice/v1", kind: "Machine", metadata: { name: "a" } },
	]) {
		t.deepEqual(mistakesOf(yaml(content)), []);
		t.true(schema(content), JSON.stringify(schema.errors));
	}
});

test("a key comes from a file, and no mistake repeats what it holds", (t) => {
	const folder = mkdtempSync(path.join(tmpdir(), "apply-"));
	t.teardown(() => rmSync(folder, { recursive: true }));
	const file = path.join(folder, "key");
	const content = changed((c) => {
		first(c, "services").keys = [{ file }];
	});
	writeFileSync(file, "fromfile\n");
	const [service] = readMachine("-", Buffer.from(yaml(content))).machine
		.services;
	t.is(service?.key.toString("latin1").replaceAll("\0", ""), "fromfile");
	writeFileSync(file, "s3cr3t".repeat(4));
	t.deepEqual(mistakesOf(json(content)).length, 1);
	t.notRegex(mistakesOf(json(content)).join(), /s3cr3t/);
	rmSync(file);
	t.regex(
		mistakesOf(json(content)).join(),
		/cannot be read: no such file \(ENOENT\)$/,
	);
});
