import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  found,
  helmTemplate,
  lint,
  lostFields,
  render,
  skipped,
  throughKubernetes,
} from "./chart.ts";
import type { Rendered } from "./chart.ts";

if (typeof found === "string") console.log(`skipped: the Helm chart: ${found}`);

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: object;
  readonly resources: { readonly requests?: object; readonly limits?: object };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: object;
  readonly containers: readonly [Container];
  readonly volumes: readonly { readonly name: string; readonly emptyDir?: object }[];
  readonly restartPolicy?: string;
  readonly automountServiceAccountToken: boolean;
}

interface CronJobSpec {
  readonly timeZone: string;
  readonly concurrencyPolicy: string;
  readonly startingDeadlineSeconds: number;
  readonly failedJobsHistoryLimit: number;
  readonly jobTemplate: {
    readonly spec: {
      readonly backoffLimit: number;
      readonly activeDeadlineSeconds: number;
      readonly podFailurePolicy: { readonly rules: readonly object[] };
      readonly template: { readonly spec: PodSpec };
    };
  };
}

/** SQS lets no message be held for longer. Source: SQS quotas, "Visibility timeout". */
const MAX_VISIBILITY_SECONDS = 12 * 3_600;
/** A worker tells and hands back what it has, with coordination out of reach for the while that it waits for it. */
const TELL_SECONDS = 20;

