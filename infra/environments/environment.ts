import * as z from "zod";

/**
 * Everything in which one deployment may differ from another. Each environment is a file beside this one, in which a
 * setting that is missing does not compile; nothing else in the project names an environment.
 *
 * In: a literal of that file. Out: a frozen value whose ranges have been checked, or an error that names each fault.
 */
export interface Environment {
  /** Begins the stacks' names, and is their tag; lowercase letters, digits and hyphens, at most 20. */
  readonly name: string;
  /** Where all stands but what CloudFront wants in us-east-1. */
  readonly region: string;
  /** `destroy`: its data goes with the stacks. `keep`: data stays when a stack is deleted, and deletion is protected. */
  readonly data: "keep" | "destroy";
  readonly logs: { readonly retentionDays: 1 | 7 | 14 | 30 | 90 | 180 | 365 };
  readonly alarms: AlarmSettings;
  readonly pipeline: PipelineSettings;
  /** Null: no database; runs are accounted for by alarms and the `failed` queues alone. */
  readonly ledger: LedgerSettings | null;
  /** Null: no website for reports. */
  readonly site: SiteSettings | null;
  readonly edge: EdgeSettings;
  /** What each lane calls at the end of a deployment, to see that it works. Null: nothing is called, and nothing is seen. */
  readonly canary: CanarySettings | null;
}

/** Addresses that a GET does no harm to, and that answer it with 2xx. */
export interface CanarySettings {
  /** For every lane that has none of its own below. */
  readonly url: string;
  /** By lane, as `senpu.config.yaml` names it: the health address of its API, for instance. */
  readonly lanes: Readonly<Record<string, string>>;
}

interface AlarmSettings {
  /** Gets a mail for each alarm, once it has confirmed the subscription. */
  readonly email: string;
  /** A lane's oldest message may wait this long. */
  readonly oldestMessageMinutes: number;
}

interface PipelineSettings {
  /** Days until a plan's claims, spooled plans and results are deleted. */
  readonly keepDays: number;
  /** The most tasks that one Fargate lane may run, whatever the configuration says. */
  readonly maxTasks: number;
  readonly schedules: readonly ScheduleSettings[];
}

export interface ScheduleSettings {
  /** Lowercase letters, digits and hyphens. */
  readonly name: string;
  /** Key of the plan in the plans bucket. */
  readonly plan: string;
  /** Six fields, as EventBridge Scheduler has them: minutes hours day-of-month month day-of-week year. */
  readonly cron: string;
  /** IANA name, for instance `Asia/Tokyo`. */
  readonly timeZone: string;
  /** When the run before has not ended: `skip` this one, `queue` it behind, or `allow` both at once; without a ledger, `allow`. */
  readonly overlap: "skip" | "queue" | "allow";
  /** An alarm rings when this long has passed without a start. */
  readonly expectedEveryHours: number;
  readonly enabled: boolean;
}

export interface LedgerSettings {
  /** Exactly, as RDS names it; a change of the number before the point is a major upgrade, which is asked for by name. */
  readonly engineVersion: string;
  /** Without `db.`: `t4g.micro`. */
  readonly instanceType: string;
  readonly storageGb: number;
  /** Storage grows by itself up to this. */
  readonly maxStorageGb: number;
  readonly standby: boolean;
  readonly backupDays: number;
  /** Runs older than this are forgotten. */
  readonly keepRunsDays: number;
}

export interface SiteSettings {
  /** Null: CloudFront's own domain. The certificate stands in us-east-1. */
  readonly domain: { readonly name: string; readonly certificateArn: string } | null;
  readonly keepReportsDays: number;
}

export interface EdgeSettings {
  /** Requests of one address in five minutes before it is blocked; AWS WAF takes 10 to 2,000,000,000. */
  readonly rateLimit: number;
  /** Who comes in at all: `everyone`, or these ranges. */
  readonly endUsers: "everyone" | AddressRanges;
  /** Who stays in during maintenance. More register themselves by `senpu allow-ip`. */
  readonly developers: AddressRanges;
  readonly registration: {
    /** IPv6 addresses are registered as one address (128) or as the network they are in (64). */
    readonly ipv6Prefix: 64 | 128;
    readonly expiresAfterDays: number;
  };
}

