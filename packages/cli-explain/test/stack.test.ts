// Needs root: attaches programs in namespaces of its own.
import { execFileSync } from "node:child_process";
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import {
	egress,
	explain,
	ingress,
	isOfStack,
	makeGateway,
	setFlags,
	traces,
} from "./helpers/gateway.js";

const serial = testWith(test.serial as typeof test, needs.root, needs.bpf);
test.before(makeGateway);

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

const sh = (script = ":") => execFileSync("sh", ["-ec", script]);

/** The lines that are printed, but for those on the program, the packet and the tables' rows. */
async function afterRows(line: string): Promise<string[]> {
	const { out, err } = await explain(line);
	if (err !== "") throw new Error(err);
	return out
		.trimEnd()
		.split("\n")
		.filter((one) => !/^(program|packet|row) /.test(one))
		.map((one) => one.replace(/program \d+/, "program N"));
}

for (const [title, { line, prepare, undo, says }] of Object.entries(stackCases))
	serial(`cli_explain says ${title}`, async (t) => {
		sh(prepare);
		const said = await afterRows(line);
		sh(undo);
		t.deepEqual(said.filter(isOfStack), says);
	});

/** By the lines after the rows, with the flag fast. */
const fastCases: Readonly<Record<string, Pick<StackCase, "line" | "says">>> = {
	"that a request goes into the tunnel on the fast path": {
		line: `${ingress} 10.0.0.9:4000 5.5.5.5:3100`,
		says: [
			"outcome  dnat: its destination, a proxy endpoint, became the backend, and it is encapsulated: the fast path",
			"verdict  REDIRECT: the program sends it by an interface",
			"result   10.0.0.1:6080 > 10.0.0.2:6081 udp 64 bytes | gue service 1 2 | 10.0.0.9:4000 > 1.1.1.1:80 tcp . 0 bytes, 92 bytes",
		],
	},
	"that a reply goes to the client on the fast path": {
		line: `${ingress} 1.1.1.1:80 10.0.0.2:4000 --gue 1,2`,
		says: [
			"outcome  decapsulated: the key is right: the outer header is removed, its source became the proxy endpoint, and it is sent to the client: the fast path",
			"verdict  REDIRECT: the program sends it by an interface",
			"result   5.5.5.5:3100 > 10.0.0.2:4000 tcp . 0 bytes, 40 bytes",
		],
	},
	"that a fragment goes to the stack, not on the fast path": {
		line: `${ingress} 10.0.0.9:4000 5.5.5.5:3100 --fragment first --size 600`,
		says: [
			"outcome  dnat: its destination, a proxy endpoint, became the backend",
			"verdict  OK: it goes on, past the filters behind",
			"result   10.0.0.9:4000 > 1.1.1.1:80 tcp . 564 bytes fragment 1@0+, 604 bytes",
			"route    1.1.1.1 via 10.0.0.2 dev eth0",
			"hook     eth0 egress, program N",
		],
	},
	"that a packet that is too big goes to the stack, not on the fast path": {
		line: `${ingress} 10.0.0.9:4000 5.5.5.5:3100 --size 1500`,
		says: [
			"outcome  dnat: its destination, a proxy endpoint, became the backend",
			"verdict  OK: it goes on, past the filters behind",
			"result   10.0.0.9:4000 > 1.1.1.1:80 tcp . 1460 bytes, 1500 bytes",
			"route    1.1.1.1 via 10.0.0.2 dev eth0",
			"hook     eth0 egress, program N",
		],
	},
};

for (const [title, { line, says }] of Object.entries(fastCases))
	serial(`cli_explain says ${title}`, async (t) => {
		sh("ip route add 1.1.1.1 via 10.0.0.2");
		setFlags("ingress", "gue", "dnat", "fast");
		setFlags("egress", "proxy", "snat", "fib");
		const before = traces();
		const said = await afterRows(line);
		t.deepEqual(traces(), before);
		sh("ip route del 1.1.1.1");
		t.deepEqual(said, says);
	});
