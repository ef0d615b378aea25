// The manifests against Kubernetes' own schemas, and the documents in them against Sluice's.
import { readFileSync } from "node:fs";
import path from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import test from "ava";
import { DaemonSet, type IDaemonSet } from "kubernetes-models/apps/v1";
import {
	ConfigMap,
	type IConfigMap,
	type INamespace,
	type ISecret,
	Namespace,
	Secret,
} from "kubernetes-models/v1";
import { parse, parseAllDocuments } from "yaml";

const here = path.join(import.meta.dirname, "..");

interface Manifest {
	kind: string;
}

const manifestsOf = (file: string): Manifest[] =>
	parseAllDocuments(readFileSync(path.join(here, file), "utf8")).map(
		(document) => document.toJS() as Manifest,
	);

const models = {
	Namespace: (one: unknown) => new Namespace(one as INamespace),
	DaemonSet: (one: unknown) => new DaemonSet(one as IDaemonSet),
	ConfigMap: (one: unknown) => new ConfigMap(one as IConfigMap),
	Secret: (one: unknown) => new Secret(one as ISecret),
};

const manifests = [
	...manifestsOf("daemonset.yaml"),
	...manifestsOf("machines.yaml"),
];

for (const manifest of manifests)
	test(`${manifest.kind} is what Kubernetes takes`, (t) => {
		const model = models[manifest.kind as keyof typeof models](manifest);
		t.notThrows(() => model.validate());
	});

test("a manifest that is wrong is found", (t) => {
	const [, daemonSet] = manifests;
	const wrong = structuredClone(daemonSet) as unknown as {
		spec: { template: { spec: { hostNetwork: unknown } } };
	};
	wrong.spec.template.spec.hostNetwork = "yes";
	t.throws(() => models.DaemonSet(wrong).validate());
});

const find = <T>(kind: string) =>
	manifests.find((one) => one.kind === kind) as unknown as T;

test("every volume that is mounted is there, from the ConfigMap and the Secret", (t) => {
	const { spec } = find<IDaemonSet>("DaemonSet");
	const pod = spec?.template.spec;
	const volumes = pod?.volumes ?? [];
	const names = volumes.map(({ name }) => name);
	for (const { volumeMounts } of [
		...(pod?.initContainers ?? []),
		...(pod?.containers ?? []),
	])
		for (const { name } of volumeMounts ?? []) t.true(names.includes(name));
	const of = (name: string) => volumes.find((one) => one.name === name);
	t.is(
		of("machines")?.configMap?.name,
		find<IConfigMap>("ConfigMap").metadata?.name,
	);
	t.is(of("keys")?.secret?.secretName, find<ISecret>("Secret").metadata?.name);
});

test("the documents are what cli_apply takes, with keys that the Secret has", (t) => {
	const schema = JSON.parse(
		readFileSync(
			path.join(here, "../../packages/cli-apply/schema/machine.schema.json"),
			"utf8",
		),
	);
	const isRight = new Ajv2020({ strict: false }).compile(schema);
	const { data = {} } = find<IConfigMap>("ConfigMap");
	const { stringData = {} } = find<ISecret>("Secret");
	t.true(Object.keys(data).length > 0);
	for (const [name, text] of Object.entries(data)) {
		const document = parse(text) as {
			metadata: { name: string };
			services: { keys: { file: string }[] }[];
		};
		t.true(isRight(document), JSON.stringify(isRight.errors));
		t.is(name, `${document.metadata.name}.yaml`);
		for (const { keys } of document.services)
			for (const { file } of keys)
				t.regex(stringData[path.basename(file)] ?? "", /^hex:[0-9a-f]{32}$/);
	}
});
