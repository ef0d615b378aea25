import { Address } from "@sluice/maps/address";
import test from "ava";
import { datagram, framed, ipPacket } from "../../src/wire/build.js";
import { gueData, guePing } from "../../src/wire/gue.js";

const v4 = {
	source: { address: Address.of("10.0.0.9"), port: 4000 },
	destination: { address: Address.of("1.1.1.1"), port: 80 },
};
const v6 = {
	source: { address: Address.of("2001:db8::9"), port: 4000 },
	destination: { address: Address.of("2001:db8::1"), port: 80 },
};

const hex = (title: string, packet: Buffer, expected: string) =>
	test(`${title} is written byte for byte`, (t) => {
		t.is(packet.toString("hex"), expected.replaceAll(" ", ""));
	});

// Checksums as another implementation has them.
hex(
	"a TCP packet over IPv4",
	ipPacket({ ...v4, protocol: "tcp" }),
	"45000028 00004000 40062ec6 0a000009 01010101 0fa00050 00000001 00000000 5010ffff 93d90000",
);
hex(
	"a datagram over IPv6",
	ipPacket({ ...v6, protocol: "udp", size: 50 }),
	"60000000 000a1140 20010db8000000000000000000000009 20010db8000000000000000000000001 0fa00050 000a946e 0000",
);
hex(
	"a tunnel's datagram, without a checksum",
	datagram(v4.source, v4.destination, Buffer.from("abcd", "hex")),
	"4500001e 00004000 40112ec5 0a000009 01010101 0fa00050 000a0000 abcd",
);
hex(
	"a GUE header",
	gueData(
		{ sid: { service: 1, group: 2 }, key: Buffer.from("k") },
		Buffer.from("60", "hex"),
	),
	"0529a000 00010002 6b000000000000000000000000000000 60",
);
hex(
	"a ping with a key",
	guePing(7, { sid: { service: 1, group: 2 }, key: Buffer.alloc(16, 1) }),
	"2601a000 00010002 01010101010101010101010101010101 00000007",
);
hex("an open ping", guePing(7, undefined), "21010000 00000007");
hex(
	"an Ethernet header",
	framed(Buffer.from("60", "hex")),
	"020000000002 020000000001 86dd 60",
);
