import { Address } from "@sluice/maps/address";
import type { PacketEvent } from "@sluice/maps/tables";
import { decode, packetText } from "@sluice/tunnel/wire";
import test from "ava";
import { eventDocument, eventLine } from "../src/event-text.js";
import { datagram6, ping, tunnelled } from "./helpers/packets.js";

const summed = test.macro({
	title: (title = "") => `a summary shows ${title}`,
	exec: (t, frame: Buffer, expected: string) =>
		t.is(packetText(decode(frame)), expected),
});

const hex = (...parts: string[]) =>
	Buffer.from(parts.join("").replaceAll(" ", ""), "hex");
const ethernet4 = "020000000002 020000000001 0800";
const ethernet6 = "020000000002 020000000001 86dd";
const addresses6 =
	"20010db8000000000000000000000001 20010db8000000000000000000000002";

test(
	"a packet in a tunnel, from the outside in",
	summed,
	tunnelled,
	"10.0.0.2:6080 > 10.0.0.1:6080 udp 64 bytes | gue service 1 2 | 1.1.1.1:4000 > 192.0.2.9:33000 tcp S. 0 bytes",
);
test(
	"a ping",
	summed,
	ping,
	"10.0.0.2:40001 > 10.0.0.1:6080 udp 28 bytes | gue ping service 1 2 tunnel 100",
);
test(
	"an open ping",
	summed,
	hex(
		ethernet4,
		"45000024 00004000 4011 0000 0a000002 0a000001",
		"9c41 17c0 0010 0000 21010000 00000064",
	),
	"10.0.0.2:40001 > 10.0.0.1:6080 udp 8 bytes | gue ping tunnel 100",
);
for (const [control, gue] of [
	[
		"signed ping",
		"2802a000 0001 0002 12a53b910d11fc480abfe53efca36776 00000064 1122334455667788",
	],
	[
		"signed ping",
		"2a02a000 0001 0002 36b7f7f1ad3abe5bad9a02e49bd0da3e 00000064 1122334455667788 0000000000000007",
	],
	[
		"ping answer",
		`3103a000 0001 0002 12a53b910d11fc480abfe53efca36776 00000064 ${"00".repeat(44)}`,
	],
] as const)
	test(
		`a ${control} of ${gue.replaceAll(" ", "").length / 2} bytes`,
		summed,
		hex(
			ethernet4,
			"45000064 00004000 4011 0000 0a000002 0a000001",
			"17c0 17c0 0050 0000",
			gue,
		),
		`10.0.0.2:6080 > 10.0.0.1:6080 udp 72 bytes | gue ${control} service 1 2 tunnel 100`,
	);
