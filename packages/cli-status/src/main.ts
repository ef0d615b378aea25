import { realEnv, run } from "@sluice/cli-kit";
import { cli } from "./cli.js";

run(cli, process.argv.slice(2), realEnv).then((code) => {
	process.exitCode = code;
});
