// Needs root: makes namespaces, loads programs.
import * as maps from "@sluice/maps";
import { needs, testWith } from "@sluice/testbed";
import { machine } from "@sluice/testbed/site";
import test from "ava";
import { kernelVersion } from "../src/checks/kernel.js";
import { World } from "../src/world.js";

// Other kernels than this one are booted by scripts/test-kernel-doctor.sh.

const serial = testWith(test.serial as typeof test, needs.root, needs.bpf);

serial("a kernel without type information of its own will do", async (t) => {
	const one = await machine(t, false);
	await one.sh("mount -t tmpfs none /sys/kernel/btf && attach_tc.sh eth0");
	t.deepEqual((await one.examine()).findings, []);
});

serial("a kernel that lacks what the programs call is found", (t) => {
	const lacking = (helper: number) =>
		new World(
			{
				out: () => {},
				err: () => {},
				vars: {},
				isTerminal: false,
				input: () => "",
				kernel: () => Promise.reject(new Error("not asked for")),
			},
			"/sys/fs/bpf",
			{ ...maps, hasTcHelper: (one) => one !== helper },
			{ seconds: 0, pingInterval: 10 },
		);
	t.deepEqual(kernelVersion.look(lacking(0)), []);
	t.like(kernelVersion.look(lacking(152)), [{ code: "kernel-old" }]);
	t.like(kernelVersion.look(lacking(163)), [{ code: "kernel-old" }]);
});
