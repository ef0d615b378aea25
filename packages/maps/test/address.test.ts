import { isIP } from "node:net";
import test from "ava";
import { Address, endpointText } from "../src/address.js";
import { writeIpv4 } from "../src/ipv4.js";
import { protocolName } from "../src/tables/index.js";

/** Node's own word on it is what ours is held against. */
for (const text of [
	"0.0.0.0",
	"1.2.3.4",
	"255.255.255.255",
	"10.0.20.103",
	"",
	".",
	"1",
	"1.2.3",
	"1.2.3.",
	".1.2.3",
	"1..2.3",
	"1.2.3.4.",
	"1.2.3.4.5",
	"256.1.1.1",
	"1.1.1.256",
	"1.1.1.1000",
	"010.0.0.1",
	"1.2.3.00",
	"0x1.2.3.4",
	"1.2.3.4 ",
	"+1.2.3.4",
	"1.2.3.-4",
	"１.2.3.4",
	"::1",
	"::ffff:1.2.3.4",
	"4294967297.1.1.1",
	"18446744073709551616.1.1.1",
])
	test(`"${text}" is an IPv4 address as it is for Node`, (t) => {
		t.is(writeIpv4(Buffer.alloc(4), 0, text), isIP(text) === 4);
	});

test("endpoints and protocols are printed as they are typed elsewhere", (t) => {
	t.is(endpointText("1.2.3.4", 80), "1.2.3.4:80");
	t.is(endpointText("::1", 80), "[::1]:80");
	t.deepEqual([6, 17, 132].map(protocolName), ["tcp", "udp", "132"]);
});

test("addresses are equal by their bytes, however they are written", (t) => {
	const one = Address.of("::ffff:1.2.3.4");
	t.true(one.equals(Address.of("1.2.3.4")));
	t.true(one.isIpv4);
	t.false(Address.of("::1.2.3.4").isIpv4);
	for (const other of [
		"1.2.3.5",
		"::1.2.3.4",
		"::1:ffff:1.2.3.4",
		"1::ffff:1.2.3.4",
	])
		t.false(one.equals(Address.of(other)), other);
});

test("an address is printed as its text, in JSON too", (t) => {
	const address = Address.of("2001:DB8::255.255.255.255");
	t.is(`${address}`, "2001:db8::ffff:ffff");
	t.is(JSON.stringify({ address }), '{"address":"2001:db8::ffff:ffff"}');
	t.is(Address.parse("host"), undefined);
	t.throws(() => Address.of("host"), {
		message: '"host" is not an IP address',
	});
});

test("an IP header has 4 bytes of IPv4, and 16 of IPv6", (t) => {
	const four = Buffer.from("c0000201", "hex");
	t.is(String(Address.readIpv4(four, 0)), "192.0.2.1");
	t.deepEqual(Address.of("192.0.2.1").wireBytes(), four);
	const six = Buffer.from("20010db8000000000000000000000001", "hex");
	t.deepEqual(Address.of("2001:db8::1").wireBytes(), six);
});
