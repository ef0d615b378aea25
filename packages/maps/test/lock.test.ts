import { spawn } from "node:child_process";
import {
	chmodSync,
	chownSync,
	mkdirSync,
	mkdtempSync,
	renameSync,
	rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { needs, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { BpfError, lock, tryLock, WritersLock } from "../src/index.js";

function directory(t: ExecutionContext): string {
	const made = mkdtempSync(path.join(tmpdir(), "lock-"));
	t.teardown(() => rmSync(made, { recursive: true, force: true }));
	return made;
}

/** Another process that takes the lock, says so, and keeps it until it is killed. */
async function holder(t: ExecutionContext, at: string) {
	const child = spawn("flock", [at, "sh", "-c", "echo taken; exec cat"], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	t.teardown(() => child.kill("SIGKILL"));
	const taken = new Promise((resolve) => child.stdout.once("data", resolve));
	const ended = new Promise((resolve) => child.once("exit", resolve));
	return { child, taken, ended };
}

test("a lock is taken and given back", (t) => {
	const at = directory(t);
	const unlock = lock(at);
	t.is(tryLock(at), undefined);
	unlock();
	const again = tryLock(at);
	t.truthy(again);
	again?.();
});

test("a lock waits for another process, and goes with it", async (t) => {
	const at = directory(t);
	const { child, taken, ended } = await holder(t, at);
	await taken;
	t.is(tryLock(at), undefined);
	child.kill("SIGKILL");
	await ended;
	// `cat` has the descriptor, too.
	let unlock = tryLock(at);
	for (let tries = 0; !unlock && tries < 2000; tries++) {
		await sleep(5);
		unlock = tryLock(at);
	}
	t.truthy(unlock);
	unlock?.();
});

test("another process waits for the lock", async (t) => {
	const at = directory(t);
	const unlock = lock(at);
	const { child, taken } = await holder(t, at);
	let got = false;
	void taken.then(() => {
		got = true;
	});
	await sleep(100);
	t.false(got);
	unlock();
	await taken;
	child.kill("SIGKILL");
});

test("a lock that is not given back is not waited for for ever: its holder is named", async (t) => {
	const at = directory(t);
	const { child, taken } = await holder(t, at);
	await taken;
	const error = t.throws(() => lock(at, 0.05), { instanceOf: BpfError });
	// The descriptor is flock's and that of the shell that it started.
	t.is(
		error?.message,
		`lock ${at}: process ${child.pid} (flock) has held it for 0.05 s (ETIMEDOUT); try again when it has ended`,
	);
	t.false((error as BpfError).environment);
	child.kill("SIGKILL");
});

test("a directory that others can write to is refused", (t) => {
	const parent = directory(t);
	const at = path.join(parent, "pins");
	mkdirSync(at);
	for (const [place, mode] of [
		[at, 0o775],
		[at, 0o757],
		[parent, 0o777],
	] as const) {
		chmodSync(place, mode);
		t.throws(() => lock(at), {
			instanceOf: BpfError,
			message: `lock ${at}: ${place} is writable by others (EPERM); look at what is in it, then chmod go-w ${place}`,
		});
		t.throws(() => tryLock(at), { code: "EPERM" });
		chmodSync(place, 0o755);
	}
	// As /tmp is, and a bpffs that was mounted without a mode.
	chmodSync(parent, 0o1777);
	lock(at)();
});

testWith(test, needs.root)(
	"a directory that belongs to another user is refused",
	(t) => {
		const parent = directory(t);
		const at = path.join(parent, "pins");
		mkdirSync(at);
		for (const place of [at, parent]) {
			chownSync(place, 12_345, 0);
			t.throws(() => lock(at), {
				message: `lock ${at}: ${place} belongs to user 12345 (EPERM); look at what is in it, then chown -R 0:0 ${place}`,
			});
			chownSync(place, 0, 0);
		}
		lock(at)();
	},
);

test("a directory that was replaced is another lock", (t) => {
	const at = path.join(directory(t), "pins");
	mkdirSync(at);
	const unlock = lock(at);
	renameSync(at, `${at}.old`);
	mkdirSync(at);
	const other = tryLock(at);
	t.truthy(other);
	other?.();
	unlock();
});

test("a lock that is taken again notices that its directory was replaced, or that others can write to it now", (t) => {
	const at = path.join(directory(t), "pins");
	mkdirSync(at);
	const own = new WritersLock(at);
	const { ino } = own.take();
	own.release();
	const unlock = lock(at);
	t.is(own.tryTake(), undefined);
	unlock();
	renameSync(at, `${at}.old`);
	mkdirSync(at);
	t.not(own.take().ino, ino);
	t.is(tryLock(at), undefined);
	own.release();
	chmodSync(at, 0o777);
	t.throws(() => own.take(), { code: "EPERM" });
	chmodSync(at, 0o755);
	// The refused lock is not held.
	lock(at)();
	own.close();
});

test("a lock needs its directory", (t) => {
	const at = directory(t);
	for (const [where, message] of [
		[`${at}/none`, `lock ${at}/none: no such entry (ENOENT)`],
		["/dev/null", "lock /dev/null: ENOTDIR"],
	] as const) {
		const error = t.throws(() => lock(where), { instanceOf: BpfError });
		t.is(error?.message, message);
		t.true((error as BpfError).environment);
	}
});
