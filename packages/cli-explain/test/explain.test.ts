// Needs root: attaches programs in namespaces of its own.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { runInProcess } from "@sluice/cli-kit/testing";
import { openRing, openTable } from "@sluice/maps";
import {
	configTable,
	decapTable,
	encapTable,
	eventsTable,
	natTable,
	statsTable,
	trafficTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import { compileBpf, needs, ownNamespaces, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../src/cli.js";

const serial = testWith(test.serial as typeof test, needs.root, needs.bpf);
const bpf = path.dirname(
	createRequire(import.meta.url).resolve("@sluice/bpf/package.json"),
);
const pins = "/sys/fs/bpf/tc/globals";
const key = Buffer.from("0123456789abcdef");
const udp = 17;
const tcp = 6;

const proxy = { address: "5.5.5.5", port: 3100, proto: tcp };
const backend = { address: "1.1.1.1", port: 80, proto: tcp };
const sid = { service: 1, group: 2 };

/** Objects as an installed machine has them: in a directory of their own. */
const objects = mkdtempSync(path.join(tmpdir(), "sluice-explain-"));
process.once("exit", () => rmSync(objects, { recursive: true }));

const ip = (...words: string[]) => execFileSync("ip", words);

test.before(() => {
	if (process.getuid?.() !== 0) return;
	ownNamespaces();
	ip("link", "set", "lo", "up");
	ip("link", "add", "eth0", "type", "veth", "peer", "name", "other");
	// Nothing but what is asked may be counted.
	writeFileSync("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	for (const device of ["eth0", "other"]) ip("link", "set", device, "up");
	ip("address", "add", "10.0.0.1/24", "dev", "eth0");
	ip("neigh", "add", "10.0.0.2", "lladdr", "02:00:00:00:00:09", "dev", "eth0");
	for (const name of ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"])
		execFileSync("sysctl", ["-qw", `${name}=1`]);
	ip("route", "add", "7.7.7.0/24", "via", "10.0.0.2");
	execFileSync("tc", ["qdisc", "add", "dev", "eth0", "clsact"]);
	for (const direction of ["ingress", "egress"]) {
		const object = compileBpf(
			path.join(bpf, `tunnel/pfc_${direction}_tc.bpf.c`),
			{ define: { TABLE_ENTRIES: 64 } },
		);
		execFileSync("cp", [object, `${objects}/pfc_${direction}_tc.o`]);
		attach(direction, object);
	}
	const set = <K, V>(
		table: Parameters<typeof openTable<K, V>>[0],
		k: K,
		v: V,
	) => openTable(table, pins).set(k, v);
	set(tunnelTable, 7, {
		local: "10.0.0.1",
		localPort: 6080,
		remote: "10.0.0.2",
		remotePort: 6081,
		lastPing: 0n,
	});
	set(decapTable, { address: "10.0.0.1", port: 6080, proto: udp }, 1);
	set(verifyTable, sid, { key, tunnel: 7, proxy, backend });
	set(encapTable, backend, { tunnel: 7, sid, key });
	set(natTable, proxy, backend);
	set(natTable, backend, proxy);
	set(configTable, { ifindex: 0, queue: 0 }, { id: 1, flags: 2, name: "gw" });
	set(configTable, { ifindex: 0, queue: 1 }, { id: 1, flags: 11, name: "gw" });
});

const attach = (direction: string, object: string) =>
	execFileSync("tc", [
		...["filter", "replace", "dev", "eth0", direction, "pref", "7717"],
		...["handle", "0x1", "protocol", "all", "bpf", "direct-action"],
		...["object-file", object, "section", "tc"],
	]);

const explain = (line: string) =>
	runInProcess(cli, line.split(" "), { vars: { SLUICE_BPF_DIR: objects } });

/** Everything that the programs write to. */
const traces = () => [
	...[statsTable, trafficTable, tunnelTable].map((table) => [
		...openTable<unknown, unknown>(table as never, pins).entries(),
	]),
	events(),
];

function events(): number {
	const ring = openRing(openTable(eventsTable, pins).fd, () => {});
	try {
		return ring.consume();
	} finally {
		ring.close();
	}
}

interface Asked {
	line: string;
	/** What is printed, but for the program's own line. */
	says: string[];
}

/** What is said of the stack has tests of its own. */
const withoutStack = (line: string) => !/^(route|hook|drops) /.test(line);

function explains(title: string, { line, says }: Asked): void {
	serial(`cli_explain says ${title}, and leaves no trace`, async (t) => {
		const before = traces();
		const { code, out, err } = await explain(line);
		t.deepEqual([code, err], [0, ""]);
		const [program, ...rest] = out.trimEnd().split("\n");
		t.regex(
			program ?? "",
			/^program {2}\d+ on eth0 (in|e)gress, .*\/pfc_(in|e)gress_tc\.o$/,
		);
		t.deepEqual(rest.filter(withoutStack), says);
		t.deepEqual(traces(), before);
	});
}

const egress = "--dev eth0 --dir egress --proto tcp";
const ingress = "--dev eth0 --dir ingress --proto tcp";
const proxyRows = [
	"row      TABLE-CONFIG  eth0 egress  -",
	"row      TABLE-CONFIG  * egress  id 1 flags 11 proxy,snat,dump gw",
	"row      TABLE-ENCAP   tcp 1.1.1.1:80  service 1 2 tunnel 7",
	"row      TABLE-TUNNEL  7  10.0.0.1:6080 -> 10.0.0.2:6081",
];
const ingressRows = [
	"row      TABLE-CONFIG  eth0 ingress  -",
	"row      TABLE-CONFIG  * ingress  id 1 flags 2 dnat gw",
];

explains("that a packet goes into the tunnel, its MSS lowered", {
	line: `${egress} 10.0.0.9:4000 1.1.1.1:80 --syn`,
	says: [
		"packet   10.0.0.9:4000 > 1.1.1.1:80 tcp S 0 bytes mss 1460",
		...proxyRows,
		"outcome  encapsulated: it goes into the tunnel",
		"verdict  OK: it goes on, past the filters behind",
		"result   10.0.0.1:6080 > 10.0.0.2:6081 udp 68 bytes | gue service 1 2 | 10.0.0.9:4000 > 1.1.1.1:80 tcp S 0 bytes mss 1408, 96 bytes",
	],
});

explains("that a packet is too big, and what its sender is told", {
	line: `${egress} 10.0.0.9:4000 1.1.1.1:80 --size 1500`,
	says: [
		"packet   10.0.0.9:4000 > 1.1.1.1:80 tcp . 1460 bytes",
		...proxyRows,
		"outcome  too-big: it does not fit with the outer header on it: its sender is told the size that does",
		"verdict  REDIRECT: it is sent where the program says",
		"result   1.1.1.1 > 10.0.0.9 icmp 3/4 mtu 1448, 576 bytes",
	],
});

explains("that a reply gets the proxy's address", {
	line: `${egress} 1.1.1.1:80 10.0.0.9:4000`,
	says: [
		"packet   1.1.1.1:80 > 10.0.0.9:4000 tcp . 0 bytes",
		...proxyRows.slice(0, 2),
		"row      TABLE-ENCAP   tcp 10.0.0.9:4000  -",
		"row      TABLE-NAT     tcp 1.1.1.1:80  tcp 5.5.5.5:3100",
		"outcome  snat: its source, a backend, became the proxy endpoint",
		"verdict  OK: it goes on, past the filters behind",
		"result   5.5.5.5:3100 > 10.0.0.9:4000 tcp . 0 bytes, 40 bytes",
	],
});

explains("that a request gets the backend's address", {
	line: `${ingress} 10.0.0.9:4000 5.5.5.5:3100`,
	says: [
		"packet   10.0.0.9:4000 > 5.5.5.5:3100 tcp . 0 bytes",
		...ingressRows,
		"row      TABLE-NAT     tcp 5.5.5.5:3100  tcp 1.1.1.1:80",
		"row      TABLE-ENCAP   tcp 5.5.5.5:3100  -",
		"outcome  dnat: its destination, a proxy endpoint, became the backend",
		"verdict  OK: it goes on, past the filters behind",
		"result   10.0.0.9:4000 > 1.1.1.1:80 tcp . 0 bytes, 40 bytes",
	],
});

explains("that nobody knows a packet", {
	line: `${ingress.replace("tcp", "udp")} [2001:db8::1]:4000 [2001:db8::2]:80`,
	says: [
		"packet   [2001:db8::1]:4000 > [2001:db8::2]:80 udp 0 bytes",
		...ingressRows,
		"row      TABLE-DECAP   udp [2001:db8::2]:80  -",
		"row      TABLE-NAT     udp [2001:db8::2]:80  -",
		"outcome  not-ours: no table knows it: the next filter decides, then the stack",
		"verdict  UNSPEC: the next filter decides",
		"result   [2001:db8::1]:4000 > [2001:db8::2]:80 udp 0 bytes, 48 bytes",
	],
});

const tunnelPacket = [
	"packet   10.0.0.2:6081 > 10.0.0.1:6080 udp 64 bytes | gue service 1 2 | 1.1.1.1:80 > 10.0.0.9:4000 tcp . 0 bytes",
	...ingressRows,
	"row      TABLE-DECAP   udp 10.0.0.1:6080  1 tunnel",
	"row      TABLE-VERIFY  1 2  tunnel 7 proxy tcp 5.5.5.5:3100 backend tcp 1.1.1.1:80",
];

explains("that a tunnel packet is taken out of its outer header", {
	line: `${ingress} 1.1.1.1:80 10.0.0.9:4000 --gue 1,2`,
	says: [
		...tunnelPacket,
		"outcome  decapsulated: the key is right: the outer header is taken off, the stack goes on with the inner packet",
		"verdict  OK: it goes on, past the filters behind",
		"result   1.1.1.1:80 > 10.0.0.9:4000 tcp . 0 bytes, 40 bytes",
	],
});

explains("that a tunnel packet's key is wrong", {
	line: `${ingress} 1.1.1.1:80 10.0.0.9:4000 --gue 1,2 --key another`,
	says: [
		...tunnelPacket,
		"outcome  wrong-key: the key is not the service's",
		"verdict  SHOT: it ends here",
	],
});

explains("what a ping would be learned from it, without learning it", {
	line: `${ingress.replace("tcp", "udp")} 7.7.7.7:99 10.0.0.1:6080 --ping 7 --gue 1,2`,
	says: [
		"packet   7.7.7.7:99 > 10.0.0.1:6080 udp 28 bytes | gue ping service 1 2 tunnel 7",
		...ingressRows,
		"row      TABLE-DECAP   udp 10.0.0.1:6080  1 tunnel",
		"row      TABLE-VERIFY  1 2  tunnel 7 proxy tcp 5.5.5.5:3100 backend tcp 1.1.1.1:80",
		"row      TABLE-TUNNEL  7  10.0.0.1:6080 -> 10.0.0.2:6081",
		"outcome  ping-learned: a valid ping: the tunnel's remote becomes its sender",
		"verdict  SHOT: it ends here",
	],
});

interface StackCase {
	line: string;
	/** Runs before, and after it. */
	prepare?: string;
	undo?: string;
	says: string[];
}

const stackCases: Readonly<Record<string, StackCase>> = {
	"that no route leads to the backend": {
		line: `${egress} 10.0.0.9:4000 1.1.1.1:80`,
		says: [
			"route    -",
			"hook     no hook is reached",
			"drops    the stack drops it: no route to 1.1.1.1: network is unreachable",
		],
	},
	"that the backend's route leads to the hook": {
		prepare: "ip route add 1.1.1.1 via 10.0.0.2",
		line: `${egress} 10.0.0.9:4000 1.1.1.1:80`,
		undo: "ip route del 1.1.1.1",
		says: [
			"route    1.1.1.1 via 10.0.0.2 dev eth0",
			"hook     eth0 egress is reached",
		],
	},
	"that the packet leaves by another interface": {
		prepare: "ip route add 1.1.1.1 dev other",
		line: `${egress} 10.0.0.9:4000 1.1.1.1:80`,
		undo: "ip route del 1.1.1.1",
		says: [
			"route    1.1.1.1 dev other",
			"hook     eth0 egress is not reached: the packet leaves by other",
		],
	},
	"by which hook a translated packet leaves": {
		prepare: "ip route add 1.1.1.1 via 10.0.0.2",
		line: `${ingress} 10.0.0.9:4000 5.5.5.5:3100`,
		undo: "ip route del 1.1.1.1",
		says: [
			"route    1.1.1.1 via 10.0.0.2 dev eth0",
			"hook     eth0 egress, program N",
		],
	},
	"that a hook has no program": {
		prepare: "ip route add 1.1.1.1 dev other",
		line: `${ingress} 10.0.0.9:4000 5.5.5.5:3100`,
		undo: "ip route del 1.1.1.1",
		says: [
			"route    1.1.1.1 dev other",
			"hook     no program of ours on other egress: the packet leaves as it is",
		],
	},
	"that forwarding is off": {
		prepare:
			"ip route add 1.1.1.1 via 10.0.0.2; sysctl -qw net.ipv4.conf.eth0.forwarding=0",
		line: `${ingress} 10.0.0.9:4000 5.5.5.5:3100`,
		undo: "ip route del 1.1.1.1; sysctl -qw net.ipv4.conf.eth0.forwarding=1",
		says: [
			"route    -",
			"hook     no hook is reached",
			"drops    the stack drops it: forwarding is off: net.ipv4.conf.eth0.forwarding",
		],
	},
	"that rp_filter drops it": {
		prepare:
			"ip route add 1.1.1.1 via 10.0.0.2; sysctl -qw net.ipv4.conf.eth0.rp_filter=1",
		line: `${ingress} 9.9.9.9:4000 5.5.5.5:3100`,
		undo: "ip route del 1.1.1.1; sysctl -qw net.ipv4.conf.eth0.rp_filter=0",
		says: [
			"route    -",
			"hook     no hook is reached",
			"drops    the stack drops it: rp_filter of eth0: the route back to 9.9.9.9 leads through another interface, or there is none",
		],
	},
	"that a source of this host is martian": {
		prepare: "ip route add 1.1.1.1 via 10.0.0.2",
		line: `${ingress} 10.0.0.1:4000 5.5.5.5:3100`,
		undo: "ip route del 1.1.1.1",
		says: [
			"route    -",
			"hook     no hook is reached",
			"drops    the stack drops it: 10.0.0.1 cannot come in by eth0: it is an address of this host, or of none (martian)",
		],
	},
	"that a packet is for this host": {
		line: `${ingress} 10.0.0.9:4000 10.0.0.1:22`,
		says: [
			"route    10.0.0.1 is local",
			"hook     it is delivered to this host",
		],
	},
	"nothing of the stack where the program ends the packet": {
		line: `${ingress} 1.1.1.1:80 10.0.0.9:4000 --gue 1,2 --key another`,
		says: [],
	},
};

for (const [title, { line, prepare, undo, says }] of Object.entries(stackCases))
	serial(`cli_explain says ${title}`, async (t) => {
		const sh = (script = ":") => execFileSync("sh", ["-ec", script]);
		sh(prepare);
		const { out } = await explain(line);
		sh(undo);
		t.deepEqual(
			out
				.trimEnd()
				.split("\n")
				.filter((one) => !withoutStack(one))
				.map((one) => one.replace(/program \d+/, "program N")),
			says,
		);
	});

explains("what becomes of a router's complaint about a reply", {
	line: `${ingress} 5.5.5.5:3100 10.0.0.9:4000 --icmp 10.0.0.2 --mtu 1300`,
	says: [
		"packet   10.0.0.2 > 5.5.5.5 icmp 3/4 mtu 1300",
		...ingressRows,
		"row      TABLE-NAT     tcp 5.5.5.5:3100  tcp 1.1.1.1:80",
		"row      TABLE-ENCAP   tcp 5.5.5.5:3100  -",
		"outcome  dnat: its destination, a proxy endpoint, became the backend",
		"verdict  OK: it goes on, past the filters behind",
		"result   10.0.0.2 > 1.1.1.1 icmp 3/4 mtu 1300, 56 bytes",
	],
});

explains("that the first fragment goes into the tunnel", {
	line: `${egress} 10.0.0.9:4000 1.1.1.1:80 --fragment first --size 600`,
	says: [
		"packet   10.0.0.9:4000 > 1.1.1.1:80 tcp . 564 bytes fragment 1@0+",
		...proxyRows,
		"outcome  encapsulated: it goes into the tunnel",
		"verdict  OK: it goes on, past the filters behind",
		"result   10.0.0.1:6080 > 10.0.0.2:6081 udp 628 bytes | gue service 1 2 | 10.0.0.9:4000 > 1.1.1.1:80 tcp . 564 bytes fragment 1@0+, 656 bytes",
	],
});

explains("that a later fragment follows its first", {
	line: `${egress} 10.0.0.9:4000 1.1.1.1:80 --fragment later`,
	says: [
		"packet   10.0.0.9 > 1.1.1.1 fragment 1@1480",
		...proxyRows,
		"outcome  encapsulated: it goes into the tunnel",
		"verdict  OK: it goes on, past the filters behind",
		"result   10.0.0.1:6080 > 10.0.0.2:6081 udp 52 bytes | gue service 1 2 | 10.0.0.9 > 1.1.1.1 fragment 1@1480, 80 bytes",
	],
});

explains("that an IPv6 fragment is nobody's", {
	line: `${egress} [2001:db8::1]:4000 [2001:db8::2]:80 --fragment later`,
	says: [
		"packet   2001:db8::1 > 2001:db8::2 fragment 1@1480",
		...proxyRows.slice(0, 2),
		"row      TABLE-ENCAP   tcp [2001:db8::2]:80  -",
		"row      TABLE-NAT     tcp [2001:db8::1]:4000  -",
		"outcome  fragment-before-first: a later fragment, whose first one, with the ports, was not seen",
		"verdict  UNSPEC: the next filter decides",
		"result   2001:db8::1 > 2001:db8::2 fragment 1@1480, 56 bytes",
	],
});

serial("cli_explain --json has the same as a document", async (t) => {
	const { out } = await explain(`${egress} 10.0.0.9:4000 1.1.1.1:80 --json`);
	t.like(JSON.parse(out), {
		outcome: "encapsulated",
		fate: "done",
		verdict: { number: 0, name: "OK" },
		size: 92,
		packet: { cut: false },
	});
});

const fails = (
	title: string,
	line: string,
	code: number,
	err: string | RegExp,
) =>
	serial(`cli_explain refuses ${title}`, async (t) => {
		const ended = await explain(line);
		t.is(ended.code, code);
		if (typeof err === "string") t.is(ended.err, err);
		else t.regex(ended.err, err);
		t.is(ended.out, "");
	});

fails(
	"an interface that is not there",
	`${egress.replace("eth0", "eth9")} 1.1.1.1:1 2.2.2.2:2`,
	3,
	'cli_explain: no interface "eth9"; see "ip -brief link"\n',
);
fails(
	"a hook without our program",
	`${egress.replace("eth0", "other")} 1.1.1.1:1 2.2.2.2:2`,
	3,
	"cli_explain: no program of ours on other egress; attach it with attach_tc.sh other egress\n",
);
const other = compileBpf(
	path.join(import.meta.dirname, "fixtures/other.bpf.c"),
);
fails(
	"an object that is not the attached program",
	`${egress} 1.1.1.1:1 2.2.2.2:2 --object ${other}`,
	1,
	/^cli_explain: program \d+ on eth0 egress was not made from .*; name the object that is attached with --object, or put this one there with reattach_tc.sh eth0 egress\n$/,
);
fails(
	"an object without the program",
	`${ingress} 1.1.1.1:1 2.2.2.2:2 --object ${other}`,
	1,
	`cli_explain: ${other} has no program pfc_ingress; name the object that is attached with --object\n`,
);
fails(
	"a service that is not there",
	`${ingress} 1.1.1.1:1 2.2.2.2:2 --gue 9,9`,
	3,
	"cli_explain: no service 9 9; say the outer header with --outer SRC:PORT,DST:PORT\n",
);
fails(
	"a source without a port",
	`${egress} 1.1.1.1 2.2.2.2:2`,
	2,
	'cli_explain: source must be ADDRESS:PORT, an IPv6 address in brackets, got "1.1.1.1"\n',
);
fails(
	"a packet smaller than its headers",
	`${egress} 1.1.1.1:1 2.2.2.2:2 --size 39`,
	2,
	'cli_explain: size must be an integer from 40 to 3500, got "39"\n',
);
fails(
	"two families",
	`${egress} 1.1.1.1:1 [::1]:2`,
	2,
	"cli_explain: source and destination must be of one family\n",
);
