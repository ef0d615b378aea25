import test from "ava";
import { inOrder } from "../../src/state/order.js";
import { prefix } from "../../src/values/prefix.js";

/** "tcp 10.0.0.0/8 80" */
function binding(text: string) {
	const [protocol, ip = "", port] = text.split(" ");
	return {
		label: "foo",
		protocol: protocol as "tcp" | "udp",
		prefix: prefix("prefix", ip),
		port: Number(port),
	};
}

const ordered = test.macro((t, ...lines: string[]) => {
	const bindings = lines.map(binding);
	t.deepEqual(inOrder(bindings), bindings);
	t.deepEqual(inOrder([...bindings].reverse()), bindings);
});

test(
	"tcp comes before udp, a longer prefix before a shorter one",
	ordered,
	"tcp 10.0.0.1/32 80",
	"tcp 10.0.0.0/24 80",
	"tcp 10.0.0.0/8 80",
	"udp 10.0.0.1/32 80",
);

test(
	"addresses are in the order of their numbers",
	ordered,
	"tcp 2.0.0.0/32 80",
	"tcp 10.0.0.2/32 80",
	"tcp 10.0.0.10/32 80",
	"tcp 10.0.0.200/32 80",
	"tcp 198.0.0.1/32 80",
);

test(
	"IPv4 comes before IPv6 of the same length",
	ordered,
	"tcp 198.51.100.1/32 80",
	"tcp ::1/128 80",
	"tcp 2001:db8::9/128 80",
	"tcp 2001:db8::a/128 80",
	"tcp 2001:db8::10/128 80",
);

test(
	"every port comes last",
	ordered,
	"tcp 10.0.0.0/24 80",
	"tcp 10.0.0.0/24 443",
	"tcp 10.0.0.0/24 65535",
	"tcp 10.0.0.0/24 0",
);
