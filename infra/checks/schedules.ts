import { resourcesOf } from "./template.ts";
import type { Check } from "./template.ts";

const FIELDS = 6;

/** A cron expression as other crons have it, of five fields, which no validation sees and AWS refuses at deployment. */
export const checkCron: Check = (template) =>
  ["AWS::Scheduler::Schedule", "AWS::Events::Rule"].flatMap((type) =>
    resourcesOf(template, type).flatMap(([id, { Properties = {} }]) => {
      const [, cron] = /^cron\((.*)\)$/.exec(String(Properties["ScheduleExpression"])) ?? [];
      if (cron === undefined || cron.trim().split(/\s+/).length === FIELDS) return [];
      return [
        `${id}: cron(${cron}) has not ${FIELDS} fields: minutes hours day month weekday year`,
      ];
    }),
  );
