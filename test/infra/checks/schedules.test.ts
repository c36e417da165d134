import { expect, test } from "vitest";
import { checkCron } from "../../../infra/checks/schedules.ts";

test("a cron expression of five fields is found, which AWS would refuse at deployment", () => {
  const schedule = (ScheduleExpression: string): string[] =>
    checkCron({
      Resources: { s: { Type: "AWS::Scheduler::Schedule", Properties: { ScheduleExpression } } },
    });
  expect(schedule("cron(30 1 * * ? *)")).toEqual([]);
  expect(schedule("rate(1 hour)")).toEqual([]);
  expect(schedule("cron(30 1 * * *)")).toEqual([
    "s: cron(30 1 * * *) has not 6 fields: minutes hours day month weekday year",
  ]);
});
