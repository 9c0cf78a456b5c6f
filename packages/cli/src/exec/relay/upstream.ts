import { createHash, timingSafeEqual } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Login, LoginTarget } from '@rds-iam/core/internal'
import { firstLine } from '../../errors'

/** Where and as which user to log in clients, and the password that they must send. */
export interface Upstream {
  login: Login
  target: LoginTarget
  user: string
  password: string
}

/**
 * Logs a client in, if it sends the password. Returns the connection to the server, to be joined with the client's.
 * Undefined if the client was refused, and told why. `signal` ends the connection to the server.
 */
export type Serve = (client: Socket, upstream: Upstream, signal: AbortSignal) => Promise<Duplex | undefined>

/** The error for a client that does not know the password. */
export class WrongPassword extends Error {
  constructor() {
    super('wrong password')
  }
}

/** Why a login failed, for the client. The error of several addresses has only a code. */
export function messageOf(error: unknown): string {
  return `rds-iam: ${firstLine(error) || (error as NodeJS.ErrnoException).code}`
}

/** Compares secrets in a time that does not depend on them. */
export function isEqual(a: string | Buffer, b: string | Buffer): boolean {
  const [left, right] = [a, b].map((value) => createHash('sha256').update(value).digest())
  return timingSafeEqual(left as Buffer, right as Buffer)
}
