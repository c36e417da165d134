/** What a file system's number says of it. Source: Linux, include/uapi/linux/magic.h, and statfs(2). */

interface FileSystem {
  readonly name: string;
  /** Locks between processes do not hold there, or what is written is gone after a restart. */
  readonly trouble?: "network" | "memory";
}

const KNOWN: ReadonlyMap<number, FileSystem> = new Map<number, FileSystem>([
  [0xef53, { name: "ext4" }],
  [0x5846_5342, { name: "xfs" }],
  [0x9123_683e, { name: "btrfs" }],
  [0x2fc1_2fc1, { name: "zfs" }],
  [0xf2f5_2010, { name: "f2fs" }],
  [0x794c_7630, { name: "overlay" }],
  [0x0102_1994, { name: "tmpfs", trouble: "memory" }],
  [0x8584_58f6, { name: "ramfs", trouble: "memory" }],
  [0x6969, { name: "NFS", trouble: "network" }],
  [0x517b, { name: "SMB", trouble: "network" }],
  [0xff53_4d42, { name: "CIFS", trouble: "network" }],
  [0xfe53_4d42, { name: "SMB", trouble: "network" }],
  [0x0102_1997, { name: "9p", trouble: "network" }],
  [0x5346_414f, { name: "AFS", trouble: "network" }],
  [0x00c3_6400, { name: "Ceph", trouble: "network" }],
  [0x0bd0_0bd3, { name: "Lustre", trouble: "network" }],
  [0x6573_5546, { name: "FUSE", trouble: "network" }],
]);

/** Undefined for one that is not known, and on other systems than Linux, which number them otherwise. */
export function fileSystemOf(type: number, platform: string): FileSystem | undefined {
  // A 32-bit number, of which some systems make a negative one.
  return platform === "linux" ? KNOWN.get(type >>> 0) : undefined;
}
