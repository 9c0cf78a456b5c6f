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

/** Whether something can still be used at `nowMs`. A clock that went back makes it unusable: RDS would refuse it. */
export function isGood({ since, until }: Lifetime, nowMs: number): boolean {
  return nowMs >= since.getTime() && (until === undefined || nowMs < until.getTime())
}

/** When a token is to be renewed, in milliseconds since 1970: a quarter of its life before its end, at most a minute. */
export function tokenRenewalMs(issuedAt: Date, expiresAt: Date): number {
  return renewalMs(issuedAt, expiresAt, LONGEST_TOKEN_MARGIN_MS)
}

/**
 * The same for credentials, with a margin of at most five minutes. Those without an end are asked for each
 * time, since only their provider knows when they change.
 */
export function credentialsRenewalMs({ since, until }: Lifetime): number {
  return until ? renewalMs(since, until, LONGEST_CREDENTIALS_MARGIN_MS) : since.getTime()
}

function renewalMs(since: Date, until: Date, longestMarginMs: number): number {
  return until.getTime() - Math.min((until.getTime() - since.getTime()) / 4, longestMarginMs)
}
