/** What several processes do at once to one coordination file. */
export const PROCESS_TASK = {
  now: 1_785_542_400_000,
  closed: Array.from({ length: 40 }, (_, index) => `https://closed-${index}.example.com`),
  successes: 100,
  growth: {
    lane: "crm",
    origin: "https://open.example.com",
    floor: 1,
    ceiling: 9999,
    adapts: true,
  },
};
