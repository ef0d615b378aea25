// Needs root and a kernel with BPF.
import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import test from "ava";
import {
	BpfError,
	interfaceIndex,
	interfaceName,
	loadObject,
	openTable,
	programInfo,
} from "../src/index.js";
import { arrayTable, hashTable, kinds } from "./helpers/kinds.js";

const it = testWith(test, needs.root, needs.bpf);
if (process.getuid?.() === 0) test.before(() => ownNamespaces());

it("an object's programs and maps are found by name", (t) => {
	const object = loadObject(kinds());
	t.teardown(() => object.close());
	const program = object.program("nothing");
	t.like(programInfo(program.fd), { id: program.id, type: 3, name: "nothing" });
	t.is(program.testRun({ data: Buffer.alloc(64) }).verdict, 0);
	const table = object.table(arrayTable);
	table.set(1, 9);
	t.is(object.table(arrayTable).get(1), 9);
	table.close();
	t.is(object.table(arrayTable).get(1), 9);
	t.throws(() => object.program("none"), { message: /has no program "none"$/ });
	t.throws(() => object.mapFd("none"), { message: /has no map "none"$/ });
	t.deepEqual(
		readdirSync("/sys/fs/bpf").filter((name) => name === "hash"),
		[],
	);
});

it("maps are pinned, shared and sized as is asked for", (t) => {
	const directory = "/sys/fs/bpf/object";
	mkdirSync(directory);
	t.teardown(() => rmSync(directory, { recursive: true }));
	const options = { pinDirectory: directory, maxEntries: { hash: 5 } };
	const one = loadObject(kinds(), options);
	const two = loadObject(kinds(), options);
	const three = loadObject(kinds(), {
		reuse: { array: one.mapFd("array") },
	});
	for (const object of [one, two, three]) t.teardown(() => object.close());
	one.table(arrayTable).set(0, 1);
	t.is(two.table(arrayTable).get(0), 1);
	t.is(three.table(arrayTable).get(0), 1);
	t.is(openTable(hashTable, directory).maxEntries, 5);
	t.deepEqual(readdirSync(directory).sort(), [
		"array",
		"hash",
		"percpu",
		"trie",
	]);
	const program = one.program("nothing");
	program.pin(`${directory}/program`);
	t.throws(() => program.pin(`${directory}/program`), {
		message: `pin ${directory}/program: it is there already (EEXIST)`,
	});
	const other = t.throws(
		() =>
			loadObject(kinds(), { pinDirectory: directory, maxEntries: { hash: 6 } }),
		{ instanceOf: BpfError },
	);
	t.regex(
		other?.message ?? "",
		/^load .*couldn't reuse pinned map at '.*\/hash': parameter mismatch; .*\(EINVAL\)$/,
	);
});

it("what is no object is refused", (t) => {
	const directory = mkdtempSync(path.join(tmpdir(), "object-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	const file = path.join(directory, "x.o");
	t.throws(() => loadObject(file), {
		message: `load ${file}: no such file (ENOENT)`,
	});
	writeFileSync(file, "nonsense");
	t.regex(
		t.throws(() => loadObject(file), { instanceOf: BpfError })?.message ?? "",
		/^load .*x\.o: .* is not a proper ELF object \(\w+\)$/,
	);
});

it("interfaces are those of the process's own network namespace", (t) => {
	t.is(interfaceIndex("lo"), 1);
	t.is(interfaceName(1), "lo");
	t.is(interfaceIndex("eth0"), undefined);
	t.is(interfaceName(4_000_000), undefined);
	for (const name of ["", "a".repeat(16), "a".repeat(300), "ä/"])
		t.is(interfaceIndex(name), undefined);
});
