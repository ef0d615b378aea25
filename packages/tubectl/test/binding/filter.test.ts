import test from "ava";
import { matches } from "../../src/binding/filter.js";
import { prefix } from "../../src/binding/prefix.js";
import { binding } from "../helpers/binding.js";

const { key } = binding("tcp 10.1.0.0/16 80");
const any = { protocol: undefined, prefix: undefined, port: 0 };
const overlapping = test.macro((t, text: string, expected: boolean) => {
	t.is(matches(key, { ...any, prefix: prefix("prefix", text) }), expected);
});

test("Nothing asked for is everything", (t) => {
	t.true(matches(key, any));
});
test("A subnet of the binding's overlaps it", overlapping, "10.1.2.0/24", true);
test(
	"A subnet around the binding's overlaps it",
	overlapping,
	"10.0.0.0/8",
	true,
);
test(
	"An address in the binding's subnet overlaps it",
	overlapping,
	"10.1.2.3",
	true,
);
test("A subnet beside it does not", overlapping, "10.2.0.0/16", false);
test("All of IPv6 does not", overlapping, "::/0", false);
test("Ports match themselves, and every port matches all", (t) => {
	t.true(matches(key, { ...any, port: 80 }));
	t.false(matches(key, { ...any, port: 81 }));
	t.true(matches(binding("tcp 10.1.0.0/16 0").key, { ...any, port: 81 }));
});
test("Protocols match themselves", (t) => {
	t.true(matches(key, { ...any, protocol: "tcp" }));
	t.false(matches(key, { ...any, protocol: "udp" }));
});
