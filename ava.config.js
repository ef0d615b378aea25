// For every workspace: ava looks for its configuration in the directories above, too.
export default {
	extensions: { ts: "module" },
	files: ["{test,packets,hosts}/**/*.test.ts"],
	nodeArguments: ["--import=tsx"],
	// Tests make namespaces and load programs, which more processes do not do faster.
	concurrency: 2,
	timeout: "10m",
	// Turbo passes no SHLVL. Without it bash reads ~/.bashrc where its standard input is a socket, as Node's pipes are.
	environmentVariables: { SHLVL: "1" },
	// Namespaces are a process's own.
	workerThreads: false,
};
