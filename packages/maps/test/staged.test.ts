// Needs root and a kernel with BPF.

import { needs, testWith, tunnelTables } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { Address } from "../src/address.js";
import {
	BpfError,
	flush,
	loadObject,
	StagedTable,
	wrapMap,
} from "../src/index.js";
import { type Tunnel, tunnelTable } from "../src/tables/index.js";

const it = testWith(test, needs.root, needs.bpf);

const tunnel = (port: number): Tunnel => ({
	local: Address.of("10.0.0.1"),
	remote: Address.of("2001:db8::1"),
	localPort: port,
	remotePort: 6080,
	lastPing: 7n,
});

/** A table with tunnels 1 to `entries`, each at the port of its number, and room for four. */
function tableWith(t: ExecutionContext, entries: number) {
	const object = loadObject(tunnelTables(), { maxEntries: { map_tunnel: 4 } });
	t.teardown(() => object.close());
	const kernel = wrapMap(tunnelTable, object.mapFd("map_tunnel"));
	for (let id = 1; id <= entries; id++) kernel.set(id, tunnel(id));
	const ports = () =>
		[...kernel.entries()]
			.map(([id, { localPort }]) => `${id} ${localPort}`)
			.sort();
	return { kernel, ports, staged: new StagedTable(tunnelTable, kernel) };
}

for (const whole of [false, true]) {
	const how = whole ? "read as a whole" : "read entry by entry";

	it(`a staged table ${how} gives what was set, else what the kernel has`, (t) => {
		const { staged, ports } = tableWith(t, 2);
		if (whole) staged.load();
		staged.set(1, tunnel(11));
		staged.set(3, tunnel(3));
		t.true(staged.delete(2));
		t.false(staged.delete(2));
		t.false(staged.delete(9));
		t.deepEqual(
			[1, 2, 3, 9].map((id) => staged.get(id)),
			[tunnel(11), undefined, tunnel(3), undefined],
		);
		t.deepEqual([...staged.entries()].map(([id]) => id).sort(), [1, 3]);
		t.deepEqual(ports(), ["1 1", "2 2"]);
		flush([staged]);
		t.deepEqual(ports(), ["1 11", "3 3"]);
	});

	it(`a staged table ${how} lists its differences, and no others`, (t) => {
		const { staged } = tableWith(t, 3);
		if (whole) staged.load();
		staged.set(1, tunnel(1));
		staged.set(2, tunnel(22));
		staged.set(2, tunnel(2));
		staged.delete(3);
		staged.set(3, tunnel(33));
		staged.set(4, tunnel(4));
		staged.delete(4);
		staged.set(5, tunnel(5));
		t.deepEqual(staged.counts, { added: 1, changed: 1, deleted: 0 });
		t.deepEqual(
			[...staged.differences()],
			[
				{ key: 3, before: tunnel(3), after: tunnel(33) },
				{ key: 5, before: undefined, after: tunnel(5) },
			],
		);
	});
}

it("clearing a staged table deletes what is not set again", (t) => {
	const { staged, ports } = tableWith(t, 3);
	staged.clear();
	t.is(staged.get(1), undefined);
	staged.set(1, tunnel(1));
	staged.set(2, tunnel(22));
	t.deepEqual(staged.counts, { added: 0, changed: 1, deleted: 1 });
	flush([staged]);
	t.deepEqual(ports(), ["1 1", "2 22"]);
});

it("more entries than fit are refused before the first is written", (t) => {
	const { staged, ports } = tableWith(t, 2);
	staged.load();
	for (const id of [5, 6, 7]) staged.set(id, tunnel(id));
	const error = t.throws(() => flush([staged]), { instanceOf: BpfError });
	t.is(
		error?.message,
		"write map_tunnel: the table is full (E2BIG); it holds 4 entries, 5 are wanted",
	);
	t.deepEqual(ports(), ["1 1", "2 2"]);
});

it("a full table is replaced: deletes go first where there is no room for both", (t) => {
	const { staged, ports } = tableWith(t, 4);
	staged.clear();
	for (const id of [5, 6, 7, 8]) staged.set(id, tunnel(id));
	flush([staged]);
	t.deepEqual(ports(), ["5 5", "6 6", "7 7", "8 8"]);
});

it("a flush that the kernel refuses half-way leaves the table as it was", (t) => {
	const { staged, ports } = tableWith(t, 3);
	// Not read as a whole, so that only the kernel knows that there is no room.
	staged.set(1, tunnel(11));
	staged.set(5, tunnel(5));
	staged.set(6, tunnel(6));
	staged.set(7, tunnel(7));
	staged.delete(2);
	const error = t.throws(() => flush([staged]), { instanceOf: BpfError });
	t.is(error?.code, "E2BIG");
	t.deepEqual(ports(), ["1 1", "2 2", "3 3"]);
});

it("a staged table of many entries finds each of them", (t) => {
	const object = loadObject(tunnelTables(), {
		maxEntries: { map_tunnel: 50_000 },
	});
	t.teardown(() => object.close());
	const kernel = wrapMap(tunnelTable, object.mapFd("map_tunnel"));
	const staged = new StagedTable(tunnelTable, kernel);
	for (let id = 0; id < 50_000; id++)
		staged.set(id * 7919, tunnel(id % 65_536));
	flush([staged]);
	t.is([...kernel.entries()].length, 50_000);
	const again = new StagedTable(tunnelTable, kernel);
	again.load();
	for (let id = 0; id < 50_000; id++) again.set(id * 7919, tunnel(id % 65_536));
	t.deepEqual(again.counts, { added: 0, changed: 0, deleted: 0 });
});
