#!/usr/bin/env node
// A launcher that any Node can read: it says which Node is needed, then loads the TypeScript.
var needed = [24, 12];
var version = process.versions.node.split(".");
var major = Number(version[0]);
// A process that makes calls for hours must not rest on garbage: what lives in it is some 30 MB a thread, and V8 by
// default lets each heap grow to a multiple of that before it looks. It takes such flags at the start only; set later,
// while other threads run, they have undefined effects. Measured over 300,000 calls: 609 MiB without, 315 MiB with.
var smallHeap = ["--max-semi-space-size=8", "--heap-growing-percent=50"];
var callMakers = ["run", "demo", "resume", "replay", "worker"];

function isCallMaker(args) {
  return args.some(function (arg) {
    return callMakers.indexOf(arg) !== -1;
  });
}

if (major < needed[0] || (major === needed[0] && Number(version[1]) < needed[1])) {
  console.error(
    "senpu needs Node " +
      needed.join(".") +
      " or later, and this is Node " +
      process.versions.node +
      ": in a checkout run it as `npx senpu` after `npm ci`, elsewhere install Node 24 from https://nodejs.org.",
  );
  process.exit(2);
} else {
  // The same process, begun anew with the flags. Windows has no such call, and does without.
  if (
    process.execve &&
    process.platform !== "win32" &&
    process.execArgv.indexOf(smallHeap[0]) === -1 &&
    isCallMaker(process.argv.slice(2))
  ) {
    process.execve(
      process.execPath,
      [process.execPath].concat(smallHeap, process.execArgv, process.argv.slice(1)),
      process.env,
    );
  }
  // A container's first process gets no signal's default action from the kernel: we end it, unless a command listens.
  if (process.pid === 1) {
    [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ].forEach(function (one) {
      process.on(one[0], function () {
        if (process.listenerCount(one[0]) === 1) process.exit(one[1]);
      });
    });
  }
  import("node:module")
    .then(function (module) {
      // Keeps what was compiled and stripped of types, so that the command starts at once from the second time on.
      module.enableCompileCache();
      return import("./senpu.ts");
    })
    .then(function (senpu) {
      return senpu.main(process.argv.slice(2));
    })
    .then(function (code) {
      process.exitCode = code;
    });
}
