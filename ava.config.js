// For every workspace: ava looks for its configuration in the directories above, too.
import { bundleTests } from "./packages/bundle/test-files.mjs";

const loader = new URL(
	"packages/bundle/register-test-loader.mjs",
	import.meta.url,
);

export default {
	extensions: { ts: "module" },
	files: ["{test,packets,hosts}/**/*.test.ts"],
	nodeArguments: [`--import=${loader}`, "--enable-source-maps"],
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
