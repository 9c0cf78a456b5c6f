import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ChildProcess } from 'node:child_process'
import type { ClientRequest } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { AwsCredentialIdentity } from '@smithy/types'
import { resolveRegion } from '../endpoint/region'
import { RdsIamError } from '../errors'

const REQUEST_STARTED = 'http.client.request.start'
const PROCESS_STARTED = 'child_process'
const MINUTE_MS = 60_000

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

/** The source that returned an identity of the chain or failed with an error. */
const sources = new WeakMap<object, string>()

/** The source of an identity or an error: as the chain names it, or else a general name. */
export function sourceOf(result: unknown): string {
  return sources.get(result as object) ?? 'the credential source'
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
  const profile = createProfileSource(options)
  let lastSource: string | undefined
  return async () => {
    const failures: unknown[] = []
    for await (const { name, fetch } of configuredSources(options, profile)) {
      try {
        const identity = await fetch()
        lastSource = name
        sources.set(identity, name)
        return identity
      } catch (error) {
        // A source that has worked before is configured: report its failure, so that it is retried.
        if (name === lastSource || !isNotConfigured(error, profileInUse(options.profile))) {
          sources.set(error as Error, name)
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

/** The name of the profile that the SDK reads. */
export function profileInUse(profile: string | undefined): string {
  return profile ?? (process.env['AWS_PROFILE'] || 'default')
}

async function* configuredSources(
  options: ChainOptions,
  fetchFromProfile: (settings: SdkSettings) => Promise<AwsCredentialIdentity>,
): AsyncGenerator<Source> {
  const { env } = process
  const { profile, timeoutMs } = options
  if (!(profile ?? env['AWS_PROFILE']) && env['AWS_ACCESS_KEY_ID'] && env['AWS_SECRET_ACCESS_KEY']) {
    yield {
      name: 'the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)',
      fetch: () => Promise.resolve(readEnvironment(env)),
    }
  }
  const settings = sdkSettings(options)

  yield {
    name: `the profile ${JSON.stringify(profileInUse(profile))}`,
    fetch: () => fetchFromProfile(settings),
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

/**
 * Fetches credentials from the profile in the shared files. Calls share a fetch in flight, because a
 * `credential_process` may prompt the user. After a minute, the next call starts a second fetch.
 */
function createProfileSource({
  profile,
}: ChainOptions): (settings: SdkSettings) => Promise<AwsCredentialIdentity> {
  let running: { identity: Promise<AwsCredentialIdentity>; sinceMs: number } | undefined
  return async (settings) => {
    const nowMs = Date.now()
    if (running && Math.abs(nowMs - running.sinceMs) < MINUTE_MS) return running.identity
    const mine = { identity: fetchFromProfile(settings, profile), sinceMs: nowMs }
    running = mine
    try {
      return await mine.identity
    } finally {
      if (running === mine) running = undefined
    }
  }
}

async function fetchFromProfile(
  settings: SdkSettings,
  profile: string | undefined,
): Promise<AwsCredentialIdentity> {
  const name = profileInUse(profile)
  const isNamed = Boolean(profile ?? process.env['AWS_PROFILE'])
  // Containers usually have no shared files. Check this first, because loading the SDK's profile source is slow.
  if (!isNamed && !(await hasSharedFiles())) throw new Error(unresolved(name))
  const { fromIni } = await import('@aws-sdk/credential-providers')
  const processes: ChildProcess[] = []
  const watch = (message: unknown): void =>
    void processes.push((message as { process: ChildProcess }).process)
  subscribe(PROCESS_STARTED, watch)
  try {
    return await fromIni(settings)()
  } catch (error) {
    if (isUnresolved(error, name) && isNamed) await checkProfile(name, error)
    throw (
      processFailure(error, `the credential_process of the profile ${JSON.stringify(name)}`, processes) ??
      error
    )
  } finally {
    unsubscribe(PROCESS_STARTED, watch)
  }
}

/** Whether one of the shared files exists, where the SDK looks for them. */
async function hasSharedFiles(): Promise<boolean> {
  const { access } = (require('node:fs') as typeof import('node:fs')).promises
  const { AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, HOME, USERPROFILE, HOMEPATH, HOMEDRIVE } = process.env
  const home = HOME || USERPROFILE || (HOMEPATH ? `${HOMEDRIVE ?? 'C:\\'}${HOMEPATH}` : homedir())
  const files = [
    AWS_CONFIG_FILE || join(home, '.aws', 'config'),
    AWS_SHARED_CREDENTIALS_FILE || join(home, '.aws', 'credentials'),
  ]
  const found = await Promise.allSettled(files.map((file) => access(file.replace(/^~(?=\/)/, home))))
  return found.some(({ status }) => status === 'fulfilled')
}

/** Throws if the profile does not exist. A profile without credentials is valid (it may have only a region). */
async function checkProfile(name: string, cause: unknown): Promise<void> {
  const { parseKnownFiles } = await import('@smithy/core/config')
  if (Object.hasOwn(await parseKnownFiles({ ignoreCache: true }), name)) return
  throw unavailable(
    `the profile ${JSON.stringify(name)} does not exist in the shared AWS files (~/.aws/config and ` +
      '~/.aws/credentials, or where AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point)',
    cause,
  )
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

/** Whether this profile has no credentials. For its `source_profile`, the SDK's message has the other name. */
function isUnresolved(error: unknown, profile: string): boolean {
  return (error as Error).message.startsWith(unresolved(profile))
}

function unresolved(profile: string): string {
  return `Could not resolve credentials using profile: [${profile}]`
}

/** A failure whose message is ours and quotes nothing from the source. */
class SourceError extends Error {}

const NO_SOURCE =
  'give iam.credentials or iam.profile, or set up one of the sources of the AWS SDK (environment, shared files, ' +
  'SSO, web identity, container, EC2)'
const COMMAND_FAILED = 'Command failed: '

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

/**
 * Replaces the SDK's error for a failed `credential_process`. The SDK's message quotes the command line and stderr,
 * which may contain secrets, and lacks the exit status.
 */
function processFailure(
  error: unknown,
  subject: string,
  processes: readonly ChildProcess[],
): SourceError | undefined {
  if (!(error instanceof Error && error.message.startsWith(COMMAND_FAILED))) return undefined
  const failed = processes.find(({ spawnargs }) => {
    // The command is the last argument of the shell. On Windows it is quoted.
    const argument = (spawnargs as string[] | undefined)?.at(-1) ?? ''
    return [argument, argument.slice(1, -1)].some((command) =>
      error.message.startsWith(`${COMMAND_FAILED}${command}\n`),
    )
  })
  const { exitCode, signalCode } = failed ?? {}
  const outcome = signalCode
    ? `was killed by ${signalCode}`
    : typeof exitCode === 'number'
      ? `exited with status ${exitCode}`
      : 'failed'
  return new SourceError(`${subject} ${outcome}; run the command by hand to see why`)
}

/** Replaces a parser's error: its message quotes the input, which may be part of a secret key. */
function withoutContent(error: Error): Error {
  const quotesInput = error instanceof SyntaxError || error.message.includes('SyntaxError: ')
  return quotesInput ? new SourceError(`${sourceOf(error)} returned invalid JSON`) : error
}

/**
 * Why a source failed, without secrets, and the error to keep as the cause. Quotes only messages of the SDK, AWS and
 * the operating system: the message of a caller's own provider may contain secrets.
 */
export function reasonOf(error: unknown, profile: string | undefined): { reason: string; cause: unknown } {
  const cause = processFailure(error, 'a credential_process', []) ?? error
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause))
  if (cause instanceof SourceError) return { reason: message, cause }
  return { reason: knownReason(message, profile) ?? quoteOrName(cause, name, message), cause }
}

// The SDK's errors for these differ only in their messages.
function knownReason(message: string, profile: string | undefined): string | undefined {
  const owner = profile === undefined ? '' : ` of the profile ${JSON.stringify(profile)}`
  const option =
    profile === undefined ? '' : ` --profile ${/^[\w.-]+$/.test(profile) ? profile : JSON.stringify(profile)}`
  if (/aws sso login|SSO session|Session token not found or invalid/.test(message)) {
    return `the SSO session${owner} has expired, or there is none: run \`aws sso login${option}\``
  }
  if (/aws login|reauthenticate|Failed to load token from/.test(message)) {
    return `the login session${owner} has expired, or there is none: run \`aws login${option}\``
  }
  if (/multi-factor authentication|MultiFactorAuthentication/.test(message)) {
    return (
      `the role${owner} requires MFA, and rds-iam cannot ask for a code: give iam.credentials a provider that can, ` +
      'such as fromIni({ profile, mfaCodeProvider }) of @aws-sdk/credential-providers'
    )
  }
  return undefined
}

function quoteOrName(cause: unknown, name: string, message: string): string {
  const isQuotable =
    cause instanceof Error && (name.endsWith('ProviderError') || '$fault' in cause || 'syscall' in cause)
  // Quote only the first line: STS adds the request, with the session token, to some messages.
  return isQuotable
    ? `${sourceOf(cause)} failed: ${name}: ${message.split('\n', 1)[0]}`
    : `${sourceOf(cause)} failed with ${name}; see the cause of this error`
}

/** The error for a source that returns no credentials. */
export function unavailable(reason: string, cause?: unknown): RdsIamError {
  return new RdsIamError(
    'CREDENTIALS_UNAVAILABLE',
    `no AWS credentials: ${reason}`,
    cause === undefined ? undefined : { cause },
  )
}
