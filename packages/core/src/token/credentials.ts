import type { AwsCredentialIdentity } from '@smithy/types'
import { isRdsIamError, RdsIamError } from '../errors'
import { publish } from '../events'
import { DEFAULT_TIMEOUT_MS, keyProblem, type IdentityOptions } from '../iam-options'
import { CHAIN_VARIABLES, defaultChain, profileInUse, reasonOf, unavailable } from './default-chain'
import {
  RefreshingValue,
  RefreshingValues,
  shortlyBefore,
  type FetchRequest,
  type Lifetime,
} from './refreshing-value'

type Provider = (options: { forceRefresh: boolean }) => Promise<AwsCredentialIdentity>

/** Credentials, and when they expire. */
export interface Credentials {
  identity: AwsCredentialIdentity
  fetchedAt: Date
  expiresAt: Date | undefined
}

/** How long RDS accepts a token after it was signed. */
export const TOKEN_LIFETIME_MS = 900_000
// Pauses before the second and the third attempt: a credential endpoint may fail for a moment.
const PAUSES_MS = [100, 300]
// AWS's own sources hand out new credentials five minutes before the old ones expire. With less than ten seconds
// left a login may come too late.
const MARGINS = { leastMs: 10_000, mostMs: 300_000 }
// Only their provider knows when credentials without an expiry change.
const REUSE_WITHOUT_EXPIRY_MS = 60_000

const byProvider = new WeakMap<object, SharedCredentials>()
const byEnvironment = new RefreshingValues<SharedCredentials>()

/**
 * The credentials that sign for one configuration. Configurations with the same source share what it gives and
 * its in-flight request; each waits for its own `timeoutMs`.
 */
export class SigningCredentials {
  readonly #options: IdentityOptions
  readonly #timeoutMs: number

  constructor(options: IdentityOptions) {
    this.#options = options
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  }

  /** Valid credentials, fetched if need be. */
  get({ forceRefresh }: { forceRefresh?: boolean } = {}): Promise<Credentials> {
    return this.#source().get({ forceRefresh, timeoutMs: this.#timeoutMs })
  }

  /** The server refused a token that they signed: fetches new ones at the next use, at most once a minute. */
  markStale(): void {
    this.#source().markStale()
  }

  /** Looked for at each use, because a program may change its environment. */
  #source(): SharedCredentials {
    const { credentials } = this.#options
    if (credentials === undefined) return this.#chain()
    let source = byProvider.get(credentials)
    if (source === undefined) {
      source = new SharedCredentials(
        typeof credentials === 'function' ? credentials : () => Promise.resolve(credentials),
      )
      byProvider.set(credentials, source)
    }
    return source
  }

  /**
   * The default chain is the same for the same profile and environment. `timeoutMs` belongs to the key because
   * it limits the chain's requests, and `region` where STS is asked in it for want of another.
   */
  #chain(): SharedCredentials {
    const { env } = process
    const { profile, region } = this.#options
    const timeoutMs = this.#timeoutMs
    const stsRegion = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] ? undefined : region
    const key = JSON.stringify([profile, timeoutMs, stsRegion, ...CHAIN_VARIABLES.map((name) => env[name])])
    return (
      byEnvironment.get(key) ??
      byEnvironment.add(
        key,
        new SharedCredentials(defaultChain({ profile, region, timeoutMs }), profileInUse(profile)),
      )
    )
  }
}

/** The credentials of one source. */
class SharedCredentials extends RefreshingValue<Credentials> {
  readonly #provider: Provider
  readonly #profile: string | undefined
  /** What the running fetch met so far. */
  #failure: { cause: unknown } | undefined

  constructor(provider: Provider, profile?: string) {
    super()
    this.#provider = provider
    this.#profile = profile
  }

