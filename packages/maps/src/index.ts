export * from "./bpffs.js";
export { ByteIndex } from "./byte-index.js";
export type { Progress } from "./changes.js";
export { nanosecondsSinceBoot, nanosecondsTai, secondsSince } from "./clock.js";
export * from "./codec.js";
export { countEntries } from "./count.js";
export { possibleCpus } from "./cpus.js";
export { BpfError, type BpfErrorOptions, check, errnoName } from "./errors.js";
export { exchangePaths } from "./exchange.js";
export {
	type AnyStagedTable,
	type FlushOptions,
	flush,
	recover,
} from "./flush.js";
export { freeze, isFrozen } from "./freeze.js";
export * from "./info.js";
export {
	interfaceIndex,
	interfaceName,
	interfaceNames,
} from "./interfaces.js";
export { Journal } from "./journal.js";
export { kernelEnum } from "./kernel-enum.js";
export { KernelTable } from "./kernel-table.js";
export { requireKind } from "./kind.js";
export * from "./link.js";
export { lock, lockHolders, tryLock, WritersLock } from "./lock.js";
export * from "./object.js";
export {
	compare,
	type OpenOptions,
	openPin,
	openTable,
	wrapMap,
} from "./open.js";
export { isRunning, openProcess, takeDescriptor } from "./pidfd.js";
export { pinBytes, readPinnedBytes } from "./pinned-bytes.js";
export * from "./probe.js";
export type { Rank } from "./rank.js";
export { openRing, type Ring } from "./ring.js";
export { type SocketInfo, socketInfo, socketNamespace } from "./socket.js";
export { type Difference, StagedTable } from "./staged.js";
export * from "./table.js";
export { attachTcx, detachTcx, tcxPrograms } from "./tcx.js";
export { type TestRun, type TestRunOptions, testRun } from "./test-run.js";
