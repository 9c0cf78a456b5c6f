import type { AwsCredentialIdentity } from '@smithy/types'
import { isRdsIamError, RdsIamError } from '../errors'
import { publishRenewalFailed, publishShortLived } from '../events'
import { DEFAULT_TIMEOUT_MS, isText, type IdentityOptions } from '../iam-options'
import { within } from '../time-limit'
import { expired, unavailable } from './credential-errors'
import { createDefaultChain } from './default-chain'
import { credentialsRenewalMs, TOKEN_LIFETIME_SECONDS, type Lifetime } from './lifetime'
import { createRenewable, type Renewable } from './renewable'

type Provider = (options: { forceRefresh: boolean }) => Promise<AwsCredentialIdentity>

/** Credentials, and how long they are good. */
export interface Credentials extends Lifetime {
  identity: AwsCredentialIdentity
}

// Pauses before the second and the third attempt: a credential endpoint that hiccups is asked again.
const BACK_OFF_MS = [100, 300]

/**
 * The credentials that sign: looked up when they are needed, kept until shortly before their end.
 */
export function createCredentials(options: IdentityOptions): Renewable<Credentials> {
  const { credentials } = options
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const provider: Provider =
    typeof credentials === 'function'
      ? credentials
      : credentials
        ? () => Promise.resolve(credentials)
        : createDefaultChain(options, timeoutMs)

  return createRenewable<Credentials>({
    make: ({ forceRefresh }) => lookUp(provider, forceRefresh, timeoutMs),
    lifetime: (found) => found,
    renewalMs: credentialsRenewalMs,
    // Without old ones no token is made, and whoever makes tokens says so.
    onFailed: (error, kept) => kept && publishRenewalFailed(undefined, error, true),
  })
}

/** One look-up: when it is over, and what it has met so far. */
interface LookUp {
  timeout: AbortSignal
  failure?: { cause: unknown }
}

async function lookUp(provider: Provider, forceRefresh: boolean, timeoutMs: number): Promise<Credentials> {
  const timeout = new AbortController()
  const running: LookUp = { timeout: timeout.signal }
  const message = `no credentials within ${timeoutMs} ms (iam.timeoutMs): the credential source does not answer`
  try {
    return await within(timeoutMs, findGood(provider, forceRefresh, running), () => {
      return new RdsIamError('TOKEN_TIMEOUT', message, running.failure)
    })
  } finally {
    timeout.abort()
  }
}

async function findGood(provider: Provider, forceRefresh: boolean, running: LookUp): Promise<Credentials> {
  const found = describe(await askPatiently(provider, forceRefresh, running))
  if (!isExpired(found)) return found
  // A provider with a cache of its own may answer with what has ended.
  return refuseExpired(describe(await askPatiently(provider, true, running)))
}

async function askPatiently(
  provider: Provider,
  forceRefresh: boolean,
  running: LookUp,
): Promise<AwsCredentialIdentity> {
  const { timeout } = running
  for (let attempt = 0; ; attempt++) {
    try {
      return checked(await provider({ forceRefresh }))
    } catch (error) {
      running.failure = { cause: error }
      const pause = BACK_OFF_MS[attempt]
      // What our own chain says is final: no source is set up, and asking again finds none either.
      if (pause === undefined || timeout.aborted || isRdsIamError(error)) throw unavailable(error)
      const { setTimeout: delay } = require('node:timers/promises') as typeof import('node:timers/promises')
      await delay(pause, undefined, { signal: timeout }).catch(() => {
        throw unavailable(error)
      })
    }
  }
}

function checked(identity: unknown): AwsCredentialIdentity {
  const { accessKeyId, secretAccessKey, expiration } = (identity ?? {}) as Partial<AwsCredentialIdentity>
  if (!isText(accessKeyId) || !isText(secretAccessKey)) {
    throw new TypeError('the credential provider gave no accessKeyId and secretAccessKey')
  }
  if (expiration !== undefined && !(expiration instanceof Date && !Number.isNaN(expiration.getTime()))) {
    throw new TypeError('the credential provider gave an expiration that is not a Date')
  }
  return identity as AwsCredentialIdentity
}

function describe(identity: AwsCredentialIdentity): Credentials {
  const since = new Date()
  // The SDK's EC2 provider moves the end of credentials that have ended and keeps the true one here.
  const { originalExpiration } = identity as { originalExpiration?: Date }
  const until = originalExpiration ?? identity.expiration
  if (until && until.getTime() - since.getTime() < TOKEN_LIFETIME_SECONDS * 1_000) publishShortLived(until)
  return { identity, since, until }
}

function isExpired({ since, until }: Credentials): boolean {
  return until !== undefined && until <= since
}

function refuseExpired(found: Credentials): Credentials {
  if (!isExpired(found)) return found
  throw expired(found.until)
}
