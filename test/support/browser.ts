import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** A real browser without a window, driven through its DevTools protocol over a pipe: no port, no package. */

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-extensions",
  "--disable-sync",
  "--hide-scrollbars",
  "--remote-debugging-pipe",
];

/** `CHROME_PATH`, or the first of the usual names in PATH; undefined where there is none. */
export function findBrowser(): string | undefined {
  const given = process.env["CHROME_PATH"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates =
    given === undefined || given === ""
      ? PROGRAMS.flatMap((program) => folders.map((folder) => join(folder, program)))
      : [given];
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

export class Browser {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners = new Map<string, (message: Message) => void>();
  #sent = 0;

  private constructor(child: ChildProcess, profile: string) {
    this.#child = child;
    this.#profile = profile;
    let text = "";
    (child.stdio[4] as Readable).setEncoding("utf8").on("data", (piece: string) => {
      const messages = (text + piece).split("\0");
      text = messages.pop() ?? "";
      for (const message of messages) this.#take(JSON.parse(message) as Message);
    });
  }

  static async start(program: string): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), "senpu-browser-"));
    const child = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    await once(child, "spawn");
    return new Browser(child, profile);
  }

  async newPage(width = 1280, height = 900): Promise<Page> {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const attached = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, attached["sessionId"] as string, targetId as string);
    await page.begin(width, height);
    return page;
  }

  async send(
    method: string,
    params: object = {},
    sessionId?: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#sent;
    const answered = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    const message = { id, method, params, ...(sessionId === undefined ? {} : { sessionId }) };
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  listen(sessionId: string, listener: (message: Message) => void): void {
    this.#listeners.set(sessionId, listener);
  }

  async close(): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, "exit") : undefined;
    this.#child.kill("SIGKILL");
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #take(message: Message): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    } else if (message.sessionId !== undefined) {
      this.#listeners.get(message.sessionId)?.(message);
    }
  }
}

export class Page {
  /** Addresses that the page asked for, its own first. */
  readonly requests: string[] = [];
  /** What went wrong in it: exceptions, and what its policy or the console complained of. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #session: string;
  readonly #target: string;
  #onLoad: (() => void) | undefined;

  constructor(browser: Browser, session: string, target: string) {
    this.#browser = browser;
    this.#session = session;
    this.#target = target;
    browser.listen(session, ({ method, params = {} }) => this.#note(method, params));
  }

  async begin(width: number, height: number): Promise<void> {
    for (const domain of ["Page", "Network", "Runtime", "Log"]) await this.send(`${domain}.enable`);
    await this.send("Performance.enable", { timeDomain: "threadTicks" });
    await this.resize(width, height);
  }

  send(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    return this.#browser.send(method, params, this.#session);
  }

  async resize(width: number, height: number, scale = 1): Promise<void> {
    const metrics = { width, height, deviceScaleFactor: scale, mobile: width < 500 };
    await this.send("Emulation.setDeviceMetricsOverride", metrics);
  }

  async emulate(colorScheme: "light" | "dark"): Promise<void> {
    const features = [{ name: "prefers-color-scheme", value: colorScheme }];
    await this.send("Emulation.setEmulatedMedia", { features });
  }

  /** Resolves once the page has loaded. */
  async open(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => (this.#onLoad = resolve));
    await this.send("Page.navigate", { url });
    await loaded;
  }

  /** Of an expression; its value must be JSON. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { readonly value: Value }).value;
  }

  /** Processor time that its main thread has taken so far: what opening it costs, whatever else the machine does. */
  async busySeconds(): Promise<number> {
    const { metrics } = await this.send("Performance.getMetrics");
    const all = metrics as readonly { readonly name: string; readonly value: number }[];
    const task = all.find(({ name }) => name === "TaskDuration");
    if (task === undefined) throw new Error("the browser measures no tasks");
    return task.value;
  }

  /** Fires the events of printing, as a reader's printing does. */
  async print(): Promise<Buffer> {
    const { data } = await this.send("Page.printToPDF", { preferCSSPageSize: true });
    return Buffer.from(data as string, "base64");
  }

  async close(): Promise<void> {
    await this.#browser.send("Target.closeTarget", { targetId: this.#target });
  }

  #note(method: string | undefined, params: Readonly<Record<string, unknown>>): void {
    if (method === "Page.loadEventFired") this.#onLoad?.();
    if (method === "Network.requestWillBeSent") {
      this.requests.push((params["request"] as { readonly url: string }).url);
    }
    if (method === "Runtime.exceptionThrown") {
      this.complaints.push(JSON.stringify(params["exceptionDetails"]));
    }
    if (method === "Runtime.consoleAPICalled") this.complaints.push(JSON.stringify(params["args"]));
    if (method === "Log.entryAdded") {
      this.complaints.push((params["entry"] as { readonly text: string }).text);
    }
  }
}
