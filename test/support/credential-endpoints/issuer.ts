import { randomBytes } from 'node:crypto'
import type { TestIdentity } from '@rds-iam/local'

/** Short-lived test credentials from a credential endpoint. */
export interface IssuedIdentity extends TestIdentity {
  /** Session token that tokens of this identity must carry. */
  sessionToken: string
  /** When the credentials expire; a whole second, as AWS writes it. */
  expiration: Date
}

/** Options of an {@link Issuer}. */
export interface IssuerOptions {
  /** How long identities are valid, in milliseconds. */
  lifetimeMs: number
  /** Whether each response has a new identity; otherwise one identity is repeated until it expires. */
  rotate: boolean
  /** Called with each new identity, before it is sent. */
  onIssued?: ((identity: IssuedIdentity) => void) | undefined
}

/** Issues the identities of one credential source. */
export interface Issuer {
  /** Returns the identity for one response; with `expired`, one that expired a minute ago. */
  issue(options: { expired: boolean }): IssuedIdentity
}

const EXPIRED_MS = -60_000

/** Creates an issuer. It reads the options for each response, so they may change while it is in use. */
export function createIssuer(options: IssuerOptions): Issuer {
  let kept: IssuedIdentity | undefined

  function make(lifetimeMs: number): IssuedIdentity {
    const identity = createSession(new Date(), lifetimeMs)
    options.onIssued?.(identity)
    return identity
  }

  return {
    issue({ expired }) {
      if (expired) return make(EXPIRED_MS)
      if (options.rotate) return make(options.lifetimeMs)
      if (kept === undefined || kept.expiration <= new Date()) kept = make(options.lifetimeMs)
      return kept
    },
  }
}

function createSession(now: Date, lifetimeMs: number): IssuedIdentity {
  return {
    // The access keys of sessions begin with ASIA, those of users with AKIA.
    accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: `IQoJb3JpZ2luX2Vj${randomBytes(320).toString('base64')}`,
    expiration: new Date(Math.floor((now.getTime() + lifetimeMs) / 1_000) * 1_000),
  }
}