describe.skipIf(skipped)("the chart", () => {
  let least: Rendered[] = [];
  let all: Rendered[] = [];

  beforeAll(async () => {
    [least, all] = await Promise.all([render("workers"), render("everything")]);
  });

  const find = (objects: readonly Rendered[], kind: string, name: string): Rendered => {
    const one = objects.find(
      (object) => object.kind === kind && object.metadata.name === `nightly-calls-senpu${name}`,
    );
    if (one === undefined) throw new Error(`no ${kind} …${name}`);
    return one;
  };
  const cronJob = (name: string): CronJobSpec =>
    find(all, "CronJob", `-run-${name}`)["spec"] as CronJobSpec;
  const podOf = (object: Rendered): PodSpec =>
    object.kind === "CronJob"
      ? (object["spec"] as CronJobSpec).jobTemplate.spec.template.spec
      : (object["spec"] as { template: { spec: PodSpec } }).template.spec;
  const pods = (): PodSpec[] =>
    all.filter(({ kind }) => kind === "Deployment" || kind === "CronJob").map(podOf);
  const variable = (pod: PodSpec, name: string): string | undefined =>
    pod.containers[0].env.find((one) => one.name === name)?.value;

  test.each(["workers", "everything"] as const)(
    "L11: passes helm lint --strict with %s",
    async (name) => {
      const { ok, stdout, stderr } = await lint(name);
      expect(ok, `${stdout}${stderr}`).toBe(true);
    },
  );

  test("is of the version that the package has, and so of its image's tag", () => {
    const [chart, own] = ["infra/kubernetes/Chart.yaml", "package.json"].map(
      (path) => parse(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")) as object,
    );
    expect(chart).toMatchObject({ appVersion: (own as { version: string }).version });
  });

  test("renders what values ask for, and nothing else", () => {
    const names = (objects: readonly Rendered[]): string[] =>
      objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
    const prefix = "nightly-calls-senpu";
    expect(names(least)).toEqual([
      `Deployment ${prefix}-worker-all`,
      `PodDisruptionBudget ${prefix}-worker-all`,
      `ServiceAccount ${prefix}`,
    ]);
    expect(names(all)).toEqual([
      `ConfigMap ${prefix}-config`,
      `ConfigMap ${prefix}-plans`,
      `CronJob ${prefix}-run-hourly`,
      `CronJob ${prefix}-run-nightly`,
      `Deployment ${prefix}-recorder`,
      `Deployment ${prefix}-worker-quick`,
      `Deployment ${prefix}-worker-reports`,
      `PodDisruptionBudget ${prefix}-worker-quick`,
      `ServiceAccount ${prefix}`,
    ]);
  });

  test("has only fields and types that Kubernetes has", async () => {
    const objects = [...least, ...all];
    const withPods = objects.filter(({ kind }) => kind === "Deployment" || kind === "CronJob");
    const { ok, stdout, stderr } = await throughKubernetes(withPods);
    expect(ok, stderr).toBe(true);
    const known = JSON.parse(`[${stdout.trim().replaceAll(/^\}\n\{/gm, "},\n{")}]`) as Rendered[];
    expect(known).toHaveLength(withPods.length);
    expect(withPods.flatMap((object, index) => lostFields(object, known[index]))).toEqual([]);
    for (const object of objects.filter((one) => !withPods.includes(one))) {
      const read = await throughKubernetes([object]);
      expect(read.stderr).toContain(`not have a pod template: *v1.${object.kind}`);
      expect(fieldsOf(object)).toEqual(expect.arrayContaining(["apiVersion", "kind", "metadata"]));
      expect(KNOWN[object.kind]).toEqual(expect.arrayContaining(fieldsOf(object)));
    }
  });

  test("a field that Kubernetes does not have, or a wrong type, would be found", async () => {
    const broken = structuredClone(find(all, "CronJob", "-run-nightly"));
    Object.assign(broken["spec"] as object, { concurrencyPolcy: "Forbid" });
    Object.assign(podOf(broken).containers[0].securityContext, { runAsNonRot: true });
    const { stdout } = await throughKubernetes([broken]);
    expect(lostFields(broken, JSON.parse(stdout))).toEqual([
      ".spec.jobTemplate.spec.template.spec.containers.0.securityContext.runAsNonRot",
      ".spec.concurrencyPolcy",
    ]);
    Object.assign(broken["spec"] as object, { startingDeadlineSeconds: "600" });
    const { ok, stderr } = await throughKubernetes([broken]);
    expect(ok).toBe(false);
    expect(stderr).toMatch(/cannot unmarshal string .*startingDeadlineSeconds/);
  });

  test("no pod is root, may become it, or writes anywhere but to its own folders", () => {
    expect(pods()).toHaveLength(5);
    for (const pod of pods()) {
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 65_532,
        seccompProfile: { type: "RuntimeDefault" },
      });
      const [container] = pod.containers;
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(pod.automountServiceAccountToken).toBe(false);
      const writable = pod.volumes.filter(({ emptyDir }) => emptyDir).map(({ name }) => name);
      expect(writable).toEqual(["state", "tmp"]);
      const mounts = container.volumeMounts.map(({ name, mountPath }) => `${name} ${mountPath}`);
      expect(mounts).toEqual(expect.arrayContaining(["state /var/senpu", "tmp /tmp"]));
    }
  });

  test("every pod asks for what it needs, and is limited", () => {
    for (const { containers } of pods()) {
      expect(containers[0].resources.requests).toMatchObject({ cpu: "100m", memory: "256Mi" });
      expect(containers[0].resources.limits).toHaveProperty("memory");
    }
  });

  test.each(["quick", "reports"])(
    "worker %s is killed only after it had its time to drain",
    (name) => {
      const pod = podOf(find(all, "Deployment", `-worker-${name}`));
      const { args } = pod.containers[0];
      const graceSeconds = Number(/^(\d+)s$/.exec(args[args.indexOf("--grace") + 1] ?? "")?.[1]);
      expect(graceSeconds).toBe(name === "reports" ? 90 : 30);
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(graceSeconds + TELL_SECONDS);
      expect(pod.terminationGracePeriodSeconds).toBeLessThan(MAX_VISIBILITY_SECONDS);
    },
  );

  test("a worker works on the lanes that it is given, and knows no ledger", () => {
    const pod = podOf(find(all, "Deployment", "-worker-quick"));
    expect(pod.containers[0].args.join(" ")).toContain("--lanes crm,default");
    expect(variable(pod, "SENPU_LEDGER_URL")).toBeUndefined();
    expect(variable(pod, "CRM_REGION")).toBe("jp");
    expect(podOf(find(least, "Deployment", "-worker-all")).containers[0].args).not.toContain(
      "--lanes",
    );
  });

  test("every pod is told which deployment on AWS it belongs to", () => {
    for (const pod of pods()) {
      expect(variable(pod, "SENPU_PREFIX")).toBe("senpu-production");
      expect(variable(pod, "SENPU_COORDINATION_TABLE")).toBe("senpu-production-coordination");
      expect(variable(pod, "SENPU_CLAIMS_BUCKET")).toBe("senpu-production-claims/calls");
      expect(variable(pod, "SENPU_ANSWERS_BUCKET")).toBe("senpu-production-results/answers");
      expect(variable(pod, "AWS_REGION")).toBe("ap-northeast-1");
    }
  });

  test("a schedule has a time zone, a policy, a deadline that misses nothing, and an end", () => {
    for (const name of ["nightly", "hourly"]) {
      const spec = cronJob(name);
      expect(spec.timeZone).toMatch(/^(Asia\/Tokyo|Etc\/UTC)$/);
      expect(spec.concurrencyPolicy).toBe(name === "nightly" ? "Forbid" : "Replace");
      expect(spec.startingDeadlineSeconds).toBeGreaterThan(10);
      expect(spec.failedJobsHistoryLimit).toBeGreaterThan(0);
      expect(spec.jobTemplate.spec.activeDeadlineSeconds).toBeGreaterThan(0);
    }
  });

  test("a pod that replaces another goes on with its run; a run with failed calls is not begun again", () => {
    const { spec } = cronJob("nightly").jobTemplate;
    const pod = spec.template.spec;
    expect(pod.containers[0].args.join(" ")).toMatch(
      /^run \/etc\/senpu\/plans\/nightly\.yaml --run-id \$\(JOB_NAME\) --no-worker --no-recorder /,
    );
    expect(pod.containers[0].env.find(({ name }) => name === "JOB_NAME")).toMatchObject({
      valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-name']" } },
    });
    expect(pod.restartPolicy).toBe("Never");
    expect(spec.podFailurePolicy.rules[0]).toMatchObject({
      action: "FailJob",
      onExitCodes: { operator: "In", values: [1] },
    });
  });

  test.each<[what: string, values: object, told: RegExp, example?: "workers" | "none"]>([
    ["a typo", { workrs: {} }, /additional properties 'workrs' not allowed/],
    ["a typo inside", { workerDefaults: { replica: 3 } }, /'replica' not allowed/],
    ["no values", {}, /at '\/aws': missing properties 'region', 'prefix'/, "none"],
    ["a deadline of 10 s", nightly({ startingDeadlineSeconds: 10 }), /minimum: got 10, want 11/],
    [
      "no time zone",
      nightly({ schedule: "@daily", plan: "a" }),
      /missing property 'timeZone'/,
      "workers",
    ],
    ["a zone by its letters", nightly({ timeZone: "JST" }), /timeZone': 'JST' does not match/],
    ["six fields of cron", nightly({ schedule: "0 0 2 * * *" }), /schedule': .* does not match/],
    [
      "a policy of another kind",
      nightly({ concurrencyPolicy: "Skip" }),
      /one of 'Forbid', 'Allow'/,
    ],
    [
      "a plan that is not there",
      nightly({ plan: "gone.yaml" }),
      /gone\.yaml is not under plans \(customers\.csv, nightly\.yaml\)/,
    ],
    [
      "a password in the URL",
      { ledger: { url: "postgres://a:b@c/d" } },
      /ledger\/url': .* does not match/,
    ],
    [
      "a recorder without a ledger",
      { recorder: { enabled: true } },
      /recorder\.enabled: .* give ledger\.url/,
      "workers",
    ],
    [
      "a lane that no queue can have",
      { workers: { quick: { lanes: ["CRM"] } } },
      /'CRM' does not match/,
    ],
    [
      "a variable of the chart's own",
      { env: [{ name: "SENPU_PREFIX", value: "x" }] },
      /env\/0\/name': 'not' failed/,
    ],
    [
      "a role that is none",
      { serviceAccount: { roleArn: "senpu" } },
      /roleArn': 'senpu' does not match/,
    ],
  ])("refuses %s, and says where (L11)", async (_, values, told, example) => {
    const { ok, stderr } = await helmTemplate(example ?? "everything", values);
    expect(ok).toBe(false);
    expect(stderr).toMatch(told);
  });
});

function nightly(values: object): object {
  return { schedules: { nightly: values } };
}

const OBJECT = ["apiVersion", "kind", "metadata"];
const BUDGET = ["minAvailable", "maxUnavailable", "selector", "unhealthyPodEvictionPolicy"];

/** Of the kinds without pods; by their names one below the top. Source: Kubernetes API reference, 1.35. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  ConfigMap: [...OBJECT, "data", "binaryData", "immutable"],
  PodDisruptionBudget: [...OBJECT, "spec", ...BUDGET.map((name) => `spec.${name}`)],
  ServiceAccount: [...OBJECT, "secrets", "imagePullSecrets", "automountServiceAccountToken"],
};

function fieldsOf({ spec, ...rest }: Rendered): string[] {
  const inside = Object.keys((spec as object | undefined) ?? {}).map((name) => `spec.${name}`);
  return [...Object.keys(rest), ...(spec === undefined ? [] : ["spec", ...inside])];
}
