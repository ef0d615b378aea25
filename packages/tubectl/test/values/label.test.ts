import test from "ava";
import { label } from "../../src/values/label.js";

const accepted = test.macro((t, text: string) => {
	t.is(label("label", text), text);
});
const refused = test.macro((t, text: string, message: string) => {
	t.throws(() => label("label", text), { message });
});

test("A word is a label", accepted, "foo");
test("255 bytes are a label", accepted, "x".repeat(255));
test("A label may have spaces and letters of any script", accepted, "ö b");
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
	"a\0b",
	'label must not contain control characters, got "a\\u0000b"',
);
test(
	"A label has no newline",
	refused,
	"a\nb",
	'label must not contain control characters, got "a\\nb"',
);
