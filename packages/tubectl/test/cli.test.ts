import { statSync } from "node:fs";
import test from "ava";
import { version } from "../src/version.js";
import { kernelTest, ownHost } from "./helpers/own-host.js";
import { json, must, tubectl } from "./helpers/tubectl.js";

test.before(ownHost);
test.afterEach.always(() => tubectl("unload"));

test("version prints the version", async (t) => {
	t.is(
		await must("version"),
		`tubectl version: ${version} (node runtime ${process.version})\n`,
	);
	t.deepEqual(await json("version"), { version });
	t.is(await must("--version"), `${version}\n`);
});

const mistakes: [line: string[], message: string][] = [
	[
		["bind"],
		"missing: <label> <protocol> <prefix> <port>\nusage: tubectl bind <label> <protocol> <prefix> <port>",
	],
	[
		["bind", "foo", "tcp", "::1", "80", "more"],
		'unexpected argument "more"\nusage: tubectl bind <label> <protocol> <prefix> <port>',
	],
	[
		["bind", "foo", "icmp", "::1", "80"],
		'protocol must be tcp or udp, got "icmp"',
	],
	[
		["bind", "foo", "tcp", "::1", "http"],
		'port must be an integer from 0 to 65535, got "http"',
	],
	[
		["bind", "foo", "tcp", "::1", "65536"],
		'port must be an integer from 0 to 65535, got "65536"',
	],
	[
		["bind", "--", "foo", "tcp", "::1", "-1"],
		'port must be an integer from 0 to 65535, got "-1"',
	],
	[
		["bind", "", "tcp", "::1", "80"],
		"label must be 1 to 255 bytes long, got 0 bytes",
	],
	[
		["bind", "a\ufffd", "tcp", "::1", "80"],
		'label must be UTF-8, got "a\ufffd"; write other bytes as \\xHH, as status prints them',
	],
	[
		["unbind", "foo", "tcp", "1.1", "80"],
		'prefix must be an IP address or a prefix such as 192.0.2.0/24, got "1.1"',
	],
	[["bindings", "icmp"], 'protocol must be tcp or udp, got "icmp"'],
	[
		["register-pid", "0", "foo", "tcp", "::1", "80"],
		'pid must be an integer from 1 to 4194304, got "0"',
	],
	[
		["register-pid", "1", "foo", "tcp", "::1", "0"],
		'port must be an integer from 1 to 65535, got "0"',
	],
	[
		["register-pid", "1", "foo", "tcp", "::1/128", "1"],
		'ip must be an IPv4 or IPv6 address, got "::1/128"',
	],
	[
		["unregister", "foo", "inet", "tcp"],
		'domain must be ipv4 or ipv6, got "inet"',
	],
	[
		["metrics", "127.0.0.256", "80"],
		'address must be an IP address or a host name, got "127.0.0.256"',
	],
	[
		["metrics", "localhost", "no-such-service"],
		'port must be an integer from 0 to 65535 or a service of /etc/services, got "no-such-service"',
	],
	[
		["metrics", "127.0.0.1", "80", "-timeout", "0s"],
		'timeout must be more than 0, got "0s"',
	],
	[
		["who", "tcp", "::1", "0"],
		'port must be an integer from 1 to 65535, got "0"',
	],
];
for (const [line, message] of mistakes)
	test(`Bad usage is an error: ${JSON.stringify(line)}`, async (t) => {
		t.deepEqual(await tubectl(...line), {
			code: 2,
			out: "",
			err: `tubectl: ${line[0]}: ${message}\n`,
		});
	});

test("An unknown command is an error", async (t) => {
	t.deepEqual(await tubectl("lod"), {
		code: 2,
		out: "",
		err: 'tubectl: unknown command "lod"; did you mean "load"?\n',
	});
});

kernelTest("Errors in JSON have a code and a hint", async (t) => {
	const { code, out, err } = await tubectl("--json", "status");
	t.is(code, 4);
	t.is(out, "");
	const { ino } = statSync("/proc/self/ns/net");
	t.deepEqual(JSON.parse(err), {
		error: {
			code: "NOT_LOADED",
			message: `dispatcher not loaded in /sys/fs/bpf/${ino}_dispatcher`,
			hint: 'load it with "tubectl load"',
		},
	});
});