  protected async fetch(request: FetchRequest): Promise<Credentials> {
    this.#failure = undefined
    let credentials = await this.#ask(request, request.forceRefresh)
    // A provider with a cache of its own hands out credentials until they expire, and even then.
    if (isExpiring(credentials) && !request.forceRefresh) {
      const old = credentials
      credentials = await this.#ask(request, true).catch((error: unknown) => {
        if (isExpired(old)) throw error
        return old
      })
      if (isExpired(credentials)) credentials = old
    }
    const { expiresAt } = credentials
    if (isExpired(credentials)) throw expired(`the AWS credentials expired at ${expiresAt?.toISOString()}`)
    if (expiresAt && remainingMs(credentials) < TOKEN_LIFETIME_MS) {
      publish('credentials.short-lived', () => ({ expiresAt }))
    }
    byEnvironment.dropExpired()
    return credentials
  }

  protected lifetime({ fetchedAt, expiresAt }: Credentials): Lifetime {
    const madeAtMs = fetchedAt.getTime()
    const expiresAtMs = expiresAt?.getTime() ?? Infinity
    const refreshAtMs = expiresAt
      ? shortlyBefore(expiresAtMs, madeAtMs, MARGINS)
      : madeAtMs + REUSE_WITHOUT_EXPIRY_MS
    // AWS says when they expire: setting this machine's clock back makes them no worse.
    return { madeAtMs, refreshAtMs, expiresAtMs, validFromMs: -Infinity }
  }

  protected override timeoutError(timeoutMs: number): RdsIamError {
    return new RdsIamError(
      'TOKEN_TIMEOUT',
      `no credentials within ${timeoutMs} ms (iam.timeoutMs): the credential source does not answer`,
      this.#failure,
    )
  }

  protected onFailed(error: unknown, kept: Credentials | undefined): void {
    // Without old credentials no token can be signed, and the token reports that.
    if (kept) publish('token.renewal-failed', () => ({ error, bridged: true }))
  }

  async #ask(request: FetchRequest, forceRefresh: boolean): Promise<Credentials> {
    for (let attempt = 0; ; attempt++) {
      try {
        return read(await this.#provider({ forceRefresh }))
      } catch (error) {
        const failure = this.#explain(error)
        this.#failure = { cause: failure.cause }
        const pauseMs = PAUSES_MS[attempt]
        // An error of ours is final: another attempt would find the same.
        if (pauseMs === undefined || request.isOverdue || isRdsIamError(error)) throw failure
        const { setTimeout: delay } = require('node:timers/promises') as typeof import('node:timers/promises')
        await delay(pauseMs)
      }
    }
  }

  #explain(error: unknown): RdsIamError {
    if (isRdsIamError(error)) return error
    // The SDK refuses these by itself if they come from a credential_process.
    if (error instanceof Error && error.message.includes('credential_process returned expired credentials')) {
      return expired(error.message, error)
    }
    const { reason, cause } = reasonOf(error, this.#profile)
    return unavailable(reason, cause)
  }
}

function read(given: unknown): Credentials {
  const identity = (given ?? {}) as AwsCredentialIdentity & { originalExpiration?: Date }
  // The SDK's EC2 provider postpones the expiration of expired credentials and keeps the true one here.
  const expiresAt = identity.originalExpiration ?? identity.expiration
  const isDate = expiresAt instanceof Date && !Number.isNaN(expiresAt.getTime())
  const problem =
    keyProblem(identity) ??
    (expiresAt === undefined || isDate ? undefined : 'there is an expiration that is not a Date')
  if (problem !== undefined) {
    throw unavailable(`the credential source gave some that cannot sign: ${problem}`, new TypeError(problem))
  }
  return { identity, fetchedAt: new Date(), expiresAt }
}

function remainingMs({ expiresAt, fetchedAt }: Credentials): number {
  return expiresAt ? expiresAt.getTime() - fetchedAt.getTime() : Infinity
}

function isExpiring(credentials: Credentials): boolean {
  return remainingMs(credentials) < MARGINS.leastMs
}

/** Compared with the clock as it is now: fetching others may have taken a while. */
function isExpired({ expiresAt }: Credentials): boolean {
  return expiresAt !== undefined && expiresAt.getTime() <= Date.now()
}

function expired(message: string, cause?: unknown): RdsIamError {
  return new RdsIamError(
    'CREDENTIALS_EXPIRED',
    `${message.replace(/\.$/, '')}. Renew the session, or give a provider that does.`,
    cause === undefined ? undefined : { cause },
  )
}
