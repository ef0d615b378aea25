// Needs root and BPF: applies documents to pinned tables.

import { session } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import {
	decapTable,
	encapTable,
	natTable,
	rotationTable,
	signedOnlyTable,
	signingTable,
	trafficTable,
	tunnelOptionsTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import { phaseOf } from "@sluice/tunnel";
import { cli } from "../src/cli.js";
import { changed, gateway, json, yaml } from "./helpers/documents.js";
import { foundIn, it, learnRemote } from "./helpers/tables.js";

const from = (content: unknown) => ({ input: yaml(content) });

it("a document is applied from nothing, and again for nothing", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "-",
			env: from(gateway()),
			out: "generation 1: 12 rows written, 0 deleted\n",
		},
		{
			type: "-",
			env: from(gateway()),
			out: "generation 1: 0 rows written, 0 deleted\n",
		},
	]);
	t.deepEqual(
		tables
			.open(decapTable)
			.get({ address: Address.of("127.0.0.1"), port: 6080, proto: 17 }),
		2,
	);
	t.deepEqual(foundIn(tables), []);
});

it("a dry run prints the difference, and changes nothing", async (t, tables) => {
	await tables.run(cli, "-", from(gateway()));
	const next = changed((c) => {
		c.metadata.generation = 2;
		c.services.shift();
		c.services.push({
			service: 9,
			group: 9,
			protocol: "tcp",
			proxy: "[2001:db8::1]:80",
			backend: "[2001:db8::2]:80",
			tunnel: 101,
			keys: [{ text: "s3cr3t" }],
		});
		Object.assign(c.services[0] as object, { keys: [{ text: "n3w" }] });
		Object.assign(c.tunnels[1] as object, { remote: "10.0.0.3:6080" });
	});
	const dry = {
		type: "- --dry-run",
		env: from(next),
		out: [
			"~ tunnel 101 127.0.0.1:6080 -> 10.0.0.3:6080 (was 127.0.0.1:6080 -> 10.0.0.2:6080)",
			"~ service 2 2 udp 203.0.113.10:53 -> 192.168.7.3:53 in tunnel 101, another key (was udp 203.0.113.10:53 -> 192.168.7.3:53 in tunnel 101)",
			"+ service 9 9 tcp [2001:db8::1]:80 -> [2001:db8::2]:80 in tunnel 101",
			"- service 1 2 tcp 203.0.113.10:80 -> 192.168.7.2:8080 in tunnel 100",
			"4 differences, not applied: 7 rows written, 4 deleted",
			"",
		].join("\n"),
	};
	await session(t, tables, cli, [
		dry,
		dry,
		{
			type: "-",
			env: from(next),
			out: "generation 2: 7 rows written, 4 deleted\n",
		},
	]);
});

it("learned remotes and counters stay", async (t, tables) => {
	await tables.run(cli, "-", from(gateway()));
	const tunnels = tables.open(tunnelTable);
	const learned = learnRemote(tables, 100);
	const traffic = tables.open(trafficTable);
	const own = {
		tunnel: 100,
		sid: { service: 1, group: 2 },
		direction: "ingress",
	} as const;
	const moved = {
		tunnel: 101,
		sid: { service: 2, group: 2 },
		direction: "ingress",
	} as const;
	for (const key of [own, moved])
		traffic.set(key, [{ packets: 3n, bytes: 4n }]);
	const next = changed((c) => {
		c.metadata.generation = 2;
		Object.assign(c.services[1] as object, { tunnel: 100 });
	});
	const { code } = await tables.run(cli, "-", from(next));
	t.is(code, 0);
	t.deepEqual(tunnels.get(100), learned);
	t.truthy(traffic.get(own));
	t.is(traffic.get(moved), undefined);
});

it("services exchange their proxies", async (t, tables) => {
	await tables.run(cli, "-", from(gateway()));
	const swapped = changed((c) => {
		c.metadata.generation = 2;
		const [one, two] = c.services as [
			Record<string, unknown>,
			Record<string, unknown>,
		];
		two.protocol = "tcp";
		[one.proxy, two.proxy] = [two.proxy, one.proxy];
	});
	t.is((await tables.run(cli, "-", from(swapped))).code, 0);
	t.deepEqual(
		tables
			.open(natTable)
			.get({ address: Address.of("203.0.113.10"), port: 80, proto: 6 }),
		{
			address: Address.of("192.168.7.3"),
			port: 53,
			proto: 6,
		},
	);
});