kernelTest("bind and unbind say what they did", async (t) => {
	await must("load");
	t.is(
		await must("bind", "foo", "tcp", "127.0.0.1", "80"),
		"bound foo#tcp:[127.0.0.1/32]:80\n",
	);
	t.is(
		await must("bind", "foo", "tcp", "127.0.0.1", "80"),
		"bound foo#tcp:[127.0.0.1/32]:80\n",
	);
	t.deepEqual(await tubectl("unbind", "bar", "tcp", "127.0.0.1", "80"), {
		code: 3,
		out: "",
		err: 'tubectl: unbind: no binding bar#tcp:[127.0.0.1/32]:80: it leads to "foo"\n',
	});
	t.is(
		await must("unbind", "foo", "tcp", "127.0.0.1", "80"),
		"Removed foo#tcp:[127.0.0.1/32]:80\n",
	);
	t.deepEqual(await tubectl("unbind", "foo", "tcp", "127.0.0.1", "80"), {
		code: 3,
		out: "",
		err: "tubectl: unbind: no binding foo#tcp:[127.0.0.1/32]:80\n",
	});
	t.deepEqual(await json("status"), { bindings: [], destinations: [] });
});

kernelTest(
	"A binding of another label is replaced, and its destination let go",
	async (t) => {
		await must("load");
		await must("bind", "foo", "tcp", "127.0.0.1", "80");
		await must("bind", "bar", "tcp", "127.0.0.1", "80");
		t.like(await json("status"), {
			bindings: [{ label: "bar" }],
			destinations: [{ label: "bar", bindings: 1 }],
		});
	},
);

kernelTest("status of an empty label shows everything", async (t) => {
	await must("load");
	await must("bind", "foo", "tcp", "127.0.0.1", "80");
	t.is(await must("status", ""), await must("status"));
	t.like((await json("status", "")).bindings, [{ label: "foo" }]);
});

kernelTest("Bits beyond a prefix are cleared everywhere", async (t) => {
	await must("load");
	t.is(
		await must("bind", "foo", "tcp", "127.0.0.1/8", "80"),
		"bound foo#tcp:[127.0.0.0/8]:80\n",
	);
	t.is((await json("bindings", "tcp", "127.1.2.3/16")).bindings.length, 1);
	t.is(
		await must("unbind", "foo", "tcp", "127.255.0.0/8", "80"),
		"Removed foo#tcp:[127.0.0.0/8]:80\n",
	);
});

kernelTest("A label may be 255 bytes long", async (t) => {
	const label = `${"ö".repeat(127)}o`;
	await must("load");
	await must("bind", label, "tcp", "127.0.0.1", "80");
	t.is((await json("status")).destinations[0].label, label);
	await must("unbind", label, "tcp", "127.0.0.1", "80");
});

kernelTest("bindings asks for some", async (t) => {
	await must("load");
	t.is(await must("bindings"), "no bindings matched\n");
	t.deepEqual(await json("bindings"), { bindings: [] });
	await must("bind", "foo", "tcp", "127.0.0.0/8", "0");
	await must("bind", "foo", "udp", "127.0.0.1", "53");
	await must("bind", "foo", "udp", "::1", "53");
	const count = async (...args: string[]) =>
		(await json("bindings", ...args)).bindings.length;
	t.is(await count("udp"), 2);
	t.is(await count("any", "127.0.0.0/16"), 2);
	t.is(await count("any", "::1", "53"), 1);
	t.is(await count("any", "127.0.0.1", "54"), 1);
});

kernelTest(
	"list says that it is deprecated, then does as status",
	async (t) => {
		await must("load");
		await must("bind", "foo", "tcp", "127.0.0.0/8", "0");
		const status = await tubectl("status");
		t.deepEqual(await tubectl("list"), {
			...status,
			err: `tubectl: list: deprecated; use "tubectl status"\n${status.err}`,
		});
	},
);

kernelTest(
	"Ids are given away again only when nothing refers to them",
	async (t) => {
		await must("load");
		await must("bind", "a", "tcp", "127.0.0.1", "1");
		await must("bind", "b", "tcp", "127.0.0.1", "2");
		await must("unbind", "a", "tcp", "127.0.0.1", "1");
		await must("bind", "c", "tcp", "127.0.0.1", "3");
		await must("bind", "a", "tcp", "127.0.0.1", "4");
		t.deepEqual(
			(await json("bindings")).bindings.map(
				({ label, port }: { label: string; port: number }) =>
					`${label} ${port}`,
			),
			["b 2", "c 3", "a 4"],
		);
	},
);
