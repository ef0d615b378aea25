export { netnsOfSys, noBpffs } from "./bpffs.js";
export type { BulkTables, Restoring } from "./bulk/bulk-tables.js";
export { carryOut, carryOutAll } from "./bulk/carry-out.js";
export { bulkCommands } from "./bulk/commands.js";
export { type Counts, countsOf } from "./bulk/difference.js";
export type { StagedContext } from "./bulk/staged-context.js";
export { lineOf } from "./bulk/words.js";
export {
	Args,
	type Cli,
	type Command,
	command,
	ifExistsOption,
	type OptionSpec,
	type ValueList,
	type Values,
} from "./command.js";
export { Context } from "./context.js";
export { duration } from "./duration.js";
export type { Env, Kernel } from "./env.js";
export {
	badInput,
	exitCodes,
	Failure,
	type FailureKind,
	missing,
	noInterface,
	wrongValue,
} from "./failure.js";
export { fileCause, readFailure } from "./file-cause.js";
export {
	host,
	listenPositionals,
	metricsArgs,
	metricsOptions,
	servicePort,
} from "./listen.js";
export { netnsInode } from "./netns.js";
export {
	ageText,
	aligned,
	counted,
	exact,
	fieldsJson,
	JsonText,
	toJson,
} from "./output.js";
export type { Guard, Pins, PinsContext } from "./pins.js";
export type { EachRow } from "./print-long.js";
export {
	type PrivateFile,
	privateFile,
	writePrivately,
} from "./private-file.js";
export { realEnv, writeAll } from "./real-env.js";
export { main, run } from "./run.js";
export { showTraffic } from "./stats/show-traffic.js";
export {
	below,
	changedCell,
	inPlace,
	type Looks,
	looksOf,
	watch,
	watchOptions,
} from "./stats/watch.js";
export { readBytes, readText, withoutMark } from "./text-file.js";
export type { Gathered, Opener, Transaction } from "./transaction.js";
export { verbOf } from "./usage.js";
export * as values from "./values.js";
export {
	keepHeapSmall,
	keepYoungGenerationSmall,
	rankOfMany,
} from "./young-generation.js";
