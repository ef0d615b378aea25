import { Permission_Type } from "../../generated/auth_pb.js";
import type { Paths } from "../rows/paths.js";
import { bytes, type Etcd } from "./etcd.js";

/** A role, and the user that has it. */
export interface Role {
	role: string;
	/** The common name of a certificate; undefined: granted by hand. */
	user: string | undefined;
	ranges: Range[];
}

/** Keys from the first up to the second, without it. */
interface Range {
	access: "read" | "readwrite";
	from: string;
	to: string;
}

const all = (prefix: string, access: Range["access"]): Range => ({
	access,
	from: prefix,
	// The character behind "/".
	to: `${prefix.slice(0, -1)}0`,
});

/**
 * The roles of a fleet: a machine reads its rows and writes its status; a viewer reads all but the keys; an operator
 * may do everything below the prefix.
 */
export const rolesOf = (paths: Paths, machines: readonly string[]): Role[] => [
	{
		role: "sluice-operator",
		user: undefined,
		ranges: [all(paths.prefix, "readwrite")],
	},
	{
		role: "sluice-viewer",
		user: undefined,
		ranges: [
			all(paths.names, "read"),
			all(paths.statuses, "read"),
			...machines.flatMap((machine): Range[] => {
				const keys = `${paths.machine(machine)}keys/`;
				return [
					{ access: "read", from: paths.machine(machine), to: keys },
					{
						access: "read",
						from: `${keys.slice(0, -1)}0`,
						to: `${paths.machine(machine).slice(0, -1)}0`,
					},
				];
			}),
		],
	},
	...machines.map((machine) => ({
		role: `sluice-${machine}`,
		user: machine,
		ranges: [
			all(paths.machine(machine), "read"),
			all(paths.status(machine), "readwrite"),
		],
	})),
];

/** Creates roles, users and grants that are missing. @returns what was created */
export async function applyRoles(
	etcd: Etcd,
	wanted: readonly Role[],
): Promise<string[]> {
	const created: string[] = [];
	const { roles } = await etcd.call(({ auth }, call) =>
		auth.roleList({}, call),
	);
	const { users } = await etcd.call(({ auth }, call) =>
		auth.userList({}, call),
	);
	for (const { role, user, ranges } of wanted) {
		if (!roles.includes(role)) {
			await etcd.call(({ auth }, call) => auth.roleAdd({ name: role }, call));
			created.push(`role ${role}`);
		}
		// Granting a permission again changes nothing.
		for (const { access, from, to } of ranges)
			await etcd.call(({ auth }, call) =>
				auth.roleGrantPermission(
					{
						name: role,
						perm: {
							permType:
								access === "read"
									? Permission_Type.Read
									: Permission_Type.Readwrite,
							key: bytes(from),
							rangeEnd: bytes(to),
						},
					},
					call,
				),
			);
		if (user === undefined || users.includes(user)) continue;
		await etcd.call(({ auth }, call) =>
			auth.userAdd({ name: user, options: { noPassword: true } }, call),
		);
		await etcd.call(({ auth }, call) =>
			auth.userGrantRole({ user, role }, call),
		);
		created.push(`user ${user}`);
	}
	return created;
}