test(
	"IPv6",
	summed,
	datagram6,
	"[2001:db8::1]:53 > [2001:db8::2]:5353 udp 4 bytes",
);
test(
	"IPv6 in a tunnel of IPv6",
	summed,
	hex(
		ethernet6,
		"60000000 0058 11 40",
		addresses6,
		"17c0 17c0 0058 0000 0529a000 ffff 0000",
		"00".repeat(16),
		"60000000 0008 3a 40",
		addresses6,
		"8000 0000 00000000",
	),
	"[2001:db8::1]:6080 > [2001:db8::2]:6080 udp 80 bytes | gue service 65535 0 | 2001:db8::1 > 2001:db8::2 icmpv6 128/0",
);
test(
	"UDP that is not GUE as it is",
	summed,
	hex(
		ethernet4,
		"45000020 00004000 4011 0000 0a000002 0a000001",
		"17c0 17c0 000c 0000 05040000",
	),
	"10.0.0.2:6080 > 10.0.0.1:6080 udp 4 bytes",
);
test(
	"a first and a later fragment of IPv4",
	summed,
	hex(
		ethernet4,
		"45000024 00072000 4011 0000 0a000002 0a000001",
		"0035 14e9 0bb8 0000 61626364 61626364",
	),
	"10.0.0.2:53 > 10.0.0.1:5353 udp 2992 bytes fragment 7@0+",
);
test(
	"a later fragment of IPv4 without ports",
	summed,
	hex(ethernet4, "45000018 00070002 4011 0000 0a000002 0a000001", "61626364"),
	"10.0.0.2 > 10.0.0.1 fragment 7@16",
);
test(
	"a fragment of IPv6",
	summed,
	hex(
		ethernet6,
		"60000000 0010 2c 40",
		addresses6,
		"1100 0011 00000009",
		"6162636461626364",
	),
	"2001:db8::1 > 2001:db8::2 fragment 9@16+",
);
test(
	"IPv4 options and a VLAN",
	summed,
	hex(
		"020000000002 020000000001 8100 0005 0800",
		"46000020 00004000 4006 0000 0a000002 0a000001 01010100",
		"0016 0fa0 00000000 00000000 5004 0000 0000 0000",
	),
	"10.0.0.2:22 > 10.0.0.1:4000 tcp R 0 bytes",
);
test(
	"what it does not know by its number",
	summed,
	hex("ffffffffffff 020000000001 0806 0001"),
	"ethernet type 0x0806",
);
test(
	"a protocol that it does not know",
	summed,
	hex(ethernet4, "45000014 00004000 402f 0000 0a000002 0a000001"),
	"10.0.0.2 > 10.0.0.1 | protocol 47",
);
test(
	"that the end is missing",
	summed,
	tunnelled.subarray(0, 80),
	"10.0.0.2:6080 > 10.0.0.1:6080 udp 64 bytes | gue service 1 2 | cut",
);
test("that all is missing", summed, Buffer.alloc(0), "cut");

test("a packet cut anywhere is read as far as it goes", (t) => {
	for (const frame of [tunnelled, datagram6, ping])
		for (let length = 0; length < frame.length; length++) {
			const { layers } = decode(frame.subarray(0, length));
			const whole = decode(frame).layers;
			t.true(layers.length <= whole.length);
		}
});

const event: PacketEvent = {
	time: 5n,
	id: 77n,
	ifindex: 4,
	config: 7,
	length: 110,
	direction: "ingress",
	stage: "after",
	outcome: "decapsulated",
	raw: false,
	data: datagram6,
};
const noon = BigInt(new Date(2026, 10, 21, 12, 0, 0, 1).getTime());
const origin = { interface: "eth0", time: noon * 1_000_000n + 234_567n };

test("a packet without a link-layer header is read from its IP header on", (t) => {
	t.is(
		eventLine({ ...event, raw: true, data: datagram6.subarray(14) }, origin),
		eventLine(event, origin),
	);
});

test("an event is a line", (t) => {
	t.is(
		eventLine(event, origin),
		"PKT\t12:00:00.001234\teth0\tIngress\tafter\tdecapsulated\t110\t[2001:db8::1]:53 > [2001:db8::2]:5353 udp 4 bytes",
	);
	t.is(
		eventLine(
			{ ...event, direction: "egress", stage: "before", outcome: undefined },
			{ ...origin, interface: undefined },
		),
		"PKT\t12:00:00.001234\tif4\tEgress\tbefore\t-\t110\t[2001:db8::1]:53 > [2001:db8::2]:5353 udp 4 bytes",
	);
});

test("an event is a document", (t) => {
	t.deepEqual(
		eventDocument(event, {
			interface: "eth0",
			time: 1_795_262_220_000_123_456n,
		}),
		{
			time: "2026-11-21T11:57:00.000123Z",
			id: "77",
			interface: "eth0",
			ifindex: 4,
			direction: "ingress",
			config: 7,
			stage: "after",
			outcome: "decapsulated",
			length: 110,
			captured: 66,
			layers: [
				{
					layer: "ipv6",
					source: Address.of("2001:db8::1"),
					destination: Address.of("2001:db8::2"),
					ttl: 64,
					length: 52,
				},
				{ layer: "udp", sourcePort: 53, destinationPort: 5353, length: 12 },
			],
			cut: false,
		},
	);
});
