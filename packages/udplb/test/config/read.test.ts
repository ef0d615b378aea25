import test from "ava";
import { parseConfig, readConfig } from "../../src/config/read.js";

const SEED = `- key:
    address: 1.2.3.4
    port: 1111
  options:
    tc_action: pass # \`pass\` or \`block\`
    strategy: src-ip # \`src-ip\` or \`src-port\`
  upstream:
    - address: 10.100.53.27
      port: 2222
`;

test("the seed's configuration is read as written there", (t) => {
	t.deepEqual(parseConfig("config.yaml", SEED).rules, [
		{
			address: "1.2.3.4",
			port: 1111,
			action: "pass",
			strategy: "src-ip",
			upstreams: [{ host: "10.100.53.27", port: 2222, weight: 1 }],
		},
	]);
});

test("options may be left out: pass, by source port, weight 1", (t) => {
	const [rule] = parseConfig(
		"config.yaml",
		`- {key: {address: "FD00::0:1", port: 1}, upstream: [{address: Pool.Example., port: 2}]}`,
	).rules;
	t.deepEqual(rule, {
		address: "fd00::1",
		port: 1,
		action: "pass",
		strategy: "src-port",
		upstreams: [{ host: "pool.example", port: 2, weight: 1 }],
	});
});

test("upstreams may be written once and named again", (t) => {
	const { rules } = parseConfig(
		"config.yaml",
		`- key: {address: 1.2.3.4, port: 1}
  upstream: &pool
    - {address: a.example, port: 1}
    - {address: b.example, port: 1, weight: 3}
- key: {address: 1.2.3.4, port: 2}
  upstream: *pool
`,
	);
	t.deepEqual(rules[0]?.upstreams, rules[1]?.upstreams);
	t.is(rules[1]?.upstreams[1]?.weight, 3);
});

const refused = test.macro({
	exec(t, text: string, ...messages: string[]) {
		const error = t.throws(() => parseConfig("config.yaml", text)) as Error & {
			kind?: string;
		};
		t.is(error.kind, "usage");
		t.deepEqual(error.message.split("\n"), messages);
	},
	title: (title) => `${title} is refused, with line and path`,
});

/** An entry with one of its parts replaced. */
const entry = (change: {
	port?: string;
	options?: string;
	upstream?: string;
}) =>
	`- key:
    address: 1.2.3.4
    port: ${change.port ?? 1111}
  options: ${change.options ?? "{}"}
  upstream: ${change.upstream ?? "[{address: 10.0.0.1, port: 1}]"}
`;

test(
	"an empty file",
	refused,
	"",
	"config.yaml:1: expected a list of keys, got nothing",
);
test(
	"an empty list",
	refused,
	"[]\n",
	"config.yaml:1: expected a list of keys, got an empty list",
);
test(
	"a mapping",
	refused,
	"# x\nkey: 1\n",
	"config.yaml:2: expected a list of keys, got a mapping",
);
test(
	"a text",
	refused,
	"hello\n",
	'config.yaml:1: expected a list of keys, got "hello"',
);
test(
	"a tab",
	refused,
	"- key:\n\taddress: 1.2.3.4\n",
	"config.yaml:2: not YAML: tabs are not allowed as indentation",
);
test(
	"what is not YAML",
	refused,
	`- key: {address: 1.2.3.4\n`,
	"config.yaml:2: not YAML: flow map in block collection must be sufficiently indented and end with a }",
);
test(
	"a key of YAML that comes twice",
	refused,
	`${entry({})}  upstream: []\n`,
	"config.yaml:6: not YAML: map keys must be unique",
);
test(
	"a wrong action",
	refused,
	entry({ options: "{tc_action: drop}" }),
	'config.yaml:4: [0].options.tc_action: expected "pass" or "block", got "drop"',
);
test(
	"a wrong strategy",
	refused,
	entry({ options: "{strategy: 5}" }),
	'config.yaml:4: [0].options.strategy: expected "src-ip" or "src-port", got 5',
);
test(
	"an unknown option",
	refused,
	entry({ options: "{action: pass}" }),
	"config.yaml:4: [0].options.action: unknown; expected tc_action and strategy",
);
for (const port of ["0", "65536", '"80"', "1.5", "-1", "http"])
	test(
		`port ${port}`,
		refused,
		entry({ port }),
		`config.yaml:3: [0].key.port: expected an integer from 1 to 65535, got ${port === "http" ? '"http"' : port}`,
	);
