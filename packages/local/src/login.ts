import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SecureContext } from 'node:tls'
import type { Backend } from './backend'
import type { ConflictCode } from './dsql/statements'
import type { RefusalReason, Verdict } from './iam/refusal'

/** Replaces a statement by another one. The text is in latin1, so that every byte survives. */
export type RewriteStatement = (statement: string) => string

/** The endpoint's side of a login, for both engines. */
export interface LoginContext {
  /** Certificate and key; undefined when the endpoint offers no TLS. */
  secureContext: SecureContext | undefined
  /** The database behind the endpoint. */
  backend: Backend
  /** Rewrites the statements of MySQL sessions. Default: none is rewritten. */
  rewrite?: RewriteStatement | undefined
  /** Opens a connection to the backend. */
  openBackend(): Promise<Socket>
  /** Notes the streams to the client and to the backend of a session that begins. */
  sessionOpened(client: Duplex, upstream: Duplex): void
  /** Acts at once, or when the endpoint is no longer frozen. */
  whenThawed(action: () => void): void
  /** Decides whether a login is accepted, and records it. */
  authorize(user: string, token: string): Verdict
  /** Maximum duration of a DSQL session, in milliseconds. */
  maxSessionMs: number
  /** Returns the conflict that the next commit of a DSQL transaction fails with, or undefined if it may commit. */
  takeConflict(): ConflictCode | undefined
  /** Records a refusal without a token. */
  recordRefusal(user: string, reason: RefusalReason, detail: string): void
}

/**
 * Serves one client from its first byte to a session or a refusal.
 *
 * Resolves when the session is being relayed, or the refusal was sent. Rejects when there is nothing to send: the caller
 * then closes the socket.
 */
export type LoginHandler = (client: Socket, context: LoginContext) => Promise<void>

/** Longest time from the connection to the session, in milliseconds; PostgreSQL's authentication_timeout. */
export const LOGIN_TIME_MS = 60_000

/** Largest message before the session, in bytes: many times the size of a token with a long session token. */
export const MAX_LOGIN_MESSAGE = 65_536

/** The message for a client when the backend fails. It says why: the client is run by the same person as the endpoint. */
export function backendFailure(error: unknown): string {
  const why = error instanceof Error ? error.message : String(error)
  return `the database behind the endpoint cannot be used: ${why}`
}

/** The client's address in error messages. */
export function clientAddress(socket: Socket): string {
  return (socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, '')
}
