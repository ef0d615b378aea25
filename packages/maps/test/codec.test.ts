import test from "ava";
import { Address } from "../src/address.js";
import {
	address,
	bytes,
	type Codec,
	perCpu,
	struct,
	text,
	u8,
	u16,
	u16be,
	u32,
	u64,
} from "../src/codec.js";
import { possibleCpus } from "../src/cpus.js";

/** Writes `value` at offset 2 among bytes of ee, and reads it again. */
const writes = test.macro({
	title: (_, name: string, __, value) =>
		`${name} writes ${typeof value === "object" ? JSON.stringify(value) : String(value)}`,
	exec<T>(
		t: import("ava").ExecutionContext,
		_: string,
		codec: Codec<T>,
		value: T,
		expected: string,
	) {
		// A struct that is used often is compiled.
		for (let use = 0; use < 60; use++) {
			const buffer = Buffer.alloc(codec.size + 4, 0xee);
			codec.write(buffer, 2, value);
			t.is(buffer.toString("hex"), `eeee${expected.replaceAll(" ", "")}eeee`);
			t.deepEqual(codec.read(buffer, 2), value);
		}
	},
});

test(writes, "u8", u8, 0xab, "ab");
test(writes, "u16", u16, 0x1234, "3412");
test(writes, "u16be", u16be, 0x1234, "1234");
test(writes, "u32", u32, 0xfedcba98, "98badcfe");
test(writes, "u64", u64, 0x0123456789abcdefn, "efcdab8967452301");
test(writes, "u64", u64, 0xffffffffffffffffn, "ffffffffffffffff");
test(writes, "text", text(4), "", "00000000");
test(writes, "text", text(4), "ab", "61620000");
test(writes, "text", text(4), "abcd", "61626364");
test(writes, "text", text(4), "€", "e282ac00");
test(writes, "bytes", bytes(3), Buffer.from([1, 0, 3]), "010003");
test(
	writes,
	"address",
	address,
	Address.of("1.2.30.255"),
	"00000000000000000000ffff01021eff",
);
test(
	writes,
	"address",
	address,
	Address.of("0.0.0.0"),
	"00000000000000000000ffff00000000",
);
test(
	writes,
	"address",
	address,
	Address.of("::"),
	"00000000000000000000000000000000",
);
test(
	writes,
	"address",
	address,
	Address.of("2001:db8::ff:0:1"),
	"20010db800000000000000ff00000001",
);

const port = struct(8, { port: [2, u16be], flag: [4, u8], rest: [6, u16] });
test(
	writes,
	"struct",
	port,
	{ port: 80, flag: 1, rest: 2 },
	"0000 0050 01 00 0200",
);
const nested = struct(12, { at: [0, port], id: [8, u32] });
test(
	writes,
	"a struct in a struct",
	nested,
	{ at: { port: 1, flag: 2, rest: 3 }, id: 4 },
	"0000 0001 02 00 0300 04000000",
);

test("shorter bytes are zero padded", (t) => {
	const buffer = Buffer.alloc(4, 0xee);
	bytes(4).write(buffer, 0, Buffer.from([1, 2]));
	t.is(buffer.toString("hex"), "01020000");
});

test("bytes that are read do not change with the buffer", (t) => {
	const buffer = Buffer.from("abcd");
	const value = bytes(4).read(buffer, 0);
	buffer.fill(0);
	t.is(value.toString(), "abcd");
});

test("what does not fit is refused, never cut", (t) => {
	const buffer = Buffer.alloc(8);
	t.throws(() => text(4).write(buffer, 0, "abcde"), {
		instanceOf: RangeError,
		message: '"abcde" is longer than 4 bytes',
	});
	t.throws(() => text(4).write(buffer, 0, "ä€"), {
		message: '"ä€" is longer than 4 bytes',
	});
	t.throws(() => bytes(2).write(buffer, 0, Buffer.alloc(3)), {
		instanceOf: RangeError,
		message: "3 bytes do not fit in 2",
	});
	t.throws(() => u16.write(buffer, 0, 65_536), { instanceOf: RangeError });
	t.throws(() => u32.write(buffer, 0, -1), { instanceOf: RangeError });
	t.throws(() => u64.write(buffer, 0, 1n << 64n), { instanceOf: RangeError });
});

test("per-CPU values have eight bytes each at least", (t) => {
	const codec = perCpu(u32);
	t.is(codec.size, 8 * possibleCpus());
	t.is(codec.kernelSize, 4);
	const buffer = Buffer.alloc(codec.size);
	const values = Array.from({ length: possibleCpus() }, (_, cpu) => cpu + 1);
	codec.write(buffer, 0, values);
	t.is(buffer.readUInt32LE(8 * (possibleCpus() - 1)), possibleCpus());
	t.deepEqual(codec.read(buffer, 0), values);
});

/** RFC 5952, section 4 and 5: how an address is to be written. */
for (const [bytesOf, expected] of [
	["20010db8000000000000000000000001", "2001:db8::1"],
	["20010db8000000010000000000000001", "2001:db8:0:1::1"],
	["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
	["00000000000000000000000000000001", "::1"],
	["00010000000000000000000000000000", "1::"],
	["00010002000300040005000600070000", "1:2:3:4:5:6:7:0"],
	["fe80000000000000abcdef0123456789", "fe80::abcd:ef01:2345:6789"],
	["00000000000000000000ffffc0000201", "192.0.2.1"],
	["0000000000000000fffe000000000001", "::fffe:0:0:1"],
	["0064ff9b0000000000000000c0000201", "64:ff9b::c000:201"],
] as const)
	test(`the address ${bytesOf} is ${expected}`, (t) => {
		const buffer = Buffer.from(bytesOf, "hex");
		t.is(String(address.read(buffer, 0)), expected);
		const again = Buffer.alloc(16);
		address.write(again, 0, Address.of(expected));
		t.is(again.toString("hex"), bytesOf);
	});

test("every way to write an address gives the same bytes", (t) => {
	for (const [text, expected] of [
		["2001:DB8:0:0:0:0:0:1", "20010db8000000000000000000000001"],
		["2001:0db8::0001", "20010db8000000000000000000000001"],
		["::ffff:1.2.3.4", "00000000000000000000ffff01020304"],
		["::ffff:102:304", "00000000000000000000ffff01020304"],
		["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
		["::2:3:4:5:6:7:8", "00000002000300040005000600070008"],
		["64:ff9b::192.0.2.1", "0064ff9b0000000000000000c0000201"],
	] as const) {
		const buffer = Buffer.alloc(16, 0xee);
		address.write(buffer, 0, Address.of(text));
		t.is(buffer.toString("hex"), expected, text);
	}
});
