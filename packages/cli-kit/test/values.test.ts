import test from "ava";
import { Failure, values } from "../src/index.js";

const reads = test.macro({
	title: (_, name: string, text: string) => `${name} reads "${text}"`,
	exec<T>(
		t: import("ava").ExecutionContext,
		_: string,
		text: string,
		read: (name: string, text: string) => T,
		expected: T,
	) {
		t.deepEqual(read("x", text), expected);
	},
});

const refuses = test.macro({
	title: (_, name: string, text: string) => `${name} refuses "${text}"`,
	exec(
		t,
		_: string,
		text: string,
		read: (name: string, text: string) => unknown,
		message: string,
	) {
		const error = t.throws(() => read("x", text), { instanceOf: Failure });
		t.is(error?.message, message);
		t.is((error as Failure).kind, "usage");
	},
});

const ports = "must be an integer from 0 to 65535";
for (const [text, expected] of [
	["0", 0],
	["65535", 65_535],
	["00080", 80],
	["0x50", 80],
	["0xFfFf", 65_535],
	["0X1", 1],
] as const)
	test(reads, "port", text, values.port, expected);
for (const text of [
	...["65536", "-1", "", " 80", "80 ", "8e1", "80.0", "+80", "0b1", "0o7"],
	...[
		"0x",
		"0x10000",
		"http",
		"٣",
		"1_000",
		"Infinity",
		"NaN",
		"99999999999999999999",
	],
])
	test(refuses, "port", text, values.port, `x ${ports}, got "${text}"`);
test(reads, "u32", "4294967295", values.u32, 4_294_967_295);
test(
	refuses,
	"u32",
	"4294967296",
	values.u32,
	'x must be an integer from 0 to 4294967295, got "4294967296"',
);
test(reads, "u16", "65535", values.u16, 65_535);
test(refuses, "u16", "65536", values.u16, `x ${ports}, got "65536"`);
const few = (name: string, text: string) => values.integer(name, text, 3, 5);
for (const text of ["3", "5"]) test(reads, "integer", text, few, Number(text));
for (const text of ["2", "6"])
	test(
		refuses,
		"integer",
		text,
		few,
		`x must be an integer from 3 to 5, got "${text}"`,
	);

for (const [text, expected] of [
	["0.0.0.0", "0.0.0.0"],
	["255.255.255.255", "255.255.255.255"],
	["::", "::"],
	["2001:DB8::0001", "2001:db8::1"],
	["::ffff:1.2.3.4", "1.2.3.4"],
	["::ffff:0102:0304", "1.2.3.4"],
	["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
] as const)
	test(
		reads,
		"address",
		text,
		(...typed) => String(values.address(...typed)),
		expected,
	);
for (const text of [
	...[
		"",
		"1",
		"1.1",
		"1.2.3",
		"1.2.3.4.5",
		"010.0.0.1",
		"0x7f.0.0.1",
		"1.2.3.256",
	],
	...[
		"1.2.3.4/24",
		"1.2.3.4:80",
		" 1.2.3.4",
		":::",
		"1::2::3",
		"[::1]",
		"::1%lo",
		"g::",
		"host",
	],
])
	test(
		refuses,
		"address",
		text,
		values.address,
		`x must be an IPv4 or IPv6 address, got "${text}"`,
	);

test(reads, "protocol", "tcp", values.protocol, "tcp");
test(reads, "protocol", "udp", values.protocol, "udp");
for (const text of ["TCP", "6", "sctp", "", "toString", "__proto__"])
	test(
		refuses,
		"protocol",
		text,
		values.protocol,
		`x must be tcp or udp, got "${text}"`,
	);

const known = { one: 1, two: 2, top: 0x8000_0000 };
const flags = (name: string, text: string) => values.flags(name, text, known);
const list = "known are 1 one, 2 two, 2147483648 top";
for (const [text, expected] of [
	["0", 0],
	["3", 3],
	["0x3", 3],
	["one", 1],
	["two,one", 3],
	["one,one", 1],
] as const)
	test(reads, "flags", text, flags, expected);
for (const [text, message] of [
	["4", `x has unknown bits 4, got "4"; ${list}`],
	["0x4000000F", `x has unknown bits 1073741836, got "0x4000000F"; ${list}`],
	["4294967296", 'x must be an integer from 0 to 4294967295, got "4294967296"'],
	["1x", 'x must be an integer from 0 to 4294967295, got "1x"'],
	["three", `x has an unknown flag "three", got "three"; ${list}`],
	["one,", `x has an unknown flag "", got "one,"; ${list}`],
	["", `x has an unknown flag "", got ""; ${list}`],
	["toString", `x has an unknown flag "toString", got "toString"; ${list}`],
	["-1", `x has an unknown flag "-1", got "-1"; ${list}`],
] as const)
	test(refuses, "flags", text, flags, message);

const hex = (name: string, text: string) =>
	values.key(name, text).toString("hex");
for (const [text, expected] of [
	["a", "61000000000000000000000000000000"],
	["0123456789abcdef", "30313233343536373839616263646566"],
	["hex", "68657800000000000000000000000000"],
	[`hex:${"Ab".repeat(16)}`, "ab".repeat(16)],
	[`base64:${Buffer.alloc(16, 7).toString("base64")}`, "07".repeat(16)],
] as const)
	test(reads, "key", text, hex, expected);
for (const [text, message] of [
	["", "x must not be empty"],
	["0123456789abcdefg", "x must be at most 16 bytes long, got 17 bytes"],
	["hex:", 'x must be "hex:" and 32 hexadecimal digits'],
	[`hex:${"a".repeat(33)}`, 'x must be "hex:" and 32 hexadecimal digits'],
	["base64:", 'x must be "base64:" and 16 bytes in base64'],
	[
		`base64:${Buffer.alloc(17).toString("base64")}`,
		'x must be "base64:" and 16 bytes in base64',
	],
	["\ufffd", 'x must be text in UTF-8, or "hex:" and 32 hexadecimal digits'],
] as const)
	test(refuses, "key", text, hex, message);
