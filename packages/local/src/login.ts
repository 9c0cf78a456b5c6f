import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Backend } from './backend'
import type { RefusalReason } from './iam/refusal'

/** What a login needs to know of the endpoint, on both engines. */
export interface LoginContext {
  /** Certificate and key; undefined when the endpoint offers no TLS. */
  secureContext: SecureContext | undefined
  /** The database behind the endpoint. */
  backend: Backend
  /** Opens a connection to the backend. */
  openBackend(): Promise<Socket>
  /** Decides a login and records it. */
  authorize(user: string, token: string): boolean
  /** Records a refusal for which no token was looked at. */
  recordRefusal(user: string, reason: RefusalReason, detail: string): void
}

/**
 * Brings one client from its first byte to a session, or to a refusal.
 *
 * Resolves when bytes are being relayed, or the client was told why not. A rejection means that the client is not
 * worth an answer: the caller closes the socket.
 */
export type LoginHandler = (client: Socket, context: LoginContext) => Promise<void>

/** Longest time from the connection to the session, in milliseconds; PostgreSQL's authentication_timeout. */
export const LOGIN_TIME_MS = 60_000

/** Largest message before the session, in bytes: a token with a long session token fits in many times. */
export const MAX_LOGIN_MESSAGE = 65_536

/** The client's address as error messages name it. */
export function clientAddress(socket: Socket): string {
  return (socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, '')
}
