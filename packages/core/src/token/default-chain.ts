import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import type { AwsCredentialIdentity } from '@smithy/types'
import { resolveRegion } from '../endpoint/region'
import { createProfileSource, isUnresolved, profileInUse } from './profile-source'
import { setSource, SourceError, unavailable, withoutContent } from './source-errors'

const REQUEST_STARTED = 'http.client.request.start'

const HOME_VARIABLES = ['HOME', 'USERPROFILE', 'HOMEDRIVE', 'HOMEPATH']

/** The environment variables that affect the result of the chain: AWS's, and the place of the shared files. */
export function chainEnvironment(env: NodeJS.ProcessEnv): [string, string | undefined][] {
  return Object.entries(env)
    .filter(([name]) => name.startsWith('AWS_') || HOME_VARIABLES.includes(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}

interface ChainOptions {
  profile: string | undefined
  /** The region for STS requests if neither the environment nor the profile has one. */
  region: string | undefined
  timeoutMs: number
}

interface Source {
  /** Contains the environment variables that configure the source, or the profile. */
  name: string
  fetch(): Promise<AwsCredentialIdentity>
}

interface ProviderError extends Error {
  tryNextLink?: boolean
  statusCode?: number
  code?: string
}

/**
 * The sources of the SDK's default chain, in the same order. We call them one by one because the SDK's chain hides why
 * a source failed, and because all its later calls wait for a request that hangs. A configured source that fails ends
 * the search, so that a login never silently uses another identity.
 */
export function defaultChain(options: ChainOptions): () => Promise<AwsCredentialIdentity> {
  const settings = sdkSettings(options)
  const fetchFromProfile = createProfileSource(options.profile, settings)
  let lastSource: string | undefined
  return async () => {
    const failures: unknown[] = []
    for await (const { name, fetch } of configuredSources(options, settings, fetchFromProfile)) {
      try {
        const identity = await fetch()
        lastSource = name
        setSource(identity, name)
        return identity
      } catch (error) {
        // A source that has worked before is configured: report its failure, so that it is retried.
        if (name === lastSource || !isNotConfigured(error, profileInUse(options.profile))) {
          setSource(error as Error, name)
          throw withoutContent(error as Error)
        }
        failures.push(error)
      }
    }
    throw unavailable(
      incompleteSetting() ?? NO_SOURCE,
      new AggregateError(failures, failures.map(String).join('; ')),
    )
  }
}

async function* configuredSources(
  options: ChainOptions,
  settings: SdkSettings,
  fetchFromProfile: () => Promise<AwsCredentialIdentity>,
): AsyncGenerator<Source> {
  const { env } = process
  const { profile, timeoutMs } = options
  if (!(profile ?? env['AWS_PROFILE']) && env['AWS_ACCESS_KEY_ID'] && env['AWS_SECRET_ACCESS_KEY']) {
    yield {
      name: 'the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)',
      fetch: () => Promise.resolve(readEnvironment(env)),
    }
  }

  yield {
    name: `the profile ${JSON.stringify(profileInUse(profile))}`,
    fetch: fetchFromProfile,
  }

  // Load a source's part of the SDK only when it is used. The build bundles each into one file (scripts/aws-code.mjs).
  if (env['AWS_WEB_IDENTITY_TOKEN_FILE'] && env['AWS_ROLE_ARN']) {
    const { fromTokenFile } = await import('@aws-sdk/credential-provider-web-identity')
    yield {
      name: 'web identity (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN)',
      fetch: fromTokenFile(settings),
    }
  }
  const container = ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'].find(
    (name) => env[name],
  )
  if (container !== undefined) {
    const { fromHttp } = await import('@aws-sdk/credential-provider-http')
    // Turn off the SDK's own timeout: it does not end a request but only prints a warning.
    const fetch = async () => fromHttp({ ...settings, timeout: 0 })()
    yield {
      name: `the container endpoint (${container})`,
      fetch: () => withRequestTimeout(containerUrl(), timeoutMs, fetch),
    }
  } else if (!env['AWS_EC2_METADATA_DISABLED'] || env['AWS_EC2_METADATA_DISABLED'] === 'false') {
    const { fromInstanceMetadata } = await import('@smithy/credential-provider-imds')
    const limit = isImdsConfigured() ? { timeout: timeoutMs } : {}
    yield {
      name: "EC2's instance metadata",
      // The mark of @aws-sdk/credential-providers, which calls this function.
      fetch: async () =>
        Object.assign(await fromInstanceMetadata({ ...settings, ...limit })(), {
          $source: { CREDENTIALS_IMDS: '0' },
        }),
    }
  }
}

type SdkSettings = ReturnType<typeof sdkSettings>

function sdkSettings(options: ChainOptions) {
  const { profile, timeoutMs } = options
  const requestHandler = { requestTimeout: timeoutMs, throwOnRequestTimeout: true }
  return {
    ...(profile === undefined ? {} : { profile }),
    // Read the files again: the SDK's cache misses changes.
    ignoreCache: true,
    // We retry ourselves, after shorter pauses.
    maxRetries: 0,
    clientConfig: { maxAttempts: 1, requestHandler },
    parentClientConfig: { requestHandler, region: () => stsRegion(options) },
    // Otherwise the SDK prints to the console.
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  }
}

/** Does the same as the SDK's `fromEnv`, which would load a fifth of the SDK just to record the source. */
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

/** The region for STS requests. Same as the SDK's, which prints a warning when it uses its default. */
async function stsRegion({ profile, region }: ChainOptions): Promise<string> {
  return resolveRegion({ host: '', kind: 'other' }, { profile }).catch(() => region ?? 'us-east-1')
}

function containerUrl(): URL {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path, AWS_CONTAINER_CREDENTIALS_FULL_URI: url } =
    process.env
  const text = path ? `http://169.254.170.2${path}` : (url ?? '')
  if (URL.canParse(text)) return new URL(text)
  throw new SourceError(`AWS_CONTAINER_CREDENTIALS_${path ? 'RELATIVE' : 'FULL'}_URI is not a URL`)
}

