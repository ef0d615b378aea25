import test from "ava";
import { label, literalLabel } from "../../src/binding/label.js";

const accepted = test.macro((t, text: string, listed?: string) => {
	const expected = listed ?? text;
	t.is(label("label", text), expected);
	// A listed label is accepted as it is.
	t.is(label("label", expected), expected);
});
const refused = test.macro((t, text: string, message: string) => {
	t.throws(() => label("label", text), { message });
});

test("A word is a label", accepted, "foo");
test("255 bytes are a label", accepted, "x".repeat(255));
test("A label may have spaces and letters of any script", accepted, "ö b");
test("Control characters are escaped", accepted, "a\tb\n", "a\\x09b\\x0a");
test(
	"A control character of two bytes is escaped",
	accepted,
	"\u0085",
	"\\xc2\\x85",
);
test(
	"Bytes that are not UTF-8 are written as escapes",
	accepted,
	"\\xFFa",
	"\\xffa",
);
test(
	"Escapes of printable letters are not needed",
	accepted,
	"\\x66oo\\xc3\\xb6",
	"fooö",
);
test("A backslash stands for itself", accepted, "a\\b\\\\");
test("A backslash before xHH is an escape", accepted, "\\x5cx41");
test("An escape ends after two digits", accepted, "\\x5cx4", "\\x4");
test(
	"Nothing is no label",
	refused,
	"",
	"label must be 1 to 255 bytes long, got 0 bytes",
);
test(
	"256 bytes are no label",
	refused,
	"x".repeat(256),
	"label must be 1 to 255 bytes long, got 256 bytes",
);
test(
	"Bytes are counted, not letters",
	refused,
	"ö".repeat(128),
	"label must be 1 to 255 bytes long, got 256 bytes",
);
test(
	"A label has no NUL",
	refused,
	"a\\x00b",
	'label must not contain a NUL byte, got "a\\x00b"',
);
test(
	"What a decoder put in the place of other bytes is refused",
	refused,
	"a\ufffd",
	'label must be UTF-8, got "a\ufffd"',
);

test("A label of a file has no escapes", (t) => {
	t.is(literalLabel("label", "a\\xff"), "a\\x5cxff");
	t.is(literalLabel("label", "a\tb"), "a\\x09b");
});
test("A label of a file has no half character", (t) => {
	t.throws(() => literalLabel("label", "\ud800"), {
		message: 'label must be UTF-8, got "\\ud800"',
	});
});
