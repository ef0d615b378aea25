// Given to node by --require: adds the program's name and the most memory that it had, in MB, to the file $PEAK_MEMORY.
const { appendFileSync } = require("node:fs");
const { basename } = require("node:path");

process.on("exit", () => {
	const [, program, ...words] = process.argv;
	const name = [basename(program, ".cjs"), words[0]].join(" ");
	const megabytes = process.resourceUsage().maxRSS / 1000;
	appendFileSync(process.env.PEAK_MEMORY, `${name}\t${megabytes}\n`);
});
