import {
	Killed,
	killedAtWrite,
	type PinnedTables,
	withTables,
} from "@sluice/cli-kit/testing";
import { natTable, verifyTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../src/cli.js";

const it = withTables(test);

/** What the tables hold of services, as text that can be compared; findings of `check` but for missing tunnels. */
async function state(tables: PinnedTables): Promise<string[]> {
	const { out } = await tables.run(cli, "get all --show-keys");
	return out.split("\n").sort();
}

async function findings(tables: PinnedTables): Promise<string[]> {
	const { out } = await tables.run(cli, "check --json");
	return JSON.parse(out)
		.findings.filter(({ code }: { code: string }) => code !== "NO_TUNNEL")
		.map(({ message }: { message: string }) => message);
}

/** A service whose requests are translated is complete: nothing is reachable by half. */
async function reachableByHalf(tables: PinnedTables): Promise<string[]> {
	const nat = tables.open(natTable);
	const services = [...tables.open(verifyTable).entries()];
	const half = new Set(
		services
			.filter(([, { proxy, backend }]) => {
				const to = nat.get(proxy);
				return to?.address !== backend.address || to.port !== backend.port;
			})
			.map(([{ service, group }]) => `service ${service} ${group}:`),
	);
	return (await findings(tables)).filter(
		(message) => ![...half].some((name) => message.startsWith(name)),
	);
}

const first = "set 1 1 tcp 5.5.5.1 80 1.1.1.1 8080 100 one";
const second = "set 2 1 tcp 5.5.5.2 80 1.1.1.2 8080 100 two";

for (const [title, line] of [
	["set of a new service", "set 3 1 tcp 5.5.5.3 80 1.1.1.3 8080 100 x"],
	["set that changes a key", "set 1 1 tcp 5.5.5.1 80 1.1.1.1 8080 100 x"],
	["set that changes a tunnel", "set 1 1 tcp 5.5.5.1 80 1.1.1.1 8080 9 one"],
	["set that moves a proxy", "set 1 1 tcp 5.5.5.9 80 1.1.1.1 8080 100 one"],
	["set that moves a backend", "set 1 1 tcp 5.5.5.1 80 1.1.1.9 8080 100 one"],
	["set that moves all", "set 1 1 udp 5.5.5.9 80 1.1.1.9 8080 9 x"],
	["set that swaps ends", "set 1 1 tcp 1.1.1.1 8080 5.5.5.1 80 100 one"],
	[
		"set that takes a proxy over",
		"set 3 1 tcp 5.5.5.1 80 1.1.1.3 8080 100 x --force",
	],
	[
		"set that takes a backend over",
		"set 3 1 tcp 5.5.5.3 80 1.1.1.1 8080 100 x --force",
	],
	[
		"set that takes over from two",
		"set 3 1 tcp 5.5.5.1 80 1.1.1.2 8080 100 x --force",
	],
	[
		"set of a service that takes over from another",
		"set 2 1 tcp 5.5.5.1 80 1.1.1.1 8080 100 two --force",
	],
	["del", "del 1 1"],
	["del all", "del all"],
] as const)
	it(`${title}, killed anywhere, is finished by the same again`, async (t, tables) => {
		const begin = async () => {
			await tables.run(cli, "del all");
			for (const command of [first, second]) await tables.run(cli, command);
		};
		await begin();
		t.is((await tables.run(cli, line)).code, 0);
		const whole = await state(tables);
		for (let writes = 0; ; writes++) {
			await begin();
			const kernel = killedAtWrite(writes);
			const ended = await tables.run(cli, line, { kernel });
			const finished = ended.code === 0;
			t.true(finished || ended.err.includes(Killed.name), ended.err);
			await tables.run(cli, `${line}`);
			t.deepEqual(await state(tables), whole, `after ${writes} writes`);
			t.deepEqual(await findings(tables), []);
			if (finished) {
				t.true(writes >= 4);
				return;
			}
		}
	});

for (const [title, line, repair] of [
	[
		"a new service",
		"set 3 1 tcp 5.5.5.3 80 1.1.1.3 8080 100 x",
		"del 3 1 --if-exists",
	],
	[
		"a service that moves",
		"set 1 1 udp 5.5.5.9 80 1.1.1.9 8080 9 x",
		"del 1 1",
	],
	["a service that moves", "set 1 1 udp 5.5.5.9 80 1.1.1.9 8080 9 x", first],
	["a service that goes", "del 1 1", first],
	["a takeover", "set 3 1 tcp 5.5.5.1 80 1.1.1.2 8080 100 x --force", second],
	[
		"a takeover",
		"set 3 1 tcp 5.5.5.1 80 1.1.1.2 8080 100 x --force",
		"del 2 1 --if-exists",
	],
] as const)
	it(`${title}, killed anywhere, is mended by ${repair}`, async (t, tables) => {
		for (let writes = 0; ; writes++) {
			await tables.run(cli, "del all");
			for (const command of [first, second]) await tables.run(cli, command);
			const kernel = killedAtWrite(writes);
			const { code } = await tables.run(cli, line, { kernel });
			t.deepEqual(await reachableByHalf(tables), [], `after ${writes} writes`);
			await tables.run(cli, repair);
			t.deepEqual(await findings(tables), [], `after ${writes} writes`);
			if (code === 0) return;
		}
	});
