import test from "ava";
import { lineOf, splitWords } from "../../src/bulk/words.js";
import { Failure } from "../../src/failure.js";

const reads = test.macro({
	exec: (t, line: string, words: string[]) =>
		t.deepEqual(splitWords(line), words),
	title: (_, line) => `words of ${JSON.stringify(line)}`,
});

test(reads, "set 1 10.0.0.1", ["set", "1", "10.0.0.1"]);
test(reads, "  set   1 ", ["set", "1"]);
test(reads, "", []);
test(reads, "# all of it", []);
test(reads, "set 1\t2\r", ["set", "1", "2"]);
test(reads, "set 1 # the rest", ["set", "1"]);
test(reads, "set a#b", ["set", "a#b"]);
test(reads, "set 'a b' '#' ''", ["set", "a b", "#", ""]);
test(reads, `set 'a'"b"c`, ["set", "abc"]);
test(reads, `set "a \\"b\\" \\\\ \\n '"`, ["set", `a "b" \\ \\n '`]);
test(reads, `set a\\ b\\'\\#`, ["set", "a b'#"]);
test(reads, `set 'a\\'`, ["set", "a\\"]);
test(reads, "set größe 'ключ'", ["set", "größe", "ключ"]);

const refuses = test.macro({
	exec(t, line: string, message: string) {
		const error = t.throws(() => splitWords(line), { instanceOf: Failure });
		t.is(error?.message, message);
		t.is(error?.kind, "usage");
	},
	title: (_, line) => `no words of ${JSON.stringify(line)}`,
});

test(refuses, "set 'a b", "' is not closed");
test(refuses, 'set "a b', '" is not closed');
test(refuses, "set a\\", "ends in a backslash");

const survives = test.macro({
	exec: (t, words: string[]) => t.deepEqual(splitWords(lineOf(words)), words),
	title: (_, words) => `${JSON.stringify(words)} as a line is read back`,
});

test(survives, ["set", "1", "it's", "a b", "#", "", '"', "\\", "\t", "ü"]);

test("a line with a word that begins with a dash says where the options end", (t) => {
	t.is(lineOf(["set", "0", "-x"]), "set -- 0 -x");
	t.is(lineOf(["set", "0", "x-"]), "set 0 x-");
});
