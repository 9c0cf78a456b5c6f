import { inspect } from 'node:util'

/**
 * A token that RDS accepts instead of a password. Printing it in any way (inspect, String, JSON) shows its
 * times and never its value.
 */
export interface AuthToken {
  /** The token itself; not enumerable. */
  readonly value: string
  /** When it was signed, to the second. */
  readonly issuedAt: Date
  /** When RDS stops accepting it: 15 minutes later, or at the end of the credentials that signed it. */
  readonly expiresAt: Date
}

/** Puts a signed token into an object that does not show it. */
export function createAuthToken(value: string, issuedAt: Date, expiresAt: Date): AuthToken {
  const token = { issuedAt, expiresAt }
  const redacted = (): string => `[AuthToken redacted, expires ${expiresAt.toISOString()}]`
  return Object.defineProperties(token, {
    value: { value },
    toString: { value: redacted },
    toJSON: { value: redacted },
    [inspect.custom]: { value: redacted },
  }) as typeof token & { readonly value: string }
}
