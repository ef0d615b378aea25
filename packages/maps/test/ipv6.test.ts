import { isIPv6 } from "node:net";
import test from "ava";
import ipaddr from "ipaddr.js";
import { formatIpv6, writeIpv6 } from "../src/ipv6.js";

// Compared with Node.js and with a library.

/** The bytes, among bytes of ee; undefined where the text is refused. */
function written(text: string): string | undefined {
	const buffer = Buffer.alloc(20, 0xee);
	return writeIpv6(buffer, 2, text) ? buffer.toString("hex") : undefined;
}

for (const text of [
	"::",
	"::1",
	"1::",
	"1::8",
	"1:2:3:4:5:6:7:8",
	"1:2:3:4:5:6:7::",
	"::2:3:4:5:6:7:8",
	"1:2:3::5:6:7:8",
	"1:2:3::4:5:6:7:8",
	"1:2:3:4:5:6:7:8::",
	"1:2:3:4:5:6:7",
	"1:2:3:4:5:6:7:8:9",
	"1::2::3",
	":::",
	":",
	":1",
	"1:",
	"1:::2",
	":1:2:3:4:5:6:7:8",
	"1:2:3:4:5:6:7:8:",
	"2001:DB8::FfFf",
	"12345::",
	"g::",
	"0x1::",
	"1::-1",
	"1:2:3:4:5:6:1.2.3.4",
	"1:2:3:4:5:6:7:1.2.3.4",
	"::1.2.3.256",
	"::1.2.3",
	"::1.2.3.4.5",
	" ::1",
	"::1 ",
	"",
	"words",
	"::@",
	"::`",
	"::/",
	"1:2:3:4:5:6:7:1.2",
	"::1.2.3.4:5",
	"1.2.3.4::",
	"abcd::1.02.3.4",
])
	test(`"${text}" is written as others have it, or refused`, (t) => {
		t.is(
			written(text),
			isIPv6(text)
				? `eeee${Buffer.from(ipaddr.IPv6.parse(text).toByteArray()).toString("hex")}eeee`
				: undefined,
		);
	});

test("texts put together of pieces are addresses where Node says so", (t) => {
	const pieces = ["0", "ab", "12345", ":", ":", "::", "1.2.3.4"];
	let addresses = 0;
	for (let i = 0; i < 7 ** 6; i++) {
		let text = "1:2:3";
		for (let rest = i; rest > 0; rest = Math.floor(rest / 7))
			text += pieces[rest % 7];
		const expected = isIPv6(text);
		if (expected) addresses++;
		if ((written(text) !== undefined) !== expected) t.fail(text);
	}
	t.true(addresses > 100);
});

test("an address with a zone is refused", (t) => {
	t.is(written("fe80::1%lo"), undefined);
});

// The library takes it for ::ffff:1.2.3.4, which inet_pton(3) does not.
test("four decimal numbers behind :: are the last four bytes", (t) => {
	t.is(written("::1.2.3.4"), "eeee00000000000000000000000001020304eeee");
});

test("every row of zero groups is shortened as the library does it, and read back", (t) => {
	for (let zeros = 0; zeros < 256; zeros++) {
		const parts = Array.from({ length: 8 }, (_, i) =>
			zeros & (1 << i) ? 0 : (0x9f3 * (i + 1) * (zeros + 1)) & 0xffff || 1,
		);
		const bytes = Buffer.from(parts.flatMap((part) => [part >> 8, part & 255]));
		const text = formatIpv6(bytes, 0);
		t.is(text, new ipaddr.IPv6(parts).toRFC5952String());
		t.is(written(text), `eeee${bytes.toString("hex")}eeee`);
	}
});
