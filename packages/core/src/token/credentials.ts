import type { AwsCredentialIdentity } from '@smithy/types'
import { isRdsIamError, RdsIamError } from '../errors'
import { publish } from '../events'
import { DEFAULT_TIMEOUT_MS, keyProblem, type IdentityOptions } from '../iam-options'
import { chainEnvironment, defaultChain } from './default-chain'
import { profileInUse } from './profile-source'
import {
  MAX_WAIT_MS,
  RefreshingValue,
  RefreshingValues,
  shortlyBefore,
  type FetchRequest,
  type Lifetime,
} from './refreshing-value'
import { reasonOf, sourceOf, unavailable } from './source-errors'
import { withTimeout } from '../with-timeout'

type Provider = (options: { forceRefresh: boolean }) => Promise<AwsCredentialIdentity>

/** Credentials, and when they expire. */
export interface Credentials {
  identity: AwsCredentialIdentity
  fetchedAt: Date
  expiresAt: Date | undefined
}

/** How long RDS accepts a token after signing. */
export const TOKEN_LIFETIME_MS = 900_000
// Pauses before the second and the third attempt, because a credential endpoint may fail briefly.
const PAUSES_MS = [100, 300]
// Refresh at most five minutes before the expiry: AWS's sources have no new credentials earlier. Refresh at least ten
// seconds before it, so that a login has time to finish.
const MARGINS = { leastMs: 10_000, mostMs: 300_000 }
// Credentials without an expiry may still change: call their provider again after a minute.
const REUSE_WITHOUT_EXPIRY_MS = 60_000

const byProvider = new WeakMap<object, SharedCredentials>()
const byEnvironment = new RefreshingValues<SharedCredentials>()

/**
 * The signing credentials of one configuration. Configurations with the same source share its credentials and its
 * in-flight request. Each waits for its own `timeoutMs`.
 */
export class SigningCredentials {
  readonly #options: IdentityOptions
  readonly #timeoutMs: number

  constructor(options: IdentityOptions) {
    this.#options = options
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  }

  /** Returns valid credentials. Fetches them if necessary. */
  get({ forceRefresh }: { forceRefresh?: boolean } = {}): Promise<Credentials> {
    return this.#source().get({ forceRefresh, timeoutMs: this.#timeoutMs })
  }

  /** Call when the server refused a token: the next use fetches new credentials, at most once a minute. */
  markStale(): void {
    this.#source().markStale()
  }

  /** Find the source at each use, because a program may change its environment. */
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

  #chain(): SharedCredentials {
    const { region } = this.#options
    const timeoutMs = this.#timeoutMs
    // Read AWS_PROFILE only once: it may change while the chain runs.
    const profile = this.#options.profile ?? (process.env['AWS_PROFILE'] || undefined)
    const key = this.#chainKey()
    const found = byEnvironment.get(key)
    if (found) return found
    const chain = defaultChain({ profile, region, timeoutMs })
    const provider = async (): Promise<AwsCredentialIdentity> => {
      const identity = await chain()
      // The environment changed while the chain read it: do not share what may be another identity.
      if (this.#chainKey() !== key) byEnvironment.delete(key)
      return identity
    }
    return byEnvironment.add(key, new SharedCredentials(provider, profileInUse(profile)))
  }

  /**
   * Configurations with the same profile and environment share one default chain. The key includes `timeoutMs`, which
   * limits the chain's requests, and `region` if the chain would call STS in it. It is a hash, because the environment
   * may hold a secret key.
   */
  #chainKey(): string {
    const { createHash } = require('node:crypto') as typeof import('node:crypto')
    const { env } = process
    const { profile, region } = this.#options
    const stsRegion = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] ? undefined : region
    const parts = JSON.stringify([profile, this.#timeoutMs, stsRegion, chainEnvironment(env)])
    return createHash('sha256').update(parts).digest('base64')
  }
}

/** The credentials of one source. */
class SharedCredentials extends RefreshingValue<Credentials> {
  readonly #provider: Provider
  readonly #profile: string | undefined
  /** The last failure of the fetch in flight. */
  #failure: { cause: unknown } | undefined

  constructor(provider: Provider, profile?: string) {
    super()
    this.#provider = provider
    this.#profile = profile
  }

  protected async fetch(request: FetchRequest): Promise<Credentials> {
    this.#failure = undefined
    let credentials = await this.#fetchWithRetries(request, request.forceRefresh)
    // A provider with its own cache may return credentials that are about to expire or expired: force a refresh.
    if (isExpiring(credentials) && !request.forceRefresh) {
      const old = credentials
      const forced = this.#fetchWithRetries(request, true)
      const limited = isExpired(old)
        ? forced
        : withTimeout(MAX_WAIT_MS, forced, () => this.timeoutError(MAX_WAIT_MS))
      credentials = await limited.catch((error: unknown) => {
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
    // Setting this machine's clock back does not invalidate credentials: AWS checks their expiry by its own clock.
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
    // Without old credentials, signing a token fails, and RefreshingToken reports that failure.
    if (kept) publish('token.renewal-failed', () => ({ error, bridged: true }))
  }

  async #fetchWithRetries(request: FetchRequest, forceRefresh: boolean): Promise<Credentials> {
    for (let attempt = 0; ; attempt++) {
      try {
        return read(await this.#provider({ forceRefresh }))
      } catch (error) {
        const failure = this.#explain(error)
        this.#failure = { cause: failure.cause }
        const pauseMs = PAUSES_MS[attempt]
        // Do not retry our own errors: another attempt would fail in the same way.
        if (pauseMs === undefined || request.isOverdue || isRdsIamError(error)) throw failure
        const { setTimeout: delay } = require('node:timers/promises') as typeof import('node:timers/promises')
        await delay(pauseMs)
      }
    }
  }

  #explain(error: unknown): RdsIamError {
    if (isRdsIamError(error)) return error
    // The SDK itself rejects expired credentials from a credential_process.
    if (error instanceof Error && error.message.includes('credential_process returned expired credentials')) {
      return expired(error.message, error)
    }
    const { reason, cause } = reasonOf(error, this.#profile)
    return unavailable(reason, cause)
  }
}

function read(given: unknown): Credentials {
  const identity = (given ?? {}) as AwsCredentialIdentity & { originalExpiration?: Date }
  // The SDK's EC2 provider extends the expiration of expired credentials, and keeps the real one in this property.
  const expiresAt = identity.originalExpiration ?? identity.expiration
  const isDate = expiresAt instanceof Date && !Number.isNaN(expiresAt.getTime())
  const problem =
    keyProblem(identity) ??
    (expiresAt === undefined || isDate ? undefined : 'the expiration is not a valid Date')
  if (problem !== undefined) {
    throw unavailable(
      `${sourceOf(identity)} returned unusable credentials: ${problem}`,
      new TypeError(problem),
    )
  }
  return { identity, fetchedAt: new Date(), expiresAt }
}

function remainingMs({ expiresAt, fetchedAt }: Credentials): number {
  return expiresAt ? expiresAt.getTime() - fetchedAt.getTime() : Infinity
}

function isExpiring(credentials: Credentials): boolean {
  return remainingMs(credentials) < MARGINS.leastMs
}

/** Compares with the current time, not with `fetchedAt`: a second fetch may have taken a while. */
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
