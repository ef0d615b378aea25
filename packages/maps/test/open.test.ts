// Needs root and a kernel with BPF.
import {
	existsSync,
	mkdirSync,
	readdirSync,
	readlinkSync,
	rmSync,
} from "node:fs";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { struct, u8, u32 } from "../src/codec.js";
import {
	BpfError,
	compare,
	defaultBpffs,
	isBpffs,
	loadObject,
	mapInfo,
	openTable,
	type Table,
	tcPins,
} from "../src/index.js";
import { arrayTable, hashTable, kinds, trieTable } from "./helpers/kinds.js";

const it = testWith(test, needs.root, needs.bpf);
if (process.getuid?.() === 0) test.before(() => ownNamespaces());

let made = 0;

/** A directory of a bpffs with the maps of the fixture pinned in it. */
function pinned(t: ExecutionContext): string {
	const directory = `/sys/fs/bpf/open-${++made}`;
	mkdirSync(directory);
	loadObject(kinds(), { pinDirectory: directory }).close();
	t.teardown(() => rmSync(directory, { recursive: true }));
	return directory;
}

const refusedWith = (t: ExecutionContext, open: () => unknown) => {
	const error = t.throws(open, { instanceOf: BpfError }) as BpfError;
	return { message: error.message, environment: error.environment };
};

it("a pinned map outlives what made it and is found by its name", (t) => {
	const directory = pinned(t);
	const one = openTable(hashTable, directory);
	one.set(1, { number: 1, port: 2, rest: 3 });
	one.close();
	const two = openTable(hashTable, directory);
	t.deepEqual(two.get(1), { number: 1, port: 2, rest: 3 });
	t.like(mapInfo(two.fd), {
		type: 1,
		id: two.id,
		keySize: 4,
		valueSize: 8,
		maxEntries: 50_000,
		flags: 1,
		name: "hash",
	});
	two.close();
});

it("another kind of map is refused with all differences at once", (t) => {
	const directory = pinned(t);
	const other: Table<unknown, unknown> = {
		name: "hash",
		type: "lru_hash",
		flags: 0,
		key: struct(5, { a: [0, u32] }),
		value: u8,
	};
	t.deepEqual(
		refusedWith(t, () => openTable(other, directory)),
		{
			message: `open ${directory}/hash: not the table expected: type is hash, not lru_hash, key size is 4, not 5, value size is 8, not 1, flags is 1, not 0 (EINVAL); it was made by another version; see the attached programs with scripts/show_tc.sh`,
			environment: true,
		},
	);
	t.deepEqual(
		compare(other, {
			type: 99,
			id: 1,
			keySize: 5,
			valueSize: 1,
			maxEntries: 1,
			flags: 0,
			name: "",
			btfId: 0,
			btfKeyType: 0,
			btfValueType: 0,
		}),
		["type is type 99, not lru_hash"],
	);
});

it("what is not pinned, and where, is said", (t) => {
	const directory = pinned(t);
	const absent = { ...arrayTable, name: "absent" };
	t.deepEqual(
		refusedWith(t, () => openTable(absent, directory)),
		{
			message: `open ${directory}/absent: no such pin (ENOENT)`,
			environment: true,
		},
	);
	t.deepEqual(
		refusedWith(t, () => openTable(absent, "/tmp")),
		{
			message:
				"open /tmp/absent: no such pin (ENOENT); there is no bpffs there",
			environment: true,
		},
	);
});

it("a directory is not a pin", (t) => {
	const directory = pinned(t);
	mkdirSync(`${directory}/array2`);
	const { environment } = refusedWith(t, () =>
		openTable({ ...arrayTable, name: "array2" }, directory),
	);
	t.true(environment);
});

it("a table opened to be read cannot be written", (t) => {
	const directory = pinned(t);
	openTable(hashTable, directory).set(1, { number: 1, port: 2, rest: 3 });
	const table = openTable(hashTable, directory, { readOnly: true });
	t.is(table.get(1)?.number, 1);
	t.is([...table.entries()].length, 1);
	t.deepEqual(
		refusedWith(t, () => table.set(1, { number: 2, port: 2, rest: 3 })),
		{
			message:
				"write hash: not permitted (EPERM); run as root or with CAP_BPF and CAP_NET_ADMIN",
			environment: true,
		},
	);
	t.throws(() => table.delete(1), {
		message: /^delete from hash: not permitted/,
	});
	t.throws(() => table.setMany([[1, { number: 2, port: 2, rest: 3 }]]), {
		message: /^write hash: not permitted/,
	});
	t.throws(() => table.deleteMany([1]), {
		message: /^delete from hash: not permitted/,
	});
});

/** How many descriptors of maps this process has. */
const openMaps = () =>
	readdirSync("/proc/self/fd").filter((fd) => {
		try {
			return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:bpf-map";
		} catch {
			return false;
		}
	}).length;

it("refusing a map closes it", (t) => {
	const directory = pinned(t);
	const before = openMaps();
	for (let i = 0; i < 10; i++)
		t.throws(() => openTable({ ...trieTable, name: "hash" }, directory));
	t.is(openMaps(), before);
});

it("a bpffs is distinguished from other file systems, also where the path does not exist yet", (t) => {
	t.true(isBpffs("/sys/fs/bpf"));
	t.true(isBpffs("/sys/fs/bpf/not/there"));
	t.false(isBpffs("/tmp"));
	t.false(isBpffs("/not/there"));
	t.false(existsSync("/sys/fs/bpf/not"));
});

test("the bpffs is TC_BPF_MNT's, else the usual one", (t) => {
	t.is(defaultBpffs({}), "/sys/fs/bpf");
	t.is(defaultBpffs({ TC_BPF_MNT: "" }), "/sys/fs/bpf");
	t.is(defaultBpffs({ TC_BPF_MNT: "/run/bpf" }), "/run/bpf");
	t.is(tcPins("/run/bpf"), "/run/bpf/tc/globals");
});
