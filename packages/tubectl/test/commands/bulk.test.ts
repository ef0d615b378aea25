import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { kernelTest, ownDispatcher } from "../helpers/own-host.js";
import { must, tubectl } from "../helpers/tubectl.js";

const directory = mkdtempSync(join(tmpdir(), "bulk-"));

ownDispatcher();
test.after.always(() => rmSync(directory, { recursive: true }));

function fileOf(...lines: string[]): string {
	const file = join(directory, "lines");
	writeFileSync(file, lines.join("\n"));
	return file;
}

const foo = "bind foo tcp 127.0.0.0/24 80";
const any = "bind 'a b' udp 2001:db8::/64 0";

kernelTest("batch binds and unbinds, all or nothing", async (t) => {
	const before = fileOf(foo, any, "# more", "bind foo tcp 127.0.0.1 81");
	t.is(await must("batch", before), "3 lines: 3 rows written, 0 deleted\n");
	const bad = fileOf(
		"unbind foo tcp 127.0.0.0/24 80",
		"unbind foo tcp 127.0.0.0/24 80",
		"unbind bar tcp 127.0.0.1/32 81",
		"bind foo tcp 127.0.0.1/33 80",
		"status",
		`${foo} --netns x`,
	);
	t.deepEqual(await tubectl("batch", bad), {
		code: 2,
		out: "",
		err: `tubectl: batch: line 2: no binding foo#tcp:[127.0.0.0/24]:80
tubectl: batch: line 3: no binding bar#tcp:[127.0.0.1/32]:81: it leads to "foo"
tubectl: batch: line 4: prefix must have a prefix length from 0 to 32, got "127.0.0.1/33"
tubectl: batch: line 5: "status" does not stand in a batch
tubectl: batch: line 6: "--netns" stands on the command line, not in a line of a batch
tubectl: batch: 5 errors: nothing was changed
`,
	});
	t.is(await must("save"), `bind foo tcp 127.0.0.1/32 81\n${foo}\n${any}\n`);
	const change = fileOf(
		"unbind foo tcp 127.0.0.1 81",
		"bind bar tcp 127.0.0.0/24 80",
	);
	t.is(
		await must("batch", "--dry-run", change),
		`~ bind bar tcp 127.0.0.0/24 80
- unbind foo tcp 127.0.0.1/32 81
2 differences, not applied: 1 row written, 1 deleted
`,
	);
	t.is(await must("batch", change), "2 lines: 1 row written, 1 deleted\n");
	t.is(await must("save"), `bind bar tcp 127.0.0.0/24 80\n${any}\n`);
	t.regex(await must("status"), /bar/);
	t.notRegex(await must("status"), /foo/);
});

kernelTest(
	"restore makes the bindings equal to what save has printed",
	async (t) => {
		await must("batch", fileOf(foo, any));
		const saved = await must("save");
		await must("unbind", "foo", "tcp", "127.0.0.0/24", "80");
		await must("bind", "other", "tcp", "::1", "80");
		const file = fileOf(...saved.trimEnd().split("\n"));
		t.is(await must("restore", file), "2 lines: 1 row written, 1 deleted\n");
		t.is(await must("save"), saved);
		t.is(await must("restore", file), "2 lines: 0 rows written, 0 deleted\n");

		const empty = fileOf("# nothing");
		t.deepEqual(await tubectl("restore", empty), {
			code: 2,
			out: "",
			err: "tubectl: restore: no line has a bind, so all would be deleted; use --allow-empty if that is meant\n",
		});
		t.deepEqual(await tubectl("restore", fileOf("unbind foo tcp ::1 80")), {
			code: 2,
			out: "",
			err: "tubectl: restore: line 1: only bind may stand in a restore\ntubectl: restore: 1 error: nothing was changed\n",
		});
		await must("restore", fileOf("# nothing"), "--allow-empty");
		t.is(await must("save"), "");
	},
);
