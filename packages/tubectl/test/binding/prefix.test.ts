import type { Failure } from "@sluice/cli-kit";
import test from "ava";
import { prefix, prefixText } from "../../src/binding/prefix.js";

const accepted = test.macro((t, text: string, canonical: string) => {
	t.is(prefixText(prefix("prefix", text)), canonical);
});
const refused = test.macro(
	(t, text: string, message: string, hint?: string) => {
		const error = t.throws<Failure>(() => prefix("prefix", text), { message });
		t.is(error.kind, "usage");
		t.is(error.hint, hint);
	},
);

test("An IPv4 address is a subnet", accepted, "127.0.0.1", "127.0.0.1/32");
test("An IPv6 address is a subnet", accepted, "::1", "::1/128");
test(
	"An IPv6 prefix is made canonical",
	accepted,
	"2001:DB8:0::/64",
	"2001:db8::/64",
);
test(
	"An IPv4 prefix may be of any length",
	accepted,
	"10.1.2.2/31",
	"10.1.2.2/31",
);
test("0.0.0.0/0 is all of IPv4", accepted, "0.0.0.0/0", "0.0.0.0/0");
test("::/0 is all of IPv6", accepted, "::/0", "::/0");
test("::/96 is not IPv4", accepted, "::/96", "::/96");
test(
	"33 bits are too many for IPv4",
	refused,
	"10.0.0.0/33",
	'prefix must have a prefix length from 0 to 32, got "10.0.0.0/33"',
);
test(
	"129 bits are too many for IPv6",
	refused,
	"::/129",
	'prefix must have a prefix length from 0 to 128, got "::/129"',
);
test(
	"A prefix length is not left empty",
	refused,
	"10.0.0.0/",
	'prefix must have a prefix length from 0 to 32, got "10.0.0.0/"',
);
test(
	"A prefix length is not negative",
	refused,
	"10.0.0.0/-1",
	'prefix must have a prefix length from 0 to 32, got "10.0.0.0/-1"',
);
test(
	"Bits beyond an IPv4 prefix are cleared",
	accepted,
	"127.0.0.1/8",
	"127.0.0.0/8",
);
test(
	"Bits beyond an IPv4 prefix that ends inside a byte are cleared",
	accepted,
	"10.255.255.255/13",
	"10.248.0.0/13",
);
test(
	"Bits beyond an IPv6 prefix are cleared",
	accepted,
	"2001:db8::1/65",
	"2001:db8::/65",
);
test(
	"IPv4 in IPv6 form is refused",
	refused,
	"::ffff:192.0.2.1",
	'prefix must not be an IPv4 address in IPv6 form, got "::ffff:192.0.2.1"',
	"write it as 192.0.2.1/32",
);
test(
	"An IPv4 subnet in IPv6 form is refused, and its length is in the hint",
	refused,
	"::ffff:1.2.3.0/120",
	'prefix must not be an IPv4 address in IPv6 form, got "::ffff:1.2.3.0/120"',
	"write it as 1.2.3.0/24",
);
test(
	"A subnet around IPv4 in IPv6 form has no IPv4 form",
	refused,
	"::ffff:1.2.3.0/90",
	'prefix must not be an IPv4 address in IPv6 form, got "::ffff:1.2.3.0/90"',
	undefined,
);
for (const text of ["", "1.1", "010.0.0.1", "foo", "fe80::1%lo", "1.2.3.4.5"])
	test(
		`"${text}" is not an address`,
		refused,
		text,
		`prefix must be an IP address or a prefix such as 192.0.2.0/24, got "${text}"`,
	);
test(
	"Bits beyond a length of 0 are cleared",
	accepted,
	"10.1.2.3/0",
	"0.0.0.0/0",
);
test(
	"Bits beyond a short IPv6 prefix are cleared",
	accepted,
	"fe80::1/1",
	"8000::/1",
);
