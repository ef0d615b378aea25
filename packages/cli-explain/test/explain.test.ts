// Needs root: attaches programs in namespaces of its own.

import path from "node:path";
import { openTable } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	MOVE_NEVER,
	rotationTable,
	signedOnlyTable,
	signingTable,
	tunnelOptionsTable,
} from "@sluice/maps/tables";
import { compileBpf, needs, testWith } from "@sluice/testbed";
import { optionFlags } from "@sluice/tunnel";
import test from "ava";
import {
	egress,
	explain,
	ingress,
	isOfStack,
	key,
	makeGateway,
	pins,
	sid,
	traces,
} from "./helpers/gateway.js";

const serial = testWith(test.serial as typeof test, needs.root, needs.bpf);
test.before(makeGateway);

/** Puts a row into the attached program's tables. @returns removes it */
type Put = () => () => void;

interface Asked {
	line: string;
	/** Rows that are there meanwhile. */
	rows?: readonly Put[];
	/** What is printed, but for the program's own line. */
	says: string[];
}

const row =
	<K, V>(table: Parameters<typeof openTable<K, V>>[0], key: K, value: V): Put =>
	() => {
		const open = openTable(table, pins);
		open.set(key, value);
		return () => {
			open.delete(key);
			open.close();
		};
	};

function explains(title: string, { line, rows = [], says }: Asked): void {
	serial(`cli_explain says ${title}, and leaves no trace`, async (t) => {
		for (const put of rows) t.teardown(put());
		const before = traces();
		const { code, out, err } = await explain(line);
		t.deepEqual([code, err], [0, ""]);
		const [program, ...rest] = out.trimEnd().split("\n");
		t.regex(
			program ?? "",
			/^program {2}\d+ on eth0 (in|e)gress, .*\/pfc_(in|e)gress_tc\.o$/,
		);
		t.deepEqual(
			// What is said of the stack has tests of its own.
			rest.filter((one) => !isOfStack(one)),
			says,
		);
		t.deepEqual(traces(), before);
	});
}

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

explains("that a packet is too big, and which ICMP answers it", {
	line: `${egress} 10.0.0.9:4000 1.1.1.1:80 --size 1500`,
	says: [
		"packet   10.0.0.9:4000 > 1.1.1.1:80 tcp . 1460 bytes",
		...proxyRows,
		"outcome  too-big: it does not fit with the outer header: its sender gets an ICMP error with the MTU",
		"verdict  REDIRECT: the program sends it by an interface",
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

explains("that no table has a packet's addresses", {
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
		"outcome  decapsulated: the key is right: the outer header is removed, and the inner packet continues up the stack",
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

const ping = {
	line: `${ingress.replace("tcp", "udp")} 7.7.7.7:99 10.0.0.1:6080 --ping 7 --gue 1,2`,
	rows: [
		"packet   7.7.7.7:99 > 10.0.0.1:6080 udp 28 bytes | gue ping service 1 2 tunnel 7",
		...ingressRows,
		"row      TABLE-DECAP   udp 10.0.0.1:6080  1 tunnel",
		"row      TABLE-VERIFY  1 2  tunnel 7 proxy tcp 5.5.5.5:3100 backend tcp 1.1.1.1:80",
		"row      TABLE-TUNNEL  7  10.0.0.1:6080 -> 10.0.0.2:6081",
	],
};

explains("what a ping would be learned from it, without learning it", {
	line: ping.line,
	says: [
		...ping.rows,
		"outcome  ping-learned: a valid ping: the tunnel's remote becomes its sender",
		"verdict  SHOT: it ends here",
	],
});

const none = { signing: Buffer.alloc(16), packets: 0n, lastPacket: 0n };
explains("that the other key of a rotation is accepted", {
	line: `${ingress} 1.1.1.1:80 10.0.0.9:4000 --gue 1,2 --key another`,
	rows: [
		row(rotationTable, sid, {
			old: { ...none, key },
			next: { ...none, key: Buffer.from("another".padEnd(16, "\0")) },
		}),
	],
	says: [
		...tunnelPacket,
		"outcome  decapsulated: the key is right: the outer header is removed, and the inner packet continues up the stack",
		"verdict  OK: it goes on, past the filters behind",
		"result   1.1.1.1:80 > 10.0.0.9:4000 tcp . 0 bytes, 40 bytes",
	],
});
explains("that a ping must be signed", {
	line: ping.line,
	rows: [row(signedOnlyTable, 7, 1)],
	says: [
		...ping.rows,
		"outcome  ping-unsigned: an unsigned ping, where --require-signed refuses it",
		"verdict  SHOT: it ends here",
	],
});
/** A tunnel that requires tokens, of a service that signs. */
const tokens = [
	row(signingTable, sid, { key, challenge: key, flags: 0 }),
	row(tunnelOptionsTable, 7, {
		...{ within: Address.of("::"), withinBits: 0, moveAfter: 0 },
		flags: optionFlags("require", "fixed"),
	}),
];
explains("that a token is accepted where the tunnel requires one", {
	line: `${ingress} 1.1.1.1:80 10.0.0.9:4000 --gue 1,2`,
	rows: tokens,
	says: [
		...tunnelPacket,
		"outcome  decapsulated: the key is right: the outer header is removed, and the inner packet continues up the stack",
		"verdict  OK: it goes on, past the filters behind",
		"result   1.1.1.1:80 > 10.0.0.9:4000 tcp . 0 bytes, 40 bytes",
	],
});
explains("that a key is no token", {
	line: `${ingress} 1.1.1.1:80 10.0.0.9:4000 --gue 1,2 --key 0123456789abcdef`,
	rows: tokens,
	says: [
		...tunnelPacket,
		"outcome  token: a tunnel that requires tokens: the packet has none that is valid for its flow now, or there is no signing key to make one",
		"verdict  SHOT: it ends here",
	],
});
explains("that a far end is locked", {
	line: ping.line,
	rows: [
		row(tunnelOptionsTable, 7, {
			within: Address.of("::"),
			withinBits: 0,
			moveAfter: MOVE_NEVER,
			flags: 0,
		}),
	],
	says: [
		...ping.rows,
		"outcome  ping-locked: a ping that would move the far end to where, or when, --move-within or --move-after forbids it",
		"verdict  SHOT: it ends here",
	],
});

explains("what becomes of a router's ICMP error about a reply", {
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

explains("that an IPv6 fragment came before its first", {
	line: `${egress} [2001:db8::1]:4000 [2001:db8::2]:80 --fragment later`,
	says: [
		"packet   2001:db8::1 > 2001:db8::2 fragment 1@1480",
		...proxyRows.slice(0, 2),
		"row      TABLE-ENCAP   tcp [2001:db8::2]:80  -",
		"row      TABLE-NAT     tcp [2001:db8::1]:4000  -",
		"outcome  fragment-before-first: a later fragment whose first one, which has the ports, was not seen",
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
