import { isIP } from "node:net";
import test from "ava";
import { endpointText, isIpv4 } from "../src/address.js";
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
		t.is(isIpv4(text), isIP(text) === 4);
	});

test("endpoints and protocols are printed as they are typed elsewhere", (t) => {
	t.is(endpointText("1.2.3.4", 80), "1.2.3.4:80");
	t.is(endpointText("::1", 80), "[::1]:80");
	t.deepEqual([6, 17, 132].map(protocolName), ["tcp", "udp", "132"]);
});
