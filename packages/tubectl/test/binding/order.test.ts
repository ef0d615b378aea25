import { precedence } from "@sluice/maps/tables";
import test from "ava";
import { bindingText, inOrder } from "../../src/binding/binding.js";
import { binding } from "../helpers/binding.js";

const ordered = test.macro((t, ...lines: string[]) => {
	const bindings = lines.map((line) => binding(line));
	const texts = bindings.map(bindingText);
	t.deepEqual(inOrder(bindings).map(bindingText), texts);
	t.deepEqual(inOrder([...bindings].reverse()).map(bindingText), texts);
});

test(
	"tcp comes before udp, IPv4 before IPv6",
	ordered,
	"tcp 198.51.100.1/32 80",
	"tcp ::1/128 80",
	"udp 10.0.0.1/32 80",
	"udp ::/0 80",
);

test(
	"Subnets are in the order of their last addresses, whatever their length",
	ordered,
	"tcp 2.0.0.0/32 80",
	"tcp 10.0.0.10/32 80",
	"tcp 10.0.0.200/32 80",
	"tcp 10.0.0.0/24 80",
	"tcp 10.0.1.1/32 80",
	"tcp 10.255.255.255/32 80",
	"tcp 10.0.0.0/8 80",
	"tcp 198.0.0.1/32 80",
	"tcp 0.0.0.0/0 80",
	"tcp 2001:db8::9/128 80",
	"tcp 2001:db8::a/128 80",
	"tcp 2001:db8::10/128 80",
	"tcp 2001:db8::/64 80",
);

test(
	"Ports are in ascending order, every port comes last",
	ordered,
	"tcp 10.0.0.0/24 80",
	"tcp 10.0.0.0/24 443",
	"tcp 10.0.0.0/24 65535",
	"tcp 10.0.0.0/24 0",
);

test("The data plane prefers longer prefixes, then a port", (t) => {
	const lines = [
		"tcp 10.0.0.1/32 80",
		"tcp 10.0.0.1/32 0",
		"tcp 10.0.0.0/31 80",
		"tcp 10.0.0.0/31 0",
		"tcp 0.0.0.0/0 0",
	];
	const ranks = lines.map((line) => precedence(binding(line).key));
	t.deepEqual(
		ranks,
		[...ranks].sort((a, b) => a - b),
	);
	t.is(new Set(ranks).size, ranks.length);
});