it("a mistake changes nothing, and its line and column are printed", async (t, tables) => {
	const missing = changed((c) => {
		Object.assign(c.services[1] as object, { tunnel: 7 });
	});
	await session(t, tables, cli, [
		{
			type: "-",
			env: { input: json(missing) },
			code: 2,
			err: `cli_apply: -:1:${json(missing).indexOf('"tunnel":7') + 1}: services[1].tunnel: there is no tunnel 7\n`,
		},
		{
			type: "-",
			env: from(
				changed((c) =>
					Object.assign(c.config[0] as object, { interface: "none0" }),
				),
			),
			code: 3,
			err: 'cli_apply: no interface "none0"; see "ip -brief link"\n',
		},
		{
			type: "none.yaml",
			code: 2,
			err: "cli_apply: read none.yaml: no such file (ENOENT)\n",
		},
	]);
	t.deepEqual([...tables.open(tunnelTable).entries()], []);
});

it("a row that was changed by hand is put right by the same document", async (t, tables) => {
	await tables.run(cli, "-", from(gateway()));
	tables
		.open(encapTable)
		.delete({ address: Address.of("192.168.7.2"), port: 8080, proto: 6 });
	await session(t, tables, cli, [
		{
			type: "-",
			env: from(gateway()),
			out: "generation 1: 1 row written, 0 deleted\n",
		},
	]);
});

it("an address that is not this machine's is warned of", async (t, tables) => {
	const content = changed((c) => {
		Object.assign(c.tunnels[1] as object, { local: "203.0.113.2:6080" });
	});
	const { code, err } = await tables.run(cli, "-", from(content));
	t.is(code, 0);
	t.is(
		err,
		"cli_apply: warning: no interface has 203.0.113.2, the local address of a tunnel\n",
	);
});

it("a service without a signing key in a tunnel that requires tokens is warned of", async (t, tables) => {
	const content = changed((c) => {
		Object.assign(c.tunnels[0] as object, { token: "require" });
	});
	const { code, err } = await tables.run(cli, "-", from(content));
	t.is(code, 0);
	t.regex(
		err,
		/^cli_apply: warning: services? .* no signing key: .* dropped, for the token mode of tunnel \d+ is require; set .* with --signing-key\n$/,
	);
});

