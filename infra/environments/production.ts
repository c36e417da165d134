import { defineEnvironment } from "./environment.ts";

export const production = defineEnvironment({
  name: "production",
  region: "ap-northeast-1",
  data: "keep",
  logs: { retentionDays: 180 },
  alarms: { email: "senpu@example.com", oldestMessageMinutes: 30 },
  pipeline: {
    keepDays: 30,
    maxTasks: 20,
    schedules: [
      {
        name: "crm-nightly",
        plan: "crm-nightly.yaml",
        cron: "30 1 * * ? *",
        timeZone: "Asia/Tokyo",
        overlap: "skip",
        expectedEveryHours: 25,
        enabled: true,
      },
    ],
  },
  ledger: {
    engineVersion: "17.6",
    instanceType: "t4g.small",
    storageGb: 20,
    maxStorageGb: 200,
    standby: true,
    backupDays: 14,
    keepRunsDays: 400,
  },
  site: { domain: null, keepReportsDays: 400 },
  edge: {
    rateLimit: 1000,
    endUsers: "everyone",
    developers: { ipv4: ["192.0.2.0/24"], ipv6: ["2001:db8::/48"] },
    registration: { ipv6Prefix: 64, expiresAfterDays: 30 },
  },
  canary: { url: "https://example.com/", lanes: {} },
});
