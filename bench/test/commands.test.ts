import test from "ava";
import { interleaveCommands } from "../src/cli/commands.js";

test("commands take turns, and % is the round", (t) => {
	const ran: string[] = [];

	const costs = interleaveCommands(
		{ set: ["cli", "set", "1%"], get: ["cli", "get"] },
		2,
		(command) => {
			ran.push(command.join(" "));
			return { wall: 2, cpu: 1 };
		},
	);

	t.deepEqual(ran, ["cli set 10", "cli get", "cli set 11", "cli get"]);
	t.deepEqual(
		Object.entries(costs).map(([name, each]) => [name, each.length]),
		[
			["set", 2],
			["get", 2],
		],
	);
});