it("a second key is accepted, then sent, and counts as the old one", async (t, tables) => {
	const keys = (generation: number, ...texts: string[]) =>
		from(
			changed((c) => {
				c.metadata.generation = generation;
				Object.assign(c.services[0] ?? {}, {
					keys: texts.map((text) => ({ text })),
				});
			}),
		);
	const phase = () => {
		const [sid] = [...tables.open(rotationTable).entries()].map(([key]) => key);
		if (!sid) return undefined;
		const row = tables.open(rotationTable).get(sid);
		const verify = tables.open(verifyTable).get(sid);
		return row && verify && phaseOf(verify, row);
	};
	await session(t, tables, cli, [
		{ type: "-", env: keys(1, "old"), out: /^generation 1/ },
		{
			type: "- --dry-run",
			env: keys(2, "old", "new"),
			out: /^~ service \d+ \d+ .*, another second key \(was /,
		},
		{
			type: "-",
			env: keys(2, "old", "new"),
			out: "generation 2: 1 row written, 0 deleted\n",
		},
	]);
	t.is(phase(), "prepared");
	await session(t, tables, cli, [
		{
			type: "-",
			env: keys(3, "new", "old"),
			out: "generation 3: 2 rows written, 0 deleted\n",
		},
	]);
	t.is(phase(), "switched");
	const exported = await tables.run(cli, "export --show-keys");
	t.regex(exported.out, /keys: \[\{ text: new \}, \{ text: old \}\]/);
	await session(t, tables, cli, [
		{
			type: "-",
			env: keys(4, "new"),
			out: "generation 4: 0 rows written, 1 deleted\n",
		},
	]);
	t.is(phase(), undefined);
});

it("signing keys and what may move a far end are applied and exported", async (t, tables) => {
	const signed = changed((c) => {
		Object.assign(c.services[0] ?? {}, {
			signingKey: { text: "secret" },
			requireSigned: true,
		});
		Object.assign(c.tunnels[0] ?? {}, {
			moveAfter: "never",
			moveWithin: "192.0.2.0/24",
			token: "accept",
		});
		Object.assign(c.tunnels[1] as object, { sourcePort: "flow" });
	});
	await session(t, tables, cli, [
		{
			type: "-",
			env: from(signed),
			out: "generation 1: 16 rows written, 0 deleted\n",
		},
		{
			type: "- --dry-run",
			env: from(
				changed((c) => {
					c.metadata.generation = 2;
					Object.assign(c.services[0] ?? {}, {
						signingKey: { text: "another" },
					});
				}),
			),
			out: [
				"~ tunnel 100 127.0.0.1:6080 -> learned (was 127.0.0.1:6080 -> learned, moveAfter never, moveWithin 192.0.2.0/24, token accept)",
				"~ tunnel 101 127.0.0.1:6080 -> 10.0.0.2:6080 (was 127.0.0.1:6080 -> 10.0.0.2:6080, sourcePort flow)",
				"~ service 1 2 tcp 203.0.113.10:80 -> 192.168.7.2:8080 in tunnel 100, another signing key, signed pings not required (was tcp 203.0.113.10:80 -> 192.168.7.2:8080 in tunnel 100)",
				"3 differences, not applied: 1 row written, 3 deleted",
				"",
			].join("\n"),
		},
	]);
	// A ping moves no such far end, so it is none that was learned.
	const tunnels = tables.open(tunnelTable);
	const row = tunnels.get(101);
	if (row) tunnels.set(101, { ...row, lastPing: 5n });
	const exported = await tables.run(cli, "export --show-keys");
	t.regex(
		exported.out,
		/moveAfter: never, moveWithin: "192\.0\.2\.0\/24", token: accept/,
	);
	t.regex(exported.out, /remote: "?10\.0\.0\.2:6080"?, sourcePort: flow/);
	t.regex(exported.out, /signingKey: \{ text: secret \}, requireSigned: true/);
	const hidden = await tables.run(cli, "export");
	t.notRegex(hidden.out, /secret/);
	await session(t, tables, cli, [
		{
			type: "-",
			env: from(
				changed((c) => {
					c.metadata.generation = 2;
				}),
			),
			out: "generation 2: 0 rows written, 4 deleted\n",
		},
	]);
	t.deepEqual([...tables.open(signingTable).entries()], []);
	t.deepEqual([...tables.open(signedOnlyTable).entries()], []);
	t.deepEqual([...tables.open(tunnelOptionsTable).entries()], []);
});

it("a rotation of a service that signs is exported with both signing keys, and applied", async (t, tables) => {
	const rotating = (generation: number, [own, other]: [string, string]) =>
		changed((c) => {
			c.metadata.generation = generation;
			Object.assign(c.services[0] ?? {}, {
				keys: [{ text: `d-${own}` }, { text: `d-${other}` }],
				signingKey: { text: own },
				otherSigningKey: { text: other },
			});
		});
	await session(t, tables, cli, [
		{ type: "-", env: from(rotating(1, ["a", "b"])), out: /^generation 1/ },
	]);
	const row = () => [...tables.open(rotationTable).entries()][0]?.[1];
	const padded = (text: string) => Buffer.from(text.padEnd(16, "\0"));
	t.deepEqual(row()?.next.signing, padded("b"));
	const { out } = await tables.run(cli, "export --show-keys");
	t.regex(out, /signingKey: \{ text: a \}, otherSigningKey: \{ text: b \}/);
	t.regex((await tables.run(cli, "export")).out, /otherSigningKey: hidden/);
	await session(t, tables, cli, [
		{ type: "-", env: from(rotating(2, ["b", "a"])), out: /^generation 2/ },
	]);
	t.deepEqual(
		[row()?.old.signing, row()?.next.signing],
		[padded("a"), padded("b")],
	);
});

it("signing keys that are none are refused", (t, tables) => {
	const service = (fields: object) =>
		from(changed((c) => void Object.assign(c.services[0] ?? {}, fields)));
	return session(t, tables, cli, [
		{
			type: "-",
			env: service({ signingKey: { hex: "00".repeat(16) } }),
			code: 2,
			err: /services\[0\]: signingKey must not be all zero/,
		},
		{
			type: "- --dry-run",
			env: service({ signingKey: { hex: "00".repeat(8) + "11".repeat(8) } }),
			out: /./,
		},
		{
			type: "-",
			env: service({ otherSigningKey: { text: "b" } }),
			code: 2,
			err: /services\[0\]\.otherSigningKey: needs a signingKey and two keys/,
		},
	]);
});
