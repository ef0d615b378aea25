import test from "ava";
import { cpusOf } from "../src/cpus.js";

const counts = test.macro({
	title: (_, list: string) => `"${list.trim()}" is counted`,
	exec(t, list: string, expected: number) {
		t.is(cpusOf(list), expected);
	},
});

test(counts, "0\n", 1);
test(counts, "0-3\n", 4);
test(counts, "0-3,8-11\n", 8);
test(counts, "0,2,4-5\n", 4);
