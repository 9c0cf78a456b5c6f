import type { EventEmitter } from 'node:events'
import type { RefusalReason } from './iam/refusal'

/** One login as the endpoint decided it; it never contains a token or a secret. */
export interface LoginEvent {
  /** When it was decided, by the clock of this process. */
  time: Date
  /** Database user that wanted to log in. */
  user: string
  /** Access key id of the token, as far as one could be read. */
  accessKeyId?: string
  /** What the endpoint decided. A refusal by the database behind it is not the endpoint's. */
  verdict: 'accepted' | 'refused'
  /** Why it was refused; the client is not told. */
  reason?: RefusalReason
  /** The reason as a sentence with the values that did not match. */
  detail?: string
}

/** A TCP connection that a client opened. */
export interface ConnectionEvent {
  /** When it was accepted. */
  time: Date
}

/** What {@link LocalRds.events} emits. */
export interface LocalRdsEvents {
  /** A login was accepted or refused. */
  login: [LoginEvent]
  /** A client connected; nothing was read from it yet. */
  connection: [ConnectionEvent]
}

/** Emitter of an endpoint's events. */
export type LocalRdsEmitter = EventEmitter<LocalRdsEvents>
