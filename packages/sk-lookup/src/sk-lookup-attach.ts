import { realEnv, run } from "@sluice/cli-kit";
import { attachProgram } from "./attach.js";

run(attachProgram, process.argv.slice(2), realEnv).then((code) => {
	process.exitCode = code;
});
