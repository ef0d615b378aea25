/** Records a SIGHUP during start-up: by default it would end the process. */
export const early = { hangup: false };

// The other commands end by it, as programs do.
if (!process.argv.some((word) => word === "stats" || word === "metrics"))
	process.on("SIGHUP", () => {
		early.hangup = true;
	});
