import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { AwsCredentialIdentity } from '@smithy/types'
import { resolveRegion } from '../endpoint/region'
import { isRdsIamError, RdsIamError } from '../errors'
import { publishRenewalFailed, publishShortLived } from '../events'
import { DEFAULT_TIMEOUT_MS, isText, type IdentityOptions } from '../iam-options'
import { within } from '../time-limit'
import { areFreshCredentials, TOKEN_LIFETIME_SECONDS, type Lifetime } from './lifetime'
import { createRenewable, type Renewable } from './renewable'

/** Credentials, and how long they are good. */
export interface Credentials extends Lifetime {
  identity: AwsCredentialIdentity
}

type Provider = (options: { forceRefresh: boolean }) => Promise<AwsCredentialIdentity>

const RENEW = 'Renew the session, or give a provider that does.'

// Pauses before the second and the third attempt: a credential endpoint that hiccups is asked again.
const BACK_OFF_MS = [100, 300]

const REQUEST_STARTED = 'http.client.request.start'

/**
 * The credentials that sign: looked up when they are needed, kept until shortly before their end. Those
 * without an end are asked for each time, since only their provider knows when they change.
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
    isFresh: (lifetime, now) => lifetime.until !== undefined && areFreshCredentials(lifetime, now),
    // Without old ones no token is made, and whoever makes tokens says so.
    onFailed: (error, kept) => kept && publishRenewalFailed(undefined, error, true),
  })
}

/**
 * The SDK's default chain, in its order, asked link by link: as a whole it hides why a source failed, and
 * once a request hangs it lets every later call wait for that one.
 */
function createDefaultChain(options: IdentityOptions, timeoutMs: number): Provider {
  return async () => {
    const failures: unknown[] = []
    for (const source of configuredSources(options, timeoutMs)) {
      try {
        return await source()
      } catch (error) {
        failures.push(error)
        if (!(error as ProviderError).tryNextLink) throw withoutContent(error)
      }
    }
    const failure = failures.find((error) => !isAbsence(error))
    if (failure !== undefined) throw failure
    throw unavailable(new AggregateError(failures, failures.map(String).join('; ')))
  }
}

interface ProviderError extends Error {
  tryNextLink?: boolean
  statusCode?: number
  code?: string
}

function configuredSources(
  options: IdentityOptions,
  timeoutMs: number,
): (() => Promise<AwsCredentialIdentity>)[] {
  // The SDK is loaded at the first token: importing this package costs nothing.
  const sdk = require('@aws-sdk/credential-providers') as typeof import('@aws-sdk/credential-providers')
  const { env } = process
  const { profile } = options
  const requestHandler = { requestTimeout: timeoutMs, throwOnRequestTimeout: true }
  const settings = {
    ...(profile === undefined ? {} : { profile }),
    // Files change, and their cache in the SDK does not.
    ignoreCache: true,
    // We ask again ourselves, and sooner.
    maxRetries: 0,
    clientConfig: { maxAttempts: 1, requestHandler },
    parentClientConfig: { requestHandler, region: () => stsRegion(options) },
    // It would write to the console.
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  }

  const sources = []
  if (!(profile ?? env['AWS_PROFILE']) && env['AWS_ACCESS_KEY_ID'] && env['AWS_SECRET_ACCESS_KEY']) {
    sources.push(sdk.fromEnv(settings))
  }
  sources.push(sdk.fromIni(settings))
  if (env['AWS_WEB_IDENTITY_TOKEN_FILE'] && env['AWS_ROLE_ARN']) sources.push(sdk.fromTokenFile(settings))
  if (env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] || env['AWS_CONTAINER_CREDENTIALS_FULL_URI']) {
    // Its own time-out ends nothing: it only writes to the console.
    sources.push(() => endingRequests(containerUrl(), timeoutMs, sdk.fromHttp({ ...settings, timeout: 0 })))
  } else if (!env['AWS_EC2_METADATA_DISABLED'] || env['AWS_EC2_METADATA_DISABLED'] === 'false') {
    sources.push(sdk.fromInstanceMetadata(isEc2Told() ? { ...settings, timeout: timeoutMs } : settings))
  }
  return sources
}

