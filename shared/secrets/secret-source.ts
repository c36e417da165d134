/**
 * A place where secrets lie under their names. Reads and never writes.
 *
 * In: a name such as `crm/token`. Out: its value, which nobody but the one who is about to send it may hold on to.
 */
export interface SecretSource {
  /** Undefined: it has none of that name. Throws SenpuError `secrets` when it cannot be asked, or refuses. */
  read(name: string): Promise<string | undefined>;
  /** Where that is, for an error that says where was looked. */
  describe(name: string): string;
}
