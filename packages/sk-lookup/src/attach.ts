import { openSync } from "node:fs";
import { type Cli, command, netnsInode } from "@sluice/cli-kit";
import manifest from "../package.json" with { type: "json" };

const attach = command({
	usage: "$0 <prog-path> <link-path>",
	summary:
		"Attach a pinned sk_lookup program to the network namespace that this runs in",
	positionals: {
		"prog-path": "Where the program is pinned",
		"link-path": "Where to pin the link; removing that pin detaches",
	},
	options: {
		netns: {
			type: "string",
			describe: "Path to another network namespace [default: our own]",
		},
	},
	examples: [
		["/sys/fs/bpf/echo_dispatch_prog /sys/fs/bpf/echo_dispatch_link", ""],
	],
	parse: (args) => ({
		program: args.text("prog-path"),
		link: args.text("link-path"),
		netns: args.optional("netns") ?? "/proc/self/ns/net",
	}),
	run({ program, link, netns }, context) {
		const { attachToNetns, close, linkInfo, openPin, pin, requireKind } =
			context.kernel;
		netnsInode(netns);
		const programFd = openPin(program);
		requireKind(programFd, "program", program);
		const netnsFd = openSync(netns, "r");
		const linkFd = attachToNetns(programFd, netnsFd);
		// Without a pin the attachment ends with this process: so it does where this fails.
		pin(linkFd, link);
		const { id, programId, netnsInode: inode } = linkInfo(linkFd);
		for (const fd of [linkFd, netnsFd, programFd]) close(fd);
		context.print([], { link: id, program: programId, netns: inode });
	},
});

/** `sk-lookup-attach`. */
export const attachProgram: Cli = {
	name: "sk-lookup-attach",
	summary: "attach an sk_lookup program",
	version: manifest.version,
	values: { "prog-path": "file", "link-path": "file", netns: "file" },
	commands: [attach],
};
