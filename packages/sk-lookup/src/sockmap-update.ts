import { realEnv, run } from "@sluice/cli-kit";
import { updateProgram } from "./update.js";

run(updateProgram, process.argv.slice(2), realEnv).then((code) => {
	process.exitCode = code;
});
