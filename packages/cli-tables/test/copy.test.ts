// Needs root and BPF: copies entries between maps of the kernel.
import path from "node:path";
import {
	type LoadedObject,
	loadObject,
	mapInfo,
	openMapById,
} from "@sluice/maps";
import { compileBpf, needs, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { copyEntries, copyNewerPings } from "../src/copy.js";
import { sameLayout } from "../src/layout.js";
import { type Raw, rawMap, tableOf } from "../src/raw.js";

const bpfTest = testWith(test, needs.root, needs.bpf);

const source = path.join(import.meta.dirname, "fixtures/layouts.bpf.c");

function load(t: ExecutionContext, define: Record<string, string | number>) {
	const object = loadObject(compileBpf(source, { define }));
	t.teardown(() => object.close());
	return (name: string): Raw => map(t, object, name);
}

function map(t: ExecutionContext, object: LoadedObject, name: string): Raw {
	const raw = rawMap(name, openMapById(mapInfo(object.mapFd(name)).id));
	t.teardown(() => raw.close());
	return raw;
}

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

// name, wider, removed, two ports with their pads, last_ping
const BEFORE = bytes(
	"4142434445464748 04030201 ffffffff 1122aaaa 3344bbbb 0807060504030201",
);
// added, last_ping, two ports with their pads, wider, name
const AFTER = bytes(
	"0000000000000000 0807060504030201 1122aaaa 3344bbbb 0403020100000000 4142434445464748",
);

bpfTest(
	"entries are read with the old layout and written with the new",
	(t) => {
		const before = load(t, { ENTRIES: 16 });
		const after = load(t, { ENTRIES: 16, LATER: 1 });
		tableOf(before("table")).set(bytes("07000000"), [BEFORE]);
		const target = after("table");
		t.false(sameLayout(before("table"), target));
		t.is(copyEntries(before("table"), target), 1);
		const [entry] = [...tableOf(target).entries()];
		t.deepEqual(Buffer.from(entry?.[1][0] ?? []), AFTER);
		t.deepEqual(Buffer.from(entry?.[0] ?? []), bytes("00000000 07000000"));
	},
);

bpfTest("a value for each CPU is copied for each CPU", (t) => {
	const before = load(t, { ENTRIES: 16 });
	const after = load(t, { ENTRIES: 16, LATER: 1 });
	const from = tableOf(before("counters"));
	const cpus = (from.get(bytes("01000000")) ?? []).length;
	t.is(cpus, 0);
	from.set(bytes("01000000"), [BEFORE]);
	t.is(copyEntries(before("counters"), after("counters")), 1);
	const values = tableOf(after("counters")).get(bytes("01000000")) ?? [];
	t.deepEqual(Buffer.from(values[0] ?? []), AFTER);
});

bpfTest("a ring buffer has nothing to copy", (t) => {
	const before = load(t, { ENTRIES: 16 });
	t.is(copyEntries(before("ring"), before("ring")), undefined);
});

bpfTest("entries that do not fit are an error that says so", (t) => {
	const before = load(t, { ENTRIES: 16 });
	const small = load(t, { ENTRIES: 2 });
	const from = tableOf(before("table"));
	for (let i = 0; i < 3; i++) from.set(bytes(`0${i}000000`), [BEFORE]);
	t.true(sameLayout(before("table"), small("table")));
	t.throws(() => copyEntries(before("table"), small("table")), {
		message: "copy table: its entries do not fit in 2; nothing was changed",
	});
});

bpfTest(
	"of tunnels that both have, those with a newer ping are copied",
	(t) => {
		const before = load(t, { ENTRIES: 16 });
		const after = load(t, { ENTRIES: 16 });
		const ping = (time: string) => [
			Buffer.concat([BEFORE.subarray(0, 24), bytes(time)]),
		];
		const from = tableOf(before("table"));
		const to = tableOf(after("table"));
		const keys = ["01000000", "02000000", "03000000"].map(bytes) as [
			Buffer,
			Buffer,
			Buffer,
		];
		from.set(keys[0], ping("0000000000000001"));
		from.set(keys[1], ping("0500000000000000"));
		from.set(keys[2], ping("0500000000000000"));
		to.set(keys[0], ping("ffffffffffff0000"));
		to.set(keys[1], ping("0600000000000000"));
		t.is(copyNewerPings(before("table"), after("table")), 1);
		t.deepEqual(
			to.get(keys[0])?.map((one) => Buffer.from(one)),
			ping("0000000000000001"),
		);
		t.deepEqual(
			to.get(keys[1])?.map((one) => Buffer.from(one)),
			ping("0600000000000000"),
		);
		t.is(to.get(keys[2]), undefined);
	},
);
