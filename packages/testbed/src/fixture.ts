import path from "node:path";

/**
 * What runs `test/fixtures/<name>.ts`, which ava's configuration has bundled.
 * @returns the file and its arguments, as `spawn` takes them
 */
export const fixture = (
	name: string,
	...words: string[]
): [file: string, args: string[]] => [
	process.execPath,
	[
		path.join(
			process.env.SLUICE_TEST_BUNDLES as string,
			`test/fixtures/${name}.js`,
		),
		...words,
	],
];
