// For every workspace: ava looks for its configuration in the directories above, too.
import path from "node:path";
import { bundleTests } from "./packages/bundle/test-files.mjs";

const loader = path.join(
	import.meta.dirname,
	"packages/bundle/load-test-bundle.cjs",
);

export default {
	extensions: { ts: "commonjs" },
	files: ["{test,packets,hosts}/**/*.test.ts"],
	nodeArguments: [`--require=${loader}`],
	// Tests make namespaces and load programs, which more processes do not do faster.
	concurrency: 2,
	timeout: "10m",
	environmentVariables: {
		SLUICE_TEST_BUNDLES: await bundleTests(),
		// Turbo passes no SHLVL. Without it bash reads ~/.bashrc where its standard input is a socket, as Node's pipes are.
		SHLVL: "1",
	},
	// Namespaces are a process's own.
	workerThreads: false,
};
