import { badInput, type Failure } from "./failure.js";

/**
 * Why a file cannot be read or written: "no such file (ENOENT)".
 * @param missing what does not exist
 */
export function fileCause(error: unknown, missing = "no such file"): string {
	const { code = "EIO" } = error as NodeJS.ErrnoException;
	const cause = code === "ENOENT" ? missing : causes[code];
	return cause ? `${cause} (${code})` : code;
}

const causes: Readonly<Record<string, string>> = {
	EACCES: "not permitted",
	EIO: "the device fails",
	EISDIR: "it is a directory",
	ENAMETOOLONG: "the name is too long",
	ENOSPC: "no space left",
	ENOTDIR: "a part of the path is not a directory",
	EPERM: "not permitted",
	EROFS: "the file system is read-only",
};

/** The error of a file that cannot be read. */
export const readFailure = (file: string, error: unknown): Failure =>
	badInput(`read ${file || '""'}: ${fileCause(error)}`);
