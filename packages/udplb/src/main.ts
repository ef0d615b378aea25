import "./server/early.js";
import { realEnv, run } from "@sluice/cli-kit";
import { cli } from "./cli.js";

run(cli, process.argv.slice(2), realEnv).then((code) => {
	// Whatever still waits, for a resolver perhaps, does not keep it.
	process.exit(code);
});
