import test from "ava";
import { parseConfig, readConfig } from "../src/config.js";
import { plainEntries } from "../src/plain.js";
import type { Rule } from "../src/rule.js";

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
	t.deepEqual(parseConfig("config.yaml", SEED), [
		{
			address: "1.2.3.4",
			port: 1111,
			action: "pass",
			strategy: "src-ip",
			upstreams: [{ host: "10.100.53.27", port: 2222, weight: 1, line: 8 }],
			line: 1,
		},
	]);
});

test("options may be left out: pass, by source port, weight 1", (t) => {
	const [rule] = parseConfig(
		"config.yaml",
		`- {key: {address: "FD00::0:1", port: 1}, upstream: [{address: Pool.Example., port: 2}]}`,
	);
	t.deepEqual(rule, {
		address: "fd00::1",
		port: 1,
		action: "pass",
		strategy: "src-port",
		upstreams: [{ host: "pool.example", port: 2, weight: 1, line: 1 }],
		line: 1,
	});
});

test("upstreams may be written once and named again", (t) => {
	const rules = parseConfig(
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
for (const address of ["1.1.1.300", "a b", "-x", "ff02::1", "::"])
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

test("a file that is not there, or cannot be read, is told", (t) => {
	const missing = t.throws(() => readConfig("/nonexistent/c.yaml"));
	t.is(missing?.message, "read /nonexistent/c.yaml: no such file (ENOENT)");
	const directory = t.throws(() => readConfig("/"));
	t.is(directory?.message, "read /: cannot be read (EISDIR)");
});

const alike = test.macro({
	exec(t, text: string) {
		const plain = plainEntries(text);
		t.truthy(plain, "it is not read line by line");
		// A brace makes it a case for YAML.
		const yaml = parseConfig(
			"c",
			`${text}- {key: {address: 9.9.9.9, port: 9}, upstream: [{address: z, port: 9}]}\n`,
		);
		t.deepEqual(plain, yaml.slice(0, -1) as Rule[]);
	},
	title: (title) => `read line by line or as YAML, ${title} is the same`,
});

test("the seed", alike, SEED);
test(
	"a longer file",
	alike,
	`# Two keys.
- key:
    port: 53 # first
    address: fd00::1

  upstream:
  - port: 1
    address: FD00::2
  - address: one.two.example.
    port: 65535
    weight: 7
- key:
    address: 1.2.3.4
    port: 53
  options:
    strategy: src-port
  upstream:
      - address: x-1_y
        port: 2
`,
);
test("a file with carriage returns", alike, SEED.replaceAll("\n", "\r\n"));

for (const [i, text] of [
	SEED.replace("1.2.3.4", '"1.2.3.4"'),
	SEED.replace("1111", "01111"),
	SEED.replace("10.100.53.27", "1e5"),
	SEED.replace("10.100.53.27", "true"),
	SEED.replace("10.100.53.27", "0x1f"),
	SEED.replace("      port: 2222", "     port: 2222"),
	SEED.replace("    port: 1111", "    port: 1111\n    port: 1111"),
	SEED.replace("pass #", "pass#"),
	SEED.replace("pass", "drop"),
	`---\n${SEED}`,
	`${SEED}  options:\n    strategy: src-ip\n`,
	SEED.replace("upstream:", "upstreams:"),
	SEED.replace(
		"  upstream:\n    - address: 10.100.53.27\n      port: 2222\n",
		"",
	),
	"",
].entries())
	test(`what is not plain is left to YAML, case ${i}`, (t) => {
		t.is(plainEntries(text), undefined);
	});
