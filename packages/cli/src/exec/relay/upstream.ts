import { createHash, timingSafeEqual } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Login, LoginTarget } from '@rds-iam/core/internal'
import { firstLine } from '../../errors'

/** The server and user to log in clients as, and the password that clients must send. */
export interface Upstream {
  login: Login
  target: LoginTarget
  user: string
  password: string
}

/**
 * Logs in a client that sends the password. Returns the connection to the server, for the caller to join with the
 * client's. Returns undefined if the login failed; the client has then received the error. `signal` ends the connection
 * to the server.
 */
export type Serve = (client: Socket, upstream: Upstream, signal: AbortSignal) => Promise<Duplex | undefined>

/** The error for a client that sent a wrong password. */
export class WrongPassword extends Error {
  constructor() {
    super('wrong password')
  }
}

/** The message for a client whose login failed. The error after several addresses were dialled has only a code. */
export function messageOf(error: unknown): string {
  return `rds-iam: ${firstLine(error) || (error as NodeJS.ErrnoException).code}`
}

/** Compares secrets in constant time. */
export function isEqual(a: string | Buffer, b: string | Buffer): boolean {
  const [left, right] = [a, b].map((value) => createHash('sha256').update(value).digest())
  return timingSafeEqual(left as Buffer, right as Buffer)
}
