/** How long RDS accepts a token after it was signed, in seconds. */
export const TOKEN_LIFETIME_SECONDS = 900

const LONGEST_TOKEN_MARGIN_MS = 60_000
// AWS's own sources hand out new credentials five minutes before the old ones end.
const LONGEST_CREDENTIALS_MARGIN_MS = 300_000

/** Something good from one instant to another; without `until`, for ever. */
export interface Lifetime {
  /** When it began to be good, or to be ours. */
  since: Date
  until?: Date | undefined
}

/** When a token ends: 900 seconds after it was signed, or with the credentials that signed it. */
export function tokenExpiry(issuedAt: Date, credentialsExpiration: Date | undefined): Date {
  const end = issuedAt.getTime() + TOKEN_LIFETIME_SECONDS * 1_000
  return new Date(credentialsExpiration ? Math.min(end, credentialsExpiration.getTime()) : end)
}

/** Whether something can still be used at `now`. A clock that went back makes it unusable: RDS would refuse it. */
export function isGood({ since, until }: Lifetime, now: Date): boolean {
  return now >= since && (until === undefined || now < until)
}

/** Whether a token is good and far enough from its end not to be renewed: a quarter of its life, at most a minute. */
export function isFreshToken(lifetime: Lifetime, now: Date): boolean {
  return isFresh(lifetime, now, LONGEST_TOKEN_MARGIN_MS)
}

/** The same for credentials, with a margin of at most five minutes. */
export function areFreshCredentials(lifetime: Lifetime, now: Date): boolean {
  return isFresh(lifetime, now, LONGEST_CREDENTIALS_MARGIN_MS)
}

function isFresh(lifetime: Lifetime, now: Date, longestMarginMs: number): boolean {
  if (!isGood(lifetime, now)) return false
  if (lifetime.until === undefined) return true
  const margin = Math.min((lifetime.until.getTime() - lifetime.since.getTime()) / 4, longestMarginMs)
  return now.getTime() < lifetime.until.getTime() - margin
}
