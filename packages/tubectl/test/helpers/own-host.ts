import { execFileSync } from "node:child_process";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import test from "ava";
import { must, tubectl } from "./tubectl.js";

/** A test that needs a kernel; the tests of a file run one after the other, in one host. */
export const kernelTest = testWith(
	test.serial as typeof test,
	needs.root,
	needs.bpf,
);

/** Moves the test's process into a host of its own: loopback up, and 2001:db8::/64 routed to it. */
export function ownHost(): void {
	if (needs.root()) return;
	ownNamespaces();
	ip("link", "set", "lo", "up");
	ip("-6", "route", "add", "local", "2001:db8::/64", "dev", "lo");
}

/** Each test of the file has a dispatcher of its own, in the file's host. */
export function ownDispatcher(): void {
	test.before(ownHost);
	test.beforeEach(async () => {
		if (!needs.root()) await must("load");
	});
	test.afterEach.always(() => tubectl("unload"));
}

const ip = (...args: string[]) => execFileSync("ip", args);
