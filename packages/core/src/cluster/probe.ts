import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'

/** An instance of a cluster, as one of the cluster's servers describes it. */
export interface Member {
  /** The instance identifier. */
  instance: string
  isWriter: boolean
  lagMs?: number
}

/** What a server says about itself and its cluster. */
export interface Answer {
  /** Whether the server is the writer, by its own role. */
  isWriter: boolean
  /** Whether it would be the writer if its configuration did not make it read-only. */
  isReadOnly?: boolean
  /** The server's instance identifier. Undefined without Aurora's functions (RDS, Multi-AZ DB clusters). */
  instance?: string
  /** The instances of the cluster as this server knows them: stale on a reader. Empty without Aurora's functions. */
  members: Member[]
}

/** The user and the database of a login. */
export interface Session {
  user: string
  database?: string | undefined
}

/** A short connection of our own to one server. */
export interface Probe {
  ask(): Promise<Answer>
  /** Logs out, and closes the socket at once. */
  close(): void
}

/**
 * Dials a server, verifies TLS and logs in. Rejects with the error of the network, of TLS or of the server. `signal`
 * aborts the attempt.
 */
export type OpenProbe = (
  login: Login,
  target: LoginTarget,
  session: Session,
  signal: AbortSignal,
) => Promise<Probe>
