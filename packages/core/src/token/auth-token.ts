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
  return new HiddenToken(value, issuedAt, expiresAt)
}

// A class, as many are kept: what hides the value is there once, and not once for each token.
class HiddenToken implements AuthToken {
  readonly #value: string

  constructor(
    value: string,
    readonly issuedAt: Date,
    readonly expiresAt: Date,
  ) {
    this.#value = value
  }

  get value(): string {
    return this.#value
  }

  toString(): string {
    return `[AuthToken redacted, expires ${this.expiresAt.toISOString()}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}
