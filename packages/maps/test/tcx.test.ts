// Needs root and a kernel with BPF. What a kernel without tcx answers is tested on such a one.
import { execFileSync } from "node:child_process";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import {
	attachTcx,
	BpfError,
	detachTcx,
	interfaceIndex,
	loadObject,
	tcxPrograms,
} from "../src/index.js";
import { kinds } from "./helpers/kinds.js";

const LOOPBACK = 1;

let hasTcx = false;
if (process.getuid?.() === 0)
	test.before(() => {
		ownNamespaces();
		hasTcx = tcxPrograms(LOOPBACK, "ingress") !== undefined;
	});

/** A test of its own interface. A kernel without tcx has no programs there and attaches none. */
function it(
	title: string,
	implementation: (t: ExecutionContext, ifindex: number) => void,
): void {
	testWith(
		test.serial,
		needs.root,
		needs.bpf,
	)(title, (t) => {
		execFileSync("ip", ["link", "add", "one", "type", "veth"]);
		t.teardown(() => execFileSync("ip", ["link", "del", "one"]));
		const ifindex = interfaceIndex("one") as number;
		if (hasTcx) return implementation(t, ifindex);
		t.is(tcxPrograms(ifindex, "ingress"), undefined);
		const { fd } = program(t);
		throws(t, () => attachTcx(fd, ifindex, "ingress"), "EINVAL");
	});
}

function program(t: ExecutionContext) {
	const object = loadObject(kinds());
	t.teardown(() => object.close());
	return object.program("nothing");
}

const throws = (t: ExecutionContext, act: () => void, code: string) =>
	t.throws(act, { instanceOf: BpfError, code });

it("programs run in the order in which they were attached", (t, ifindex) => {
	const [one, two] = [program(t), program(t)];
	t.deepEqual(tcxPrograms(ifindex, "egress"), []);
	attachTcx(one.fd, ifindex, "egress");
	attachTcx(two.fd, ifindex, "egress");
	t.deepEqual(tcxPrograms(ifindex, "egress"), [one.id, two.id]);
	t.deepEqual(tcxPrograms(ifindex, "ingress"), []);
	throws(t, () => attachTcx(one.fd, ifindex, "egress"), "EEXIST");
	detachTcx(one.fd, ifindex, "egress");
	t.deepEqual(tcxPrograms(ifindex, "egress"), [two.id]);
	throws(t, () => detachTcx(one.fd, ifindex, "egress"), "ENOENT");
});

it("a program takes the place of another", (t, ifindex) => {
	const [one, two, three] = [program(t), program(t), program(t)];
	attachTcx(one.fd, ifindex, "ingress");
	attachTcx(two.fd, ifindex, "ingress");
	attachTcx(three.fd, ifindex, "ingress", one.fd);
	t.deepEqual(tcxPrograms(ifindex, "ingress"), [three.id, two.id]);
	throws(t, () => attachTcx(one.fd, ifindex, "ingress", one.fd), "ENOENT");
});

it("a hook that is full says so, and a program is replaced there", (t, ifindex) => {
	const all = Array.from({ length: 63 }, () => program(t));
	for (const { fd } of all) attachTcx(fd, ifindex, "ingress");
	t.deepEqual(
		tcxPrograms(ifindex, "ingress"),
		all.map(({ id }) => id),
	);
	const one = program(t);
	t.throws(() => attachTcx(one.fd, ifindex, "ingress"), {
		instanceOf: BpfError,
		message:
			"attach to tcx ingress: it has 63 programs, the most that a hook takes (ERANGE)",
	});
	attachTcx(one.fd, ifindex, "ingress", all[7]?.fd);
	t.is(tcxPrograms(ifindex, "ingress")?.[7], one.id);
});

it("an interface that is not there is an error", (t) => {
	throws(t, () => tcxPrograms(4_000_000, "ingress"), "ENODEV");
	const { fd } = program(t);
	throws(t, () => attachTcx(fd, 4_000_000, "ingress"), "ENODEV");
});
