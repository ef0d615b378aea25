import { Code, ConnectError } from "@connectrpc/connect";
import { Failure } from "@sluice/cli-kit";

/** Whether another member may do better: this one is not reached, or has no leader. */
export function isElsewhere(error: unknown): boolean {
	const { code } = ConnectError.from(error);
	return (
		code === Code.Unavailable ||
		code === Code.DeadlineExceeded ||
		code === Code.Aborted ||
		code === Code.Internal
	);
}

/** The call has timed out. */
export const isLate = (error: unknown) =>
	ConnectError.from(error).code === Code.DeadlineExceeded;

/** The lease has expired, or a restored store does not have it. */
export const isUnknownLease = (error: unknown) =>
	error instanceof Failure && error.code === "ETCD_NOT_FOUND";

/** An error of etcd as a Failure; other errors unchanged. */
export function explain(error: unknown): unknown {
	if (!(error instanceof ConnectError)) return error;
	const [code, hint] = meanings[error.code] ?? [];
	return new Failure("failed", `etcd: ${error.rawMessage}`, {
		code: code ?? `ETCD_${Code[error.code]?.toUpperCase()}`,
		...(hint ? { hint } : {}),
		cause: error,
	});
}

const meanings: Partial<Record<Code, readonly [code: string, hint?: string]>> =
	{
		[Code.Unavailable]: [
			"ETCD_UNREACHABLE",
			"look whether etcd runs, and at --etcd, --ca, --cert and --key",
		],
		[Code.PermissionDenied]: ["ETCD_PERMISSION", "see cli_fleet roles"],
		[Code.Unauthenticated]: ["ETCD_PERMISSION", "see cli_fleet roles"],
		[Code.ResourceExhausted]: [
			"ETCD_FULL",
			"compact and defragment etcd, then etcdctl alarm disarm",
		],
		[Code.NotFound]: ["ETCD_NOT_FOUND"],
	};
