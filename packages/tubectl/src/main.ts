import { setFlagsFromString } from "node:v8";
import { realEnv, run } from "@sluice/cli-kit";
import { cli } from "./cli.js";

// The young generation stays as small as it is at the start: a hundred thousand bindings need 20 MB less.
setFlagsFromString("--semi-space-growth-factor=1");

run(cli, process.argv.slice(2), realEnv).then((code) => {
	process.exitCode = code;
});