/** Where to ask STS: the SDK would find the same, and write to the console where it finds nothing. */
async function stsRegion({ profile, region }: IdentityOptions): Promise<string> {
  return resolveRegion({ host: '', kind: 'other' }, { profile }).catch(() => region ?? 'us-east-1')
}

function containerUrl(): URL {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path, AWS_CONTAINER_CREDENTIALS_FULL_URI: url } =
    process.env
  return new URL(path ? `http://169.254.170.2${path}` : (url ?? ''))
}

/** The SDK's container source waits for ever for an answer: what it has asked is ended here, sockets and all. */
async function endingRequests<T>(url: URL, timeoutMs: number, ask: () => Promise<T>): Promise<T> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const watch = (message: unknown): void => {
    const { request } = message as { request: ClientRequest }
    if (request.getHeader('host') !== url.host || request.path.split('?')[0] !== url.pathname) return
    timeout.addEventListener('abort', () => request.destroy())
  }
  subscribe(REQUEST_STARTED, watch)
  try {
    return await ask()
  } finally {
    unsubscribe(REQUEST_STARTED, watch)
  }
}

/** Whether somebody said where EC2's metadata is; otherwise silence means that this is not EC2. */
function isEc2Told(): boolean {
  return Boolean(process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'])
}

/** Whether a source is not there at all, rather than failing: asking it again is of no use. */
function isAbsence(error: unknown): boolean {
  const { message, name, statusCode, code } = error as ProviderError
  if (message.startsWith('Could not resolve credentials using profile')) return true
  const isSilent = name === 'ProviderError' && statusCode === undefined && code !== 'ECONNRESET'
  return isSilent && !isEc2Told()
}

/** A parser's message quotes what it could not read, and that may be a piece of a secret key. */
function withoutContent(error: unknown): unknown {
  return error instanceof SyntaxError ? new Error('the credential source gave what is not JSON') : error
}

async function lookUp(provider: Provider, forceRefresh: boolean, timeoutMs: number): Promise<Credentials> {
  const timeout = new AbortController()
  const message = `no credentials within ${timeoutMs} ms (iam.timeoutMs): the credential source does not answer`
  try {
    return await within(timeoutMs, findGood(provider, forceRefresh, timeout.signal), () => {
      return new RdsIamError('TOKEN_TIMEOUT', message)
    })
  } finally {
    timeout.abort()
  }
}

async function findGood(
  provider: Provider,
  forceRefresh: boolean,
  timeout: AbortSignal,
): Promise<Credentials> {
  const found = describe(await askPatiently(provider, forceRefresh, timeout))
  if (!isExpired(found)) return found
  // A provider with a cache of its own may answer with what has ended.
  return refuseExpired(describe(await askPatiently(provider, true, timeout)))
}

async function askPatiently(
  provider: Provider,
  forceRefresh: boolean,
  timeout: AbortSignal,
): Promise<AwsCredentialIdentity> {
  for (let attempt = 0; ; attempt++) {
    try {
      return checked(await provider({ forceRefresh }))
    } catch (error) {
      const pause = BACK_OFF_MS[attempt]
      // What our own chain says is final: no source is set up, and asking again finds none either.
      if (pause === undefined || timeout.aborted || isRdsIamError(error)) throw unavailable(error)
      await delay(pause, undefined, { signal: timeout }).catch(() => {
        throw unavailable(error)
      })
    }
  }
}

function unavailable(cause: unknown): RdsIamError {
  if (isRdsIamError(cause)) return cause
  // The SDK refuses these by itself where they come from a credential_process.
  if (cause instanceof Error && cause.message.includes('credential_process returned expired credentials')) {
    return new RdsIamError('CREDENTIALS_EXPIRED', `${cause.message} ${RENEW}`, { cause })
  }
  return new RdsIamError(
    'CREDENTIALS_UNAVAILABLE',
    'no AWS credentials: give iam.credentials or iam.profile, or set up one of the sources of the AWS SDK ' +
      '(environment, shared files, SSO, web identity, container, EC2)',
    { cause },
  )
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
  throw new RdsIamError(
    'CREDENTIALS_EXPIRED',
    `the AWS credentials ended at ${found.until?.toISOString()}. ${RENEW}`,
  )
}
