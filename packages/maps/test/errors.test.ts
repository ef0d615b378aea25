import test from "ava";
import {
	BpfError,
	type BpfErrorOptions,
	check,
	errnoName,
} from "../src/errors.js";

const says = test.macro({
	title: (_, code: string) =>
		`an error says what was done, the cause and the code ${code}`,
	exec(
		t,
		code: string,
		options: BpfErrorOptions,
		message: string,
		environment: boolean,
	) {
		const error = new BpfError("open x", code, options);
		t.is(error.message, message);
		t.is(error.environment, environment);
		t.is(error.code, code);
		t.is(error.operation, "open x");
	},
});

test(says, "E2BIG", {}, "open x: the table is full (E2BIG)", false);
test(says, "ENOENT", {}, "open x: no such entry (ENOENT)", false);
test(
	says,
	"EPERM",
	{},
	"open x: not permitted (EPERM); run as root or with CAP_BPF and CAP_NET_ADMIN",
	true,
);
test(
	says,
	"EACCES",
	{},
	"open x: not permitted (EACCES); run as root or with CAP_BPF and CAP_NET_ADMIN",
	true,
);
test(
	says,
	"ENOTSUPP",
	{},
	"open x: not supported by this kernel (ENOTSUPP)",
	false,
);
test(says, "EXDEV", {}, "open x: EXDEV", false);
test(
	says,
	"EINVAL",
	{ because: "key size is 1, not 2", hint: "see y", environment: true },
	"open x: key size is 1, not 2 (EINVAL); see y",
	true,
);

test("a negative status is an error by its name, any other is passed on", (t) => {
	t.is(check(0, "x"), 0);
	t.is(check(7, "x"), 7);
	const error = t.throws(() => check(-524, "read map"), {
		instanceOf: BpfError,
	});
	t.is(error?.message, "read map: not supported by this kernel (ENOTSUPP)");
});

test("an errno has the name that manual pages use", (t) => {
	t.deepEqual([2, 7, 11, 95, 524, 9999].map(errnoName), [
		"ENOENT",
		"E2BIG",
		"EAGAIN",
		"EOPNOTSUPP",
		"ENOTSUPP",
		"9999",
	]);
});
