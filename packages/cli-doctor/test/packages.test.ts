// Needs root: makes namespaces, removes packages from a machine that has a package system of its own.
import { existsSync } from "node:fs";
import { needs, testWith } from "@sluice/testbed";
import { machine } from "@sluice/testbed/site";
import test from "ava";
import { installOlder, ownPackages } from "./helpers/packages.js";

const needsDebian = () =>
	existsSync("/usr/bin/apt-get") ? undefined : "needs Debian's package system";
const serial = testWith(
	test.serial as typeof test,
	needs.root,
	needs.bpf,
	needsDebian,
);

const apt = "DEBIAN_FRONTEND=noninteractive";
const remove = "dpkg --remove --force-depends";

serial("a missing libbpf is found and installed", async (t) => {
	const one = await machine(t);
	await ownPackages(one, "libbpf1");
	await one.sh(`${apt} ${remove} libbpf1`);
	const { findings, skipped } = await one.examine();
	t.deepEqual(findings, [
		{
			code: "libbpf-missing",
			message: "there is no libbpf.so.1 (libbpf 1.0 or later)",
			fix: "apt-get install -y libbpf1",
		},
	]);
	t.true(skipped.some(({ reason }) => reason === "no libbpf"));

	await one.sh(`${apt} ${findings[0]?.fix}`);
	t.deepEqual((await one.examine()).findings, []);
});

serial("a missing tc is found and installed", async (t) => {
	const one = await machine(t);
	await ownPackages(one, "iproute2");
	await one.sh(`${apt} ${remove} iproute2`);
	const { findings, skipped } = await one.examine();
	t.deepEqual(findings[0], {
		code: "iproute2-missing",
		message: "there is no tc (iproute2), which attaches the programs",
		fix: "apt-get install -y iproute2",
	});
	t.true(skipped.some(({ reason }) => reason === "no iproute2"));

	await one.sh(`${apt} ${findings[0]?.fix}`);
	t.deepEqual((await one.examine()).findings, []);
});

// An old tc's line, printed by a stand-in: what it says is all that is asked of it.
serial("a tc without libbpf 1.x is found and upgraded", async (t) => {
	const one = await machine(t);
	await ownPackages(one, "iproute2");
	await installOlder(
		one,
		"iproute2",
		"/sbin/tc",
		"echo tc utility, iproute2-5.10.0, libbpf 0.3.0",
	);
	const finding = (await one.examine()).findings.find(
		({ code }) => code === "iproute2-old",
	);
	t.deepEqual(finding, {
		code: "iproute2-old",
		message:
			'tc is built without libbpf 1.0 or later ("tc utility, iproute2-5.10.0, libbpf 0.3.0"), and cannot load the programs',
		fix: "apt-get install -y iproute2",
	});

	await one.sh(`${apt} ${finding?.fix}`);
	t.deepEqual((await one.examine()).findings, []);
});