/** CIDR ranges; a single address ends in /32 or /128. */
export interface AddressRanges {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

const NAME = z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, "1 to 20 of a-z, 0-9 and -");
const RANGES = z.strictObject({ ipv4: z.array(z.cidrv4()), ipv6: z.array(z.cidrv6()) });
const SIX_FIELDS = /^\S+( \S+){5}$/;

const CANARY_URL = z.url({ protocol: /^https?$/, error: "an http: or https: address" });

const SETTINGS = z.strictObject({
  name: NAME,
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "an AWS region, such as ap-northeast-1"),
  data: z.enum(["keep", "destroy"]),
  logs: z.strictObject({ retentionDays: z.number() }),
  alarms: z.strictObject({ email: z.email(), oldestMessageMinutes: z.int().min(1).max(1440) }),
  pipeline: z.strictObject({
    keepDays: z.int().min(15, "at least 15: messages live for 14 days in a dead-letter queue"),
    maxTasks: z.int().min(1).max(1000),
    schedules: z.array(
      z.strictObject({
        name: NAME,
        plan: z.string().min(1),
        cron: z.string().regex(SIX_FIELDS, "six fields: minutes hours day month weekday year"),
        timeZone: z.string().refine(isTimeZone, "an IANA time zone, such as Asia/Tokyo"),
        overlap: z.enum(["skip", "queue", "allow"]),
        expectedEveryHours: z.int().min(1).max(168, "at most 168: CloudWatch looks back a week"),
        enabled: z.boolean(),
      }),
    ),
  }),
  ledger: z
    .strictObject({
      engineVersion: z.string().regex(/^\d+\.\d+$/, "major and minor, such as 17.6"),
      instanceType: z.string().regex(/^[a-z0-9]+\.[a-z0-9]+$/, "without db., such as t4g.micro"),
      storageGb: z.int().min(20),
      maxStorageGb: z.int().min(20),
      standby: z.boolean(),
      backupDays: z.int().min(1).max(35),
      keepRunsDays: z.int().min(1),
    })
    .refine((ledger) => ledger.maxStorageGb > ledger.storageGb, {
      path: ["maxStorageGb"],
      message: "more than storageGb",
    })
    .nullable(),
  site: z
    .strictObject({
      domain: z
        .strictObject({
          name: z.hostname(),
          certificateArn: z.string().regex(/^arn:aws:acm:us-east-1:/, "a certificate in us-east-1"),
        })
        .nullable(),
      keepReportsDays: z.int().min(1),
    })
    .nullable(),
  edge: z.strictObject({
    rateLimit: z.int().min(10).max(2_000_000_000),
    endUsers: z.union([z.literal("everyone"), RANGES]),
    developers: RANGES,
    registration: z.strictObject({
      ipv6Prefix: z.union([z.literal(64), z.literal(128)]),
      expiresAfterDays: z.int().min(1).max(365),
    }),
  }),
  canary: z.strictObject({ url: CANARY_URL, lanes: z.record(z.string(), CANARY_URL) }).nullable(),
});

const ENVIRONMENT = SETTINGS.superRefine(({ ledger, pipeline }, context) => {
  if (ledger !== null) return;
  for (const [index, { overlap }] of pipeline.schedules.entries()) {
    if (overlap === "allow") continue;
    context.addIssue({
      code: "custom",
      path: ["pipeline", "schedules", index, "overlap"],
      message:
        "allow, which it must be without a ledger: nobody knows whether the run before has ended",
    });
  }
});

/** Checks an environment's ranges. Throws an Error that lists each fault with the field and the value given. */
export function defineEnvironment(settings: Environment): Environment {
  const parsed = ENVIRONMENT.safeParse(settings);
  if (parsed.success) return deepFreeze(settings);
  const faults = parsed.error.issues.map(({ path, message }) => {
    const given = path.reduce<unknown>(
      (value, key) => (value as Record<PropertyKey, unknown>)[key],
      settings,
    );
    return `  ${path.join(".")}: ${JSON.stringify(given)} is not ${message}`;
  });
  throw new Error(`environment ${settings.name}:\n${faults.join("\n")}`);
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}
