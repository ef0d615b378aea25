import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { type LoadedObject, loadObject, openRing } from "../src/index.js";

const it = testWith(test, needs.root, needs.bpf);
const directory = mkdtempSync(path.join(tmpdir(), "ring-"));
const object = path.join(directory, "ring.o");

test.before(() => {
	const source = path.join(import.meta.dirname, "fixtures", "ring.bpf.c");
	execFileSync("clang", [
		...["-target", "bpf", "-O2", "-g", "-c", source, "-o", object],
		...[
			"-idirafter",
			`/usr/include/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`,
		],
	]);
});
test.after.always(() => rmSync(directory, { recursive: true }));

/** Makes the program write events holding the numbers from `first` on. */
function write(loaded: LoadedObject, first: number, count: number): void {
	const program = loaded.program("copy");
	for (let i = first; i < first + count; i++) {
		const data = Buffer.alloc(64);
		data.writeBigUInt64LE(BigInt(i), 14);
		program.testRun({ data });
	}
}

it("a ring hands out events in order, in the event loop", async (t) => {
	const loaded = loadObject(object);
	t.teardown(() => loaded.close());
	const seen: number[] = [];
	const ring = openRing(loaded.mapFd("ring"), (event) =>
		seen.push(Number(event.readBigUInt64LE())),
	);
	t.teardown(() => ring.close());
	write(loaded, 1, 3);
	t.deepEqual(seen, []);
	while (seen.length < 3) await setImmediate();
	write(loaded, 4, 1);
	while (seen.length < 4) await setImmediate();
	t.deepEqual(seen, [1, 2, 3, 4]);
});

it("a ring gives events that wait at once when asked, a batch at a time", (t) => {
	const loaded = loadObject(object);
	t.teardown(() => loaded.close());
	write(loaded, 0, 1500);
	const seen: number[] = [];
	const ring = openRing(loaded.mapFd("ring"), (event) =>
		seen.push(Number(event.readBigUInt64LE())),
	);
	t.teardown(() => ring.close());
	t.is(ring.consume(), 1024);
	t.is(ring.consume(), 476);
	t.is(ring.consume(), 0);
	t.deepEqual(
		seen,
		Array.from({ length: 1500 }, (_, i) => i),
	);
});

it("an event outlives the place it was read from", (t) => {
	const loaded = loadObject(object);
	t.teardown(() => loaded.close());
	const seen: Buffer[] = [];
	const ring = openRing(loaded.mapFd("ring"), (event) => seen.push(event));
	// Once around the ring: 64 KiB hold 4096 events of 16 bytes.
	for (let first = 0; first < 6000; first += 1000) {
		write(loaded, first, 1000);
		ring.consume();
	}
	ring.close();
	t.is(seen[0]?.readBigUInt64LE(), 0n);
	t.is(seen.length, 6000);
});

it("what the reader of a ring throws comes out of consume, and the next event after it", (t) => {
	const loaded = loadObject(object);
	t.teardown(() => loaded.close());
	write(loaded, 0, 2);
	const seen: number[] = [];
	const ring = openRing(loaded.mapFd("ring"), (event) => {
		const number = Number(event.readBigUInt64LE());
		if (number === 0) throw new Error("not a zero");
		seen.push(number);
	});
	t.teardown(() => ring.close());
	t.throws(() => ring.consume(), { message: "not a zero" });
	t.is(ring.consume(), 1);
	t.deepEqual(seen, [1]);
});

it("a closed ring hands out nothing more", async (t) => {
	const loaded = loadObject(object);
	t.teardown(() => loaded.close());
	const ring = openRing(loaded.mapFd("ring"), () => t.fail());
	ring.close();
	write(loaded, 0, 1);
	await setTimeout(20);
	t.is(ring.consume(), 0);
	ring.close();
});

it("a descriptor that is not a ring buffer is refused", (t) => {
	const error = t.throws(() => openRing(0, () => {}));
	t.is(
		error.message,
		"read the ring buffer: the kernel refuses the arguments (EINVAL)",
	);
});