/** Destroys the requests of the SDK's container source after a timeout: the SDK would wait for ever. */
async function withRequestTimeout<T>(url: URL, timeoutMs: number, fetch: () => Promise<T>): Promise<T> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const watch = (message: unknown): void => {
    const { request } = message as { request: ClientRequest }
    if (request.getHeader('host') !== url.host || request.path.split('?')[0] !== url.pathname) return
    timeout.addEventListener('abort', () => request.destroy())
  }
  subscribe(REQUEST_STARTED, watch)
  try {
    return await fetch()
  } finally {
    unsubscribe(REQUEST_STARTED, watch)
  }
}

/** Whether the IMDS endpoint is configured. If it is not, no answer means that this is not EC2. */
function isImdsConfigured(): boolean {
  return Boolean(process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'])
}

/** Whether an error means that a source is not configured. Other errors are failures, which are retried. */
function isNotConfigured(error: unknown, profile: string): boolean {
  if (isUnresolved(error, profile)) return true
  const { name, statusCode, code } = error as ProviderError
  const hasNoResponse = name === 'ProviderError' && statusCode === undefined && code !== 'ECONNRESET'
  return hasNoResponse && !isImdsConfigured()
}

const NO_SOURCE =
  'give iam.credentials or iam.profile, or set up one of the sources of the AWS SDK (environment, shared files, ' +
  'SSO, web identity, container, EC2)'
/** Variables that configure a source only together. */
const PAIRS = [
  ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  ['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN'],
] as const

/** Says which variable is missing if only one of a pair is set. */
function incompleteSetting(): string | undefined {
  const { env } = process
  for (const [first, second] of PAIRS) {
    if (Boolean(env[first]) === Boolean(env[second])) continue
    const [set, missing] = env[first] ? [first, second] : [second, first]
    return `${set} is set without ${missing}`
  }
  return undefined
}
