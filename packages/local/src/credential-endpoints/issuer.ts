import { randomBytes } from 'node:crypto'
import { createIdentity, type TestIdentity } from '../iam/identity'

/** Short-lived test credentials, as a credential endpoint hands them out. */
export interface IssuedIdentity extends TestIdentity {
  /** Session token that tokens of this identity must carry. */
  sessionToken: string
  /** When the credentials end; a whole second, as AWS writes it. */
  expiration: Date
}

/** What an {@link Issuer} is made of. */
export interface IssuerOptions {
  /** How long identities live, in milliseconds. */
  lifetimeMs: number
  /** Whether each answer is a new identity; otherwise one is answered until it ends. */
  rotate: boolean
  /** Called with each new identity, before anybody gets it. */
  onIssued?: ((identity: IssuedIdentity) => void) | undefined
}

/** Makes the identities of one credential source. */
export interface Issuer {
  /** The identity for one answer; `expired` gives one that has ended already. */
  issue(options: { expired: boolean }): IssuedIdentity
}

const ENDED_MS = -60_000
const MAX_LIFETIME_MS = 365 * 86_400_000

/** @throws {TypeError} when identities cannot live that long. */
export function checkLifetime(lifetimeMs: number): number {
  if (lifetimeMs >= 1_000 && lifetimeMs <= MAX_LIFETIME_MS) return lifetimeMs
  throw new TypeError('lifetimeMs must be a number of milliseconds, from a second to a year')
}

/** Makes an issuer. The options are read at each answer, so they can be changed while it is in use. */
export function createIssuer(options: IssuerOptions): Issuer {
  let kept: IssuedIdentity | undefined

  function make(lifetimeMs: number): IssuedIdentity {
    const identity = createSession(new Date(), lifetimeMs)
    options.onIssued?.(identity)
    return identity
  }

  return {
    issue({ expired }) {
      if (expired) return make(ENDED_MS)
      if (options.rotate) return make(options.lifetimeMs)
      if (kept === undefined || kept.expiration <= new Date()) kept = make(options.lifetimeMs)
      return kept
    },
  }
}

function createSession(now: Date, lifetimeMs: number): IssuedIdentity {
  const { accessKeyId, secretAccessKey } = createIdentity()
  return {
    // AWS begins the keys of sessions with ASIA, and those of users with AKIA.
    accessKeyId: accessKeyId.replace(/^AKIA/, 'ASIA'),
    secretAccessKey,
    sessionToken: `IQoJb3JpZ2luX2Vj${randomBytes(320).toString('base64')}`,
    expiration: new Date(Math.floor((now.getTime() + lifetimeMs) / 1_000) * 1_000),
  }
}
