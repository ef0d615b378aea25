import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
	close,
	loadObject,
	openPin,
	openTable,
	replaceProgram,
} from "@sluice/maps";
import { destinationsTable } from "@sluice/maps/tables";
import { compileBpf } from "@sluice/testbed";
import test from "ava";
import { version } from "../../src/version.js";
import { attached, directory, PINS, states } from "../helpers/dispatcher.js";
import { killedAt } from "../helpers/killed.js";
import { kernelTest, ownHost } from "../helpers/own-host.js";
import { greeter, greeting } from "../helpers/servers.js";
import { json, must, registerOwn, tubectl } from "../helpers/tubectl.js";

test.before(ownHost);
test.afterEach.always(() => tubectl("unload"));

/** The pins once something was changed. */
const WRITTEN_PINS = [...PINS, "journal"].sort();

kernelTest(
	"upgrade counts bindings again, and leaves no directory for tubular to refuse",
	async (t) => {
		await must("load");
		const destinations = openTable(destinationsTable, directory());
		const foo = { label: "foo", domain: 2, protocol: 6 };
		destinations.set(foo, { id: 9, count: 1 });
		destinations.close();
		await must("bind", "bar", "tcp", "127.0.0.1", "80");
		const before = await json("status");
		t.is(before.destinations.length, 2);
		await must("upgrade");
		t.deepEqual(readdirSync(directory()).sort(), WRITTEN_PINS);
		t.is(states().length, 1);
		const after = await json("status");
		t.deepEqual(after.bindings, before.bindings);
		t.like(after.destinations, [{ label: "bar", bindings: 1 }]);
		t.is(after.destinations.length, 1);
	},
);

kernelTest("The mark of release 0.1.0 is seen, and removed", async (t) => {
	await must("load");
	await must("bind", "foo", "tcp", "127.0.0.1", "80");
	const destinations = openTable(destinationsTable, directory());
	const [[key, value] = []] = [...destinations.entries()];
	if (!key || !value) return t.fail();
	destinations.set(key, { ...value, count: 7 });
	destinations.close();
	mkdirSync(join(directory(), "changing"));
	await must("bind", "foo", "tcp", "127.0.0.2", "80");
	t.like((await json("status")).destinations, [{ bindings: 2 }]);
	t.deepEqual(readdirSync(directory()).sort(), WRITTEN_PINS);
});

kernelTest("upgrade replaces the program and keeps the state", async (t) => {
	await must("load");
	const { server, port } = await greeter(t, "foo");
	await must("bind", "foo", "tcp", "127.1.0.0/16", "0");
	await registerOwn("foo", port);
	const before = await json("status");
	const out = await must("upgrade");
	t.regex(
		out,
		new RegExp(`^Upgraded dispatcher to ${version}, program ID #\\d+\n$`),
	);
	t.deepEqual(await json("status"), before);
	t.is(await greeting("127.1.2.3", 99), "foo");
	t.is(attached(), 1);
	server.close();
});

/** Puts another program into a dispatcher's link and pin. */
function replaceWith(object: string, state: string): void {
	const loaded = loadObject(object);
	const program = loaded.program("dispatcher");
	const link = openPin(`${state}/link`);
	replaceProgram(link, program.fd);
	rmSync(`${state}/program`);
	program.pin(`${state}/program`);
	close(link);
	loaded.close();
}

for (const step of ["loaded", "pinned", "replaced", "renamed"])
	kernelTest(
		`An upgrade killed after "${step}" leaves the old program or the new`,
		async (t) => {
			await must("load");
			const { port } = await greeter(t, "foo");
			await must("bind", "foo", "tcp", "127.1.0.0/16", "0");
			await registerOwn("foo", port);
			killedAt(t, "upgrade", step);
			t.is(await greeting("127.1.2.3", 99), "foo");
			await must("bind", "foo", "tcp", "127.2.0.0/16", "0");
			t.is(await greeting("127.2.2.3", 99), "foo");
			await must("upgrade");
			t.is(await greeting("127.1.2.3", 99), "foo");
			t.false(readdirSync(directory()).includes("program-upgrade"));
			t.is(attached(), 1);
		},
	);

kernelTest(
	"Another tool's program is not driven, until it is upgraded",
	async (t) => {
		await must("load");
		await must("bind", "foo", "tcp", "127.0.0.1", "80");
		// As loaded by a tool that does not put a version into its program.
		const foreign = compileBpf(
			join(import.meta.dirname, "../fixtures/foreign.bpf.c"),
		);
		replaceWith(foreign, directory());
		t.is((await json("status")).bindings.length, 1);
		t.deepEqual(await tubectl("bind", "foo", "tcp", "127.0.0.2", "80"), {
			code: 1,
			out: "",
			err: 'tubectl: bind: the loaded dispatcher is another tool\'s, this tubectl drives version 1; replace the program and keep its state with "tubectl upgrade"\n',
		});
		await must("upgrade");
		await must("bind", "foo", "tcp", "127.0.0.2", "80");
		t.is((await json("bindings")).bindings.length, 2);
	},
);

kernelTest(
	"Pinned maps of another layout are refused, all differences named",
	async (t) => {
		await must("load");
		rmSync(`${directory()}/destinations`);
		execFileSync("bpftool", [
			...["map", "create", `${directory()}/destinations`, "type", "array"],
			...["key", "4", "value", "16", "entries", "1024", "name", "destinations"],
		]);
		const { code, err } = await tubectl("upgrade");
		t.is(code, 4);
		t.true(
			err.includes(
				"type is array, not hash, key size is 4, not 257, value size is 16, not 8",
			),
			err,
		);
		rmSync(`${directory()}/link`);
	},
);
