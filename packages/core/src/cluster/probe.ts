import type { Login } from '../login/login'
import type { LoginTarget } from '../login/login-target'

/** What a server says about itself and its cluster. */
export interface Answer {
  /** Whether the server is the writer, by its own role. */
  isWriter: boolean
  /** The server's instance identifier. Undefined without Aurora's functions (RDS, Multi-AZ DB clusters). */
  instance?: string
  /** The cluster's instances as this server knows them: stale on a reader. Empty without Aurora's functions. */
  members: Member[]
}

/** An instance of a cluster, as a server describes it. */
export interface Member {
  instance: string
  isWriter: boolean
  lagMs?: number
}

/** A short connection of our own to one server. */
export interface Probe {
  ask(): Promise<Answer>
  close(): void
}

/**
 * Dials, verifies TLS and logs in. Rejects with the error of the network, of TLS or of the server. `signal` destroys
 * the socket, also later.
 */
export type OpenProbe = (
  login: Login,
  target: LoginTarget,
  session: { user: string; database?: string },
  signal: AbortSignal,
) => Promise<Probe>
