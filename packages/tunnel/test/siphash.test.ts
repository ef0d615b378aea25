import test from "ava";
import { dataKey, siphash128 } from "../src/index.js";

/** The key 00 01 … 0f and the messages 00 01 …: the vectors that come with SipHash's reference code. */
const key = Buffer.from(Array.from({ length: 16 }, (_, i) => i));
const message = (length: number) =>
	Buffer.from(Array.from({ length }, (_, i) => i));

test("SipHash-2-4-128 is that of its authors' vectors", (t) => {
	for (const [length, hash] of [
		[0, "a3817f04ba25a8e66df67214c7550293"],
		[1, "da87c1d86b99af44347659119b22fc45"],
		[2, "8177228da4a45dc7fca38bdef60affe4"],
		[8, "3b62a9ba6258f5610f83e264f31497b4"],
		[15, "5493e99933b0a8117e08ec0f97cfc3d9"],
	] as const)
		t.is(siphash128(key, message(length)).toString("hex"), hash, `${length}`);
});

test("the key of packets depends on signing key and sid", (t) => {
	const keys = [
		dataKey(key, { service: 1, group: 2 }),
		dataKey(key, { service: 2, group: 1 }),
		dataKey(Buffer.alloc(16, 1), { service: 1, group: 2 }),
	].map((one) => one.toString("hex"));
	t.is(new Set(keys).size, 3);
	t.deepEqual(
		dataKey(key, { service: 1, group: 2 }),
		siphash128(key, Buffer.from("6461746100010002", "hex")),
	);
});
