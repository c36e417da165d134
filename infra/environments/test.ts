import { defineEnvironment } from "./environment.ts";

export const test = defineEnvironment({
  name: "test",
  region: "ap-northeast-1",
  data: "destroy",
  logs: { retentionDays: 14 },
  alarms: { email: "senpu-test@example.com", oldestMessageMinutes: 60 },
  pipeline: {
    keepDays: 15,
    maxTasks: 4,
    schedules: [
      {
        name: "crm-nightly",
        plan: "crm-nightly.yaml",
        cron: "30 1 * * ? *",
        timeZone: "Asia/Tokyo",
        overlap: "skip",
        expectedEveryHours: 25,
        enabled: false,
      },
    ],
  },
  ledger: {
    engineVersion: "17.6",
    instanceType: "t4g.micro",
    storageGb: 20,
    maxStorageGb: 50,
    standby: false,
    backupDays: 1,
    keepRunsDays: 30,
  },
  site: { domain: null, keepReportsDays: 30 },
  edge: {
    rateLimit: 1000,
    endUsers: "everyone",
    developers: { ipv4: ["192.0.2.0/24"], ipv6: ["2001:db8::/48"] },
    registration: { ipv6Prefix: 64, expiresAfterDays: 14 },
  },
  canary: { url: "https://example.com/", lanes: {} },
});
