// Needs root and BPF: attaches programs in namespaces of its own.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { runInProcess } from "@sluice/cli-kit/testing";
import {
	attachTcx,
	interfaceIndex,
	loadObject,
	tcxPrograms,
} from "@sluice/maps";
import { compileBpf, needs, ownNamespaces, testWith } from "@sluice/testbed";
import { allTcxPrograms } from "@sluice/tunnel/hooks";
import test, { type ExecutionContext } from "ava";
import { cli } from "../src/cli.js";

const source = path.join(import.meta.dirname, "fixtures/programs.bpf.c");
const LOOPBACK = 1;

let hasTcx = false;
if (process.getuid?.() === 0)
	test.before(() => {
		ownNamespaces();
		hasTcx = tcxPrograms(LOOPBACK, "ingress") !== undefined;
		for (const name of ["one", "-two"])
			execFileSync("ip", ["link", "add", "name", name, "type", "veth"]);
	});

/** Runs a line, which is to print this. */
type Says = (
	line: string,
	expected: { out?: string; err?: string; code?: number },
) => Promise<void>;

/** A test of the commands about tcx. A kernel without it says so. */
function it(
	title: string,
	implementation: (t: ExecutionContext, says: Says) => Promise<void>,
): void {
	testWith(
		test.serial,
		needs.root,
		needs.bpf,
	)(title, async (t) => {
		const says: Says = async (line, { out = "", err = "", code = 0 }) => {
			const ended = await runInProcess(cli, line.split(" "));
			t.like(ended, { out, err, code }, line);
		};
		if (hasTcx) return implementation(t, says);
		const none =
			"the kernel has no tcx; Linux 6.6 and later have it; attach without --tcx";
		await says("hooks", {
			err: `cli_tables: hooks: ${none}\n`,
			code: 4,
		});
		await says("attach one ingress /sys/fs/bpf/x", {
			err: `cli_tables: attach: ${none}\n`,
			code: 4,
		});
	});
}

/** A program of this name, pinned under it with its id. */
function pinned(t: ExecutionContext, name: string) {
	const object = loadObject(compileBpf(source, { define: { NAME: name } }));
	const program = object.program(name);
	const pin = `/sys/fs/bpf/${program.id}`;
	program.pin(pin);
	t.teardown(() => {
		object.close();
		execFileSync("rm", [pin]);
	});
	return { ...program, fd: program.fd, id: program.id, pin };
}

it("a program replaces those of its own name, and no other", async (t, says) => {
	const theirs = pinned(t, "theirs");
	const [first, second, third] = [1, 2, 3].map(() => pinned(t, "pfc_ingress"));
	if (!first || !second || !third) return t.fail();
	const attach = ({ id, pin }: { id: number; pin: string }) =>
		says(`attach one ingress ${pin}`, {
			out: `program ${id} attached to one ingress\n`,
		});
	const ifindex = interfaceIndex("one") as number;
	const ids = () => tcxPrograms(ifindex, "ingress");

	await attach(first);
	await attach(theirs);
	await attach(second);
	t.deepEqual(ids(), [second.id, theirs.id]);
	await attach(second);
	t.deepEqual(ids(), [second.id, theirs.id]);
	// Another tool has attached it a second time.
	attachTcx(third.fd, ifindex, "ingress");
	await attach(first);
	t.deepEqual(ids(), [first.id, theirs.id]);
	attachTcx(third.fd, ifindex, "ingress");
	await attach(third);
	t.deepEqual(ids(), [theirs.id, third.id]);

	await says("hooks", {
		out: `one ingress ${theirs.id} theirs\none ingress ${third.id} pfc_ingress\n`,
	});
	for (const { id } of [theirs, third]) {
		await says(`detach one ingress ${id}`, {});
		await says(`detach one ingress ${id}`, {
			err: `cli_tables: detach: program ${id} is not attached to one ingress by tcx; see "cli_tables hooks"\n`,
			code: 3,
		});
	}
	await says("hooks", {});
});

it("an interface may begin with a dash", async (t, says) => {
	const { id, pin } = pinned(t, "pfc_egress");
	await says(`attach -- -two egress ${pin}`, {
		out: `program ${id} attached to -two egress\n`,
	});
	await says("hooks", { out: `-two egress ${id} pfc_egress\n` });
	await says(`detach -- -two egress ${id}`, {});
});

it("what is not there is named", async (_, says) => {
	await says("attach nope ingress /sys/fs/bpf/x", {
		err: 'cli_tables: attach: no interface "nope"; see "ip -brief link"\n',
		code: 3,
	});
	await says("attach one ingress /sys/fs/bpf/x", {
		err: "cli_tables: attach: open /sys/fs/bpf/x: no such pin (ENOENT)\n",
		code: 4,
	});
	await says("attach one sideways /sys/fs/bpf/x", {
		err: 'cli_tables: attach: the direction must be ingress or egress, got "sideways"\n',
		code: 2,
	});
	await says("detach one ingress 0", {
		err: 'cli_tables: detach: a program id must be a positive integer, got "0"\n',
		code: 2,
	});
});

it("an interface or a program that goes meanwhile is left out", async (t) => {
	const { id } = pinned(t, "pfc_ingress");
	const maps = await import("@sluice/maps");
	const hooks = (answers: Partial<typeof maps>) =>
		allTcxPrograms({
			...maps,
			interfaceNames: () => ["one"],
			tcxPrograms: (_, hook) => (hook === "ingress" ? [id, 0x7fff_ffff] : []),
			...answers,
		});
	t.deepEqual(hooks({}), [
		{ device: "one", direction: "ingress", programId: id, name: "pfc_ingress" },
	]);
	// What the kernel answers where the interface went after its index was looked up.
	t.deepEqual(
		hooks({ tcxPrograms: () => maps.tcxPrograms(4_000_000, "ingress") }),
		[],
	);
	t.deepEqual(hooks({ interfaceIndex: () => undefined }), []);
});
