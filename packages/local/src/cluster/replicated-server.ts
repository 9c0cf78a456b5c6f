import type { Backend } from '../backend'
import type { RewriteStatement } from '../login'

/** What the servers of a cluster have in common. */
export interface ClusterServerOptions {
  /** Users of the database. */
  users: readonly string[]
  /** Password of all users. */
  password: string
  /** Whether the servers have Aurora's functions. */
  aurora: boolean
  /** Ends what is under way when it is aborted. */
  signal?: AbortSignal | undefined
}

/** What a server reports about one instance of its cluster. */
export interface InstanceStatus {
  /** Instance identifier. */
  id: string
  /** Whether it is the writer. */
  isWriter: boolean
  /** Milliseconds that a reader lags behind. */
  lagMs: number
  /** When the instance last reported; undefined for one that runs. */
  stoppedAt?: Date | undefined
}

/** How long a reader may take to follow a writer, in milliseconds. */
export const FOLLOW_TIME_MS = 30_000

/** A database server that replicates to others of its kind. */
export interface ReplicatedServer {
  /** Where it is, and its logins; another port after each start. */
  readonly backend: Backend
  /** Rewrites the statements of MySQL sessions. Default: none is rewritten. */
  readonly rewrite?: RewriteStatement | undefined
  /** Starts it as the writer. */
  startWriter(): Promise<void>
  /** Starts it as a reader. The first time it is created as a copy of the writer, which must run then. */
  startReader(writer: this): Promise<void>
  /** Makes a reader the writer; resolves when it accepts writes. */
  promote(): Promise<void>
  /** Makes a running reader follow another writer, or the same one on another port. */
  follow(writer: this): Promise<void>
  /** Waits until a reader has what the writer has written so far, and receives what it writes. */
  untilFollowing(writer: this): Promise<void>
  /** Sets the list of instances that the server reports. */
  report(instances: readonly InstanceStatus[]): void
  /** Stops it, if it runs. Readers that follow it receive all that it committed. */
  stop(): Promise<void>
  /** Stops it and removes its files. */
  remove(): Promise<void>
}
