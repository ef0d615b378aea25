import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "./paths.js";

/** The last release, 0.1.0. */
const COMMIT = "b09be52";

/**
 * Checks out the objects' sources and the scripts of the last release, and compiles them.
 * @returns its directory: `scripts/attach_tc.sh`, `bpf/dist/`
 */
export const lastRelease = (): string =>
	made(`sluice-${COMMIT}`, ["bpf", "scripts"], (directory) => {
		const objects = ["pfc_ingress_tc.o", "pfc_egress_tc.o"];
		execFileSync(
			"make",
			[
				...["-s", "-C", `${directory}/bpf`],
				...objects.map((name) => `dist/${name}`),
			],
			{ stdio: "ignore" },
		);
	});

/**
 * Checks out all of the last release and builds it, which takes minutes.
 * @returns prints the path of a program: "udplb"
 */
export function lastReleaseBuilt(): (name: string) => string {
	const directory = made(`sluice-${COMMIT}-built`, [], (at) =>
		execFileSync(`${at}/scripts/bootstrap.sh`, {
			cwd: at,
			stdio: ["ignore", "ignore", "inherit"],
		}),
	);
	return (name) => `${directory}/packages/${name}/dist/${name}.cjs`;
}

/** A directory below that of temporary files, made once: `paths` of the last release, and what `build` makes of them. */
function made(
	name: string,
	paths: readonly string[],
	build: (directory: string) => void,
): string {
	const directory = path.join(tmpdir(), name);
	if (existsSync(directory)) return directory;
	const beside = `${directory}.${process.pid}`;
	mkdirSync(beside);
	try {
		const archive = execFileSync(
			"git",
			["-C", root, "archive", COMMIT, ...paths],
			{ maxBuffer: 64 * 1024 * 1024 },
		);
		execFileSync("tar", ["-x", "-C", beside], { input: archive });
		build(beside);
		renameSync(beside, directory);
	} catch (error) {
		rmSync(beside, { recursive: true, force: true });
		// Another test may have been faster.
		if (!existsSync(directory)) throw error;
	}
	return directory;
}
