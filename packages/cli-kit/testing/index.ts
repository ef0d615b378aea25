export { type Beside, intoPipes, onTerminal } from "./beside.js";
export { type FuzzOptions, fuzz } from "./fuzz.js";
export {
	type Kill,
	killedAnywhere,
	killedTests,
	type Typed,
} from "./killed-anywhere.js";
export { Killed, killedAtWrite } from "./killed-at-write.js";
export { PinnedTables, type PinOptions } from "./pinned-tables.js";
export { type Ended, runInProcess, type TestEnv } from "./run-in-process.js";
export { type Step, session } from "./session.js";
export { withTables } from "./with-tables.js";