test(
	"a port that is missing",
	refused,
	"- key: {address: 1.2.3.4}\n  upstream: [{address: 10.0.0.1, port: 1}]\n",
	"config.yaml:1: [0].key.port: expected an integer from 1 to 65535, got nothing",
);
test(
	"no upstreams",
	refused,
	entry({ upstream: "[]" }),
	"config.yaml:5: [0].upstream: expected a list of 1 to 65535 upstreams, got an empty list",
);
test(
	"a missing list of upstreams",
	refused,
	"- key: {address: 1.2.3.4, port: 1}\n",
	"config.yaml:1: [0].upstream: expected a list of 1 to 65535 upstreams, got nothing",
);
test(
	"an unknown part of an entry",
	refused,
	`${entry({})}  upstreams: []\n`,
	"config.yaml:6: [0].upstreams: unknown; expected key, upstream and perhaps options",
);
for (const address of [
	"0.0.0.0",
	"::ffff:0.0.0.0",
	"::0.0.0.0",
	"239.1.2.3",
	"255.255.255.255",
	"1.2.3",
	"example",
	"010.0.0.1",
])
	test(
		`key address ${address}`,
		refused,
		`- key: {address: "${address}", port: 1}\n  upstream: [{address: 10.0.0.1, port: 1}]\n`,
		`config.yaml:1: [0].key.address: expected the IPv4 or IPv6 address of one host, got "${address}"`,
	);
for (const address of [
	"1.1.1.300",
	"a b",
	"-x",
	"ff02::1",
	"::",
	"::ffff:e000:1",
])
	test(
		`upstream address ${address}`,
		refused,
		entry({ upstream: `[{address: "${address}", port: 1}]` }),
		`config.yaml:5: [0].upstream[0].address: expected the IPv4 or IPv6 address of one host, or a host name, got "${address}"`,
	);
test(
	"an upstream of the other family",
	refused,
	entry({ upstream: `[{address: "fd00::1", port: 1}]` }),
	'config.yaml:5: [0].upstream[0].address: expected an IPv4 address, as the key has, got "fd00::1"',
);
test(
	"an upstream that is the key",
	refused,
	entry({ upstream: "[{address: 1.2.3.4, port: 1111}]" }),
	"config.yaml:5: [0].upstream[0]: expected another endpoint than the key, got 1.2.3.4:1111",
);
test(
	"an upstream that comes twice",
	refused,
	entry({ upstream: "[{address: a, port: 1}, {address: A., port: 1}]" }),
	"config.yaml:5: [0].upstream[1]: expected each upstream once, with a weight, got a:1 again",
);
test(
	"a key that comes twice",
	refused,
	`${entry({})}# again\n${entry({})}`,
	"config.yaml:7: [1].key: expected a key that is not there yet, got 1.2.3.4:1111 of line 1 again",
);
test(
	"a weight of 0",
	refused,
	entry({ upstream: "[{address: a, port: 1, weight: 0}]" }),
	"config.yaml:5: [0].upstream[0].weight: expected an integer from 1 to 65535, got 0",
);
test(
	"several mistakes at once, each",
	refused,
	entry({ port: "0" }) + entry({ options: "{strategy: x}" }),
	"config.yaml:3: [0].key.port: expected an integer from 1 to 65535, got 0",
	'config.yaml:9: [1].options.strategy: expected "src-ip" or "src-port", got "x"',
);

