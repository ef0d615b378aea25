// Needs root, BPF and etcd: both ends of a link from one document.
import { gateway, link } from "./helpers/documents.js";
import { it } from "./helpers/fleet.js";

interface Service {
	service: number;
	group: number;
	tunnel: number;
	keys: unknown[];
}

it("a link is on both machines, with ids and a key of its own, and goes from both", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	const n7 = fleet.machine("n7");
	gw1.start();
	n7.start();
	await fleet.cli("push - --wait", gateway());
	const { code, out, err } = await fleet.cli("push - --wait", link);
	t.is(code, 0, err);
	t.is(
		out,
		"n7: generation 1: 3 rows added, 0 changed, 0 deleted\ngw1: generation 2: 3 rows added, 0 changed, 0 deleted\n",
	);
	const node = (await n7.kernel()).document;
	const both = (await gw1.kernel()).document;
	const [service] = node.services as Service[];
	t.truthy(service);
	t.deepEqual(
		both.services.filter(
			(one) => (one as Service).tunnel === service?.tunnel,
		) as unknown[],
		[service],
	);
	t.deepEqual(node.tunnels, [
		{ id: service?.tunnel, local: "10.0.0.5:6080", remote: "203.0.113.2:6080" },
	]);
	// The same again changes nothing; the machine's own document leaves it alone.
	t.regex(
		(await fleet.cli("push -", link)).out,
		/^n7: .*nothing changed\ngw1: .*nothing changed\n$/,
	);
	t.regex((await fleet.cli("push -", gateway())).out, /nothing changed/);
	const another = await fleet.cli("push -", {
		...link,
		metadata: { name: "second" },
	});
	t.is(another.code, 2);
	t.regex(another.err, /belongs to/);
	t.is((await fleet.cli("push - --delete --wait", link)).code, 0);
	t.deepEqual((await n7.kernel()).document.services, []);
	t.is((await gw1.kernel()).document.services.length, 2);
	t.is((await fleet.cli("push - --delete", link)).code, 2);
});
