import { EventEmitter } from 'node:events'
import type { RefusalReason, Verdict } from './iam/refusal'

/** One login as the endpoint decided it; it never contains a token or a secret. */
export interface LoginEvent {
  /** When it was decided, by the clock of this process. */
  time: Date
  /** Database user that wanted to log in. */
  user: string
  /** Access key id of the token, if it could be read. */
  accessKeyId?: string
  /** The endpoint's decision. It does not cover refusals by the database behind it. */
  verdict: 'accepted' | 'refused'
  /** Why it was refused; not sent to the client. */
  reason?: RefusalReason
  /** The reason as a sentence with the values that did not match. */
  detail?: string
}

/** A client's TCP connection that opened or closed. */
export interface ConnectionEvent {
  /** When it did, by the clock of this process. */
  time: Date
}

/** Events of an endpoint, with their arguments. */
export interface LocalRdsEvents {
  /** A login was accepted or refused. */
  login: [LoginEvent]
  /** A client connected; nothing has been read yet. */
  connection: [ConnectionEvent]
  /** A client's socket was closed, by either side; it is no longer counted as open. */
  disconnection: [ConnectionEvent]
}

/** Emitter of an endpoint's events. */
export type LocalRdsEmitter = EventEmitter<LocalRdsEvents>

const MAX_LOGINS = 10_000

/** Record of the latest 10,000 logins. */
export class Audit {
  /** Emits an event for each login as it is decided. */
  readonly events: LocalRdsEmitter = new EventEmitter()
  /** The latest logins, the oldest first. */
  readonly logins: LoginEvent[] = []

  /** Adds a login. */
  record(time: Date, user: string, verdict: Verdict): void {
    const event = loginEvent(time, user, verdict)
    if (this.logins.push(event) > MAX_LOGINS) this.logins.shift()
    this.events.emit('login', event)
  }
}

function loginEvent(time: Date, user: string, verdict: Verdict): LoginEvent {
  const { accessKeyId } = verdict
  const login = { time, user, ...(accessKeyId === undefined ? {} : { accessKeyId }) }
  if (verdict.accepted) return { ...login, verdict: 'accepted' }
  return { ...login, verdict: 'refused', reason: verdict.reason, detail: verdict.detail }
}
