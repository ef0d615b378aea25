/**
 * Runs `act`, which does not wait, to its end: a signal that arrives meanwhile ends the process afterwards, when what
 * was done is printed.
 */
export function uninterrupted<T>(act: () => T): T {
	const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
	const release = () => {
		for (const one of signals) process.off(one, end);
	};
	const end = (signal: NodeJS.Signals) => {
		release();
		process.kill(process.pid, signal);
	};
	for (const signal of signals) process.on(signal, end);
	try {
		return act();
	} finally {
		// Node calls `end` when it next polls, which is before it runs immediates.
		setImmediate(release);
	}
}
