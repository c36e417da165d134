import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ClaimStore } from "../../shared/claims/claim-store.ts";
import { ClaimLostError, TooLargeError } from "../../shared/claims/claim-store.ts";
import { adoptClaim, claimCall, wholeCall } from "../../shared/claims/claimed-call.ts";
import { MAX_CLAIM_BYTES } from "../../shared/model/claim.ts";
import type { Claim } from "../../shared/model/claim.ts";

/** A store of its own for the test that asks. */
interface TestedClaims {
  /** Anew, as another process has it. */
  open(): ClaimStore;
  /** What lies under this name below the store, as if somebody had written it there. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
  /** The same kind of store where there is none. */
  openNowhere(): ClaimStore;
}
export type MakeClaims = () => Promise<TestedClaims>;

const bytes = Buffer.from('{"url":"http://a/","body":"風 \\u0000"}');
const lost = expect.any(ClaimLostError) as ClaimLostError;

/** What senpu relies on, of any claim store. */
export function claimsConformance(name: string, make: MakeClaims): void {
  describe(`claims: ${name}`, () => {
    test("what is put is what another process gets", async () => {
      const tested = await make();
      const large = randomBytes(3_000_000);
      const claim = await tested.open().put("r.1", large);
      expect(claim).toMatchObject({ run: "r.1", bytes: large.length });
      expect(await tested.open().get(claim)).toEqual(large);
      const empty = await tested.open().put("r.1", new Uint8Array());
      expect(await tested.open().get(empty)).toEqual(Buffer.alloc(0));
    });

    test("putting the same again, even twice at once, gives the same claim", async () => {
      const tested = await make();
      const [one, other] = [tested.open(), tested.open()];
      const claims = await Promise.all([one.put("r", bytes), other.put("r", bytes)]);
      expect(claims[0]).toEqual(claims[1]);
      expect(await one.put("r", bytes)).toEqual(claims[0]);
      expect(await other.get(claims[0])).toEqual(bytes);
    });

    test("what is gone, cut or changed is lost for good, and putting it again mends it", async () => {
      const tested = await make();
      const store = tested.open();
      const claim = await store.put("r", bytes);
      const at = `r/${claim.sha256}`;
      for (const wrong of [bytes.subarray(1), Buffer.from(bytes).fill(65, 3, 4), Buffer.alloc(0)]) {
        await tested.write(at, wrong);
        await expect(store.get(claim)).rejects.toThrow(/damaged/);
        await expect(store.get(claim)).rejects.toEqual(lost);
      }
      await store.put("r", bytes);
      expect(await store.get(claim)).toEqual(bytes);
      await tested.remove(at);
      await expect(store.get(claim)).rejects.toThrow(/is gone/);
      await expect(store.get(claim)).rejects.toEqual(lost);
    });

    test.each<[string, Partial<Record<keyof Claim, unknown>>]>([
      ["a run that climbs out", { run: "../secret" }],
      ["a run of nothing but dots", { run: ".." }],
      ["an absolute run", { run: "/etc" }],
      ["a run with a folder", { run: "r/../../secret" }],
      ["a run of Windows", { run: "..\\secret" }],
      ["a name that climbs out", { sha256: "../secret/passwd" }],
      ["an absolute name", { sha256: "/etc/passwd" }],
      ["a name of another length", { sha256: "aa" }],
      ["the marks of forgotten runs", { run: ".forgotten" }],
      ["bytes beyond all measure", { bytes: Number.MAX_SAFE_INTEGER }],
      ["no bytes at all", { bytes: "1" }],
    ])("a claim with %s reads nothing", async (_name, wrong) => {
      const tested = await make();
      const store = tested.open();
      const claim = await store.put("r", bytes);
      await tested.write("secret/passwd", bytes);
      await expect(store.get({ ...claim, ...wrong } as never)).rejects.toEqual(lost);
    });

    test.each(["../r", "", ".forgotten", "a/b", "x".repeat(81)])(
      "a run named %j cannot have claims",
      async (run) => {
        const store = (await make()).open();
        await expect(store.put(run, bytes)).rejects.toMatchObject({ code: "claims" });
        await expect(store.removeRun(run)).rejects.toMatchObject({ code: "claims" });
      },
    );

    test("a claim of another kind of store is no loss: somebody else may have it", async () => {
      const store = (await make()).open();
      const claim = await store.put("r", bytes);
      const other = { ...claim, store: claim.store === "s3" ? "folder" : "s3" } as const;
      await expect(store.get(other)).rejects.toMatchObject({ code: "claims" });
      await expect(store.get(other)).rejects.toThrow(/SENPU_CLAIMS_BUCKET/);
    });

    test("a store that is not there is no loss either", async () => {
      const tested = await make();
      const claim = await tested.open().put("r", bytes);
      await expect(tested.openNowhere().get(claim)).rejects.toMatchObject({ code: "claims" });
    });

    test("a call beyond the top size is refused, with both figures", async () => {
      const store = (await make()).open();
      const put = store.put("r", new Uint8Array(MAX_CLAIM_BYTES + 1));
      await expect(put).rejects.toEqual(expect.any(TooLargeError));
      await expect(put).rejects.toThrow(/67,108,865 bytes .*at most 67,108,864/);
    });

    test("a run's claims go together, and no other's with them", async () => {
      const store = (await make()).open();
      const claims = await Promise.all([1, 2, 3].map((n) => store.put("r", Buffer.from([n]))));
      const other = await store.put("r2", Buffer.from([1]));
      await store.removeRun("r");
      await store.removeRun("r");
      await store.removeRun("never");
      for (const claim of claims) await expect(store.get(claim)).rejects.toEqual(lost);
      expect(await store.get(other)).toEqual(Buffer.from([1]));
    });

    test("claims of a forgotten run stay until their time is over, and of one that is there again for good", async () => {
      const store = (await make()).open();
      const [gone, back, young] = await Promise.all(
        ["gone", "back", "young"].map((run) => store.put(run, bytes)),
      );
      expect(await store.prune(Infinity, new Set())).toEqual([]);
      await store.forget(["gone", "back", "without claims"], Date.now());
      expect(await store.prune(Date.now() - 60_000, new Set())).toEqual([]);
      expect(await store.get(gone!)).toEqual(bytes);
      expect(await store.prune(Date.now() + 60_000, new Set(["back"]))).toEqual(["gone"]);
      await expect(store.get(gone!)).rejects.toEqual(lost);
      expect(await store.prune(Date.now() + 60_000, new Set())).toEqual([]);
      expect(await store.get(back!)).toEqual(bytes);
      expect(await store.get(young!)).toEqual(bytes);
    });

    test("a call comes back as it was, and a replay has a copy of its own", async () => {
      const store = (await make()).open();
      const call = {
        id: "a",
        method: "POST",
        url: `https://api.example.com/${"x".repeat(5_000)}`,
        headers: { "x-a": "1" },
        json: JSON.stringify({ text: "風\ud800😀".repeat(100_000) }),
        timeoutMs: 5,
        key: "k",
      } as const;
      const claimed = await claimCall(store, "r", call);
      expect(JSON.stringify(claimed).length).toBeLessThan(3_000);
      expect(claimed).toMatchObject({ id: "a", method: "POST", timeoutMs: 5, key: "k" });
      expect(await wholeCall(store, { ...claimed, attempts: 2 })).toEqual({ ...call, attempts: 2 });
      const adopted = await adoptClaim(store, "replay", claimed);
      await store.removeRun("r");
      expect(await wholeCall(store, adopted)).toEqual(call);
      await expect(wholeCall(store, claimed)).rejects.toEqual(lost);
    });

    test("what is no call cannot be made one", async () => {
      const store = (await make()).open();
      for (const text of ["null", "{", '{"url":1}', '{"url":"http://a/","headers":{"a":1}}']) {
        const claim = await store.put("r", Buffer.from(text));
        await expect(wholeCall(store, { id: "a", url: "http://a/", claim })).rejects.toEqual(lost);
      }
    });
  });
}