test("a file that does not exist or cannot be read is an error", (t) => {
	const missing = t.throws(() => readConfig("/nonexistent/c.yaml"));
	t.is(missing?.message, "read /nonexistent/c.yaml: no such file (ENOENT)");
	const directory = t.throws(() => readConfig("/"));
	t.is(directory?.message, "read /: it is a directory (EISDIR)");
});

/** The seed's configuration as programs write it. */
const JSON_SEED = [
	{
		key: { address: "1.2.3.4", port: 1111 },
		options: { tc_action: "pass", strategy: "src-ip" },
		upstream: [{ address: "10.100.53.27", port: 2222 }],
	},
];

test("JSON is read as the same YAML is, compact or indented", (t) => {
	for (const indent of [undefined, 2])
		t.deepEqual(
			parseConfig("c.json", JSON.stringify(JSON_SEED, null, indent)).rules,
			parseConfig("config.yaml", SEED).rules,
		);
});

test(
	"a mistake in JSON",
	refused,
	JSON.stringify(
		[...JSON_SEED, { key: { address: "1.2.3.4", port: 0 }, upstream: [] }],
		null,
		1,
	),
	"config.yaml:21: [1].key.port: expected an integer from 1 to 65535, got 0",
	"config.yaml:23: [1].upstream: expected a list of 1 to 65535 upstreams, got an empty list",
);

test("a file may begin with a byte order mark, have carriage returns, merge keys and empty options", (t) => {
	for (const text of [
		`\ufeff${SEED}`,
		`\ufeff${JSON.stringify(JSON_SEED)}`,
		SEED.replaceAll("\n", "\r\n"),
	])
		t.is(parseConfig("c", text).rules[0]?.upstreams[0]?.port, 2222);
	const [, rule] = parseConfig(
		"c",
		`- key: {address: 1.2.3.4, port: 1}
  options: &common {tc_action: block, strategy: src-ip}
  upstream: [{address: a, port: 1}]
- key: {address: 1.2.3.4, port: 2}
  options: {<<: *common, tc_action: pass}
  upstream: [{address: a, port: 1}]
`,
	).rules;
	t.like(rule, { action: "pass", strategy: "src-ip" });
	const [empty] = parseConfig("c", entry({ options: " " })).rules;
	t.like(empty, { action: "pass", strategy: "src-port" });
});

test(
	"an alias without an anchor",
	refused,
	`- key: {address: 1.2.3.4, port: 1}
  upstream:
    - {address: *pool, port: 1}
    - {address: *other, port: 1}
`,
	"config.yaml:3: not YAML: no anchor &pool before it",
	"config.yaml:4: not YAML: no anchor &other before it",
);

test(
	"aliases of aliases of aliases",
	refused,
	`- &a0 [x, x, x, x, x, x, x, x, x]\n${Array.from(
		{ length: 9 },
		(_, i) => `- &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]\n`,
	).join("")}`,
	"config.yaml:1: not YAML: excessive alias count indicates a resource exhaustion attack",
);

test("an anchor may be named by two hundred keys", (t) => {
	const keys = Array.from(
		{ length: 200 },
		(_, i) =>
			`- key: {address: 1.2.3.4, port: ${i + 1}}\n  upstream: ${i ? "*pool" : "&pool [{address: a, port: 1}]"}\n`,
	);
	t.is(parseConfig("c", keys.join("")).rules.length, 200);
});

test("more upstreams than memory can hold are refused before they are made", (t) => {
	const pool = Array.from({ length: 5000 }, () => ({}));
	const text = `- {key: {}, upstream: &pool ${JSON.stringify(pool)}}\n${"- {key: {}, upstream: *pool}\n".repeat(839)}`;
	t.throws(() => parseConfig("c", text), {
		message:
			"c:1: expected at most 65536 keys and 4194304 upstreams, got 840 and 4200000",
	});
});
