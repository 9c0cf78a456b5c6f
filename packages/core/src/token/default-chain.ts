import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import type { AwsCredentialIdentity } from '@smithy/types'
import { resolveRegion } from '../endpoint/region'
import type { IdentityOptions } from '../iam-options'
import { unavailable } from './credential-errors'

const REQUEST_STARTED = 'http.client.request.start'

/**
 * The SDK's default chain, in its order, asked link by link: as a whole it hides why a source failed, and
 * once a request hangs it lets every later call wait for that one.
 */
export function createDefaultChain(
  options: IdentityOptions,
  timeoutMs: number,
): () => Promise<AwsCredentialIdentity> {
  let hasAnswered = false
  return async () => {
    const failures: unknown[] = []
    for (const source of configuredSources(options, timeoutMs)) {
      try {
        const identity = await source()
        hasAnswered = true
        return identity
      } catch (error) {
        failures.push(error)
        if (!(error as ProviderError).tryNextLink) throw withoutContent(error)
      }
    }
    // What has answered before is not absent: it fails, and is worth asking again.
    const failure = failures.find((error) => hasAnswered || !isAbsence(error))
    if (failure !== undefined) throw failure
    throw unavailable(new AggregateError(failures, failures.map(String).join('; ')))
  }
}

interface ProviderError extends Error {
  tryNextLink?: boolean
  statusCode?: number
  code?: string
}

function* configuredSources(
  options: IdentityOptions,
  timeoutMs: number,
): Generator<() => Promise<AwsCredentialIdentity>> {
  const { env } = process
  const { profile } = options
  if (!(profile ?? env['AWS_PROFILE']) && env['AWS_ACCESS_KEY_ID'] && env['AWS_SECRET_ACCESS_KEY']) {
    yield () => Promise.resolve(readEnvironment(env))
  }
  // Loaded when it is needed: importing this package costs nothing.
  const sdk = require('@aws-sdk/credential-providers') as typeof import('@aws-sdk/credential-providers')
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

  yield sdk.fromIni(settings)
  if (env['AWS_WEB_IDENTITY_TOKEN_FILE'] && env['AWS_ROLE_ARN']) yield sdk.fromTokenFile(settings)
  if (env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] || env['AWS_CONTAINER_CREDENTIALS_FULL_URI']) {
    // Its own time-out ends nothing: it only writes to the console.
    yield () => endingRequests(containerUrl(), timeoutMs, sdk.fromHttp({ ...settings, timeout: 0 }))
  } else if (!env['AWS_EC2_METADATA_DISABLED'] || env['AWS_EC2_METADATA_DISABLED'] === 'false') {
    yield sdk.fromInstanceMetadata(isEc2Told() ? { ...settings, timeout: timeoutMs } : settings)
  }
}

/** As the SDK's `fromEnv`, which would load a fifth of the SDK to write down where they are from. */
function readEnvironment(env: NodeJS.ProcessEnv): AwsCredentialIdentity & { $source: object } {
  const sessionToken = env['AWS_SESSION_TOKEN']
  const expiration = env['AWS_CREDENTIAL_EXPIRATION']
  return {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
    ...(sessionToken ? { sessionToken } : {}),
    ...(expiration ? { expiration: new Date(expiration) } : {}),
    $source: { CREDENTIALS_ENV_VARS: 'g' },
  }
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
