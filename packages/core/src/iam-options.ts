import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types'
import { invalidOption } from './errors'
import { readAddress, type PartialAddress } from './address'

/** The server of a cluster to connect to. */
export type ClusterTarget = 'writer' | 'reader' | 'any'

/** How to log in by IAM. Every option has a default for applications on AWS. */
export interface IamOptions {
  /**
   * AWS region to sign for. Default: the region in the endpoint's name, then AWS_REGION, AWS_DEFAULT_REGION,
   * then the profile's region. Required for a global endpoint, whose name has no region.
   */
  region?: string | undefined
  /**
   * Credentials to sign with, or a function that provides them, such as those of `@aws-sdk/credential-providers`.
   * Default: the AWS SDK's Node provider chain (environment, shared files, SSO, web identity, container, EC2).
   */
  credentials?: AwsCredentialIdentity | AwsCredentialIdentityProvider | undefined
  /** Profile in the shared AWS files, for the default chain. Cannot be combined with `credentials`. */
  profile?: string | undefined
  /**
   * `host` or `host:port` of the RDS or Aurora DSQL endpoint to sign for and to check the certificate against. Set it
   * when `host` is a tunnel, a load balancer, an IP address or an alias. Default port: the engine's, 5432 or 3306; if
   * the endpoint is the dialled host itself, the dialled port.
   */
  endpoint?: string | undefined
  /**
   * Whether each new connection finds the RDS endpoint behind a DNS alias (CNAME), and dials the endpoint.
   * Default: false. Cannot be combined with `endpoint`.
   */
  followCname?: boolean | undefined
  /**
   * The server to connect to in an Aurora cluster or a Multi-AZ DB cluster, whatever DNS says. `'writer'`: never a
   * reader. `'reader'`: one of the readers, spread evenly, or the writer if there are none. `'any'`: the server behind
   * the name. Default: `'writer'` for the cluster's writer endpoint, `'any'` for other endpoints. No effect with
   * `endpoint`, or on Aurora DSQL, where every server accepts writes. Cannot be combined with a `stream` or `socket`
   * function.
   */
  target?: ClusterTarget | undefined
  /**
   * Longest wait for a token in milliseconds, including the credential fetch. Default: 5,000 (drivers give up
   * after 10,000).
   */
  timeoutMs?: number | undefined
}

/**
 * Makes two mistakes in a literal type errors, which a type parameter accepts: a password, and a misspelt `iam` option.
 * An object declared with a driver's own type is accepted, though that type has an optional password.
 */
export type CheckedOptions<T extends { iam?: unknown }> = {
  iam?: { [name in Exclude<keyof NonNullable<T['iam']>, keyof IamOptions>]: never } | undefined
} & (T extends { password: {} | null } | { pass: {} | null } ? { password?: never; pass?: never } : unknown)

/** The options that {@link IamOptions} and the options of `createTokenProvider` have in common. */
export type IdentityOptions = Omit<IamOptions, 'endpoint' | 'followCname' | 'target'>

export const DEFAULT_TIMEOUT_MS = 5_000
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** The names of {@link IdentityOptions}. */
export const IDENTITY_OPTIONS = ['region', 'credentials', 'profile', 'timeoutMs']
const IAM_OPTIONS = [...IDENTITY_OPTIONS, 'endpoint', 'followCname', 'target']
const TARGETS = ['writer', 'reader', 'any']

/** The checked `iam` option, with `endpoint` parsed. */
export interface IamSettings extends IdentityOptions {
  endpoint?: PartialAddress
  followCname?: boolean
  target?: ClusterTarget
}

/** Reads the `iam` option. */
export function readIamOptions(iam: unknown = {}): IamSettings {
  const { endpoint, followCname, target, ...identity } = checkKeys(iam, 'iam', IAM_OPTIONS)
  checkIdentityOptions(identity, 'iam.')
  const settings: IamSettings = identity
  if (endpoint !== undefined) settings.endpoint = readAddress(endpoint, 'iam.endpoint')
  if (target !== undefined) {
    if (!TARGETS.includes(target)) throw invalidOption('iam.target', `give ${TARGETS.join(', ')}`)
    settings.target = target
  }
  if (followCname === undefined) return settings
  if (typeof followCname !== 'boolean') throw invalidOption('iam.followCname', 'give true or false')
  if (followCname && endpoint !== undefined) {
    throw invalidOption(
      'iam.followCname',
      'not together with iam.endpoint, which already names the RDS endpoint',
    )
  }
  settings.followCname = followCname
  return settings
}

/** Checks that a value is an object with no unknown keys. */
export function checkKeys(
  value: unknown,
  name: string,
  known: readonly string[],
): Record<string, unknown> & IamOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidOption(name, 'give an object')
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    throw invalidOption(
      `${name}.${printable(unknown)}`,
      `no such option: the options are ${known.join(', ')}`,
    )
  }
  return value as Record<string, unknown> & IamOptions
}

/** Checks the options that `iam` and `createTokenProvider` have in common. */
export function checkIdentityOptions(options: IdentityOptions, prefix: string): void {
  const { region, credentials, profile, timeoutMs } = options
  if (region !== undefined && !(typeof region === 'string' && /^[a-z0-9]+(?:-[a-z0-9]+)+$/.test(region))) {
    throw invalidOption(`${prefix}region`, "give an AWS region's name, such as us-east-1")
  }
  if (profile !== undefined && !isText(profile))
    throw invalidOption(`${prefix}profile`, "give a profile's name")
  if (credentials !== undefined) {
    if (profile !== undefined) throw invalidOption(`${prefix}profile`, 'not together with credentials')
    if (typeof credentials !== 'function') checkCredentials(credentials, `${prefix}credentials`)
  }
  if (
    timeoutMs !== undefined &&
    !(Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= LONGEST_TIMEOUT_MS)
  ) {
    throw invalidOption(
      `${prefix}timeoutMs`,
      `give a whole number of milliseconds from 1 to ${LONGEST_TIMEOUT_MS}`,
    )
  }
}

function checkCredentials(credentials: unknown, name: string): void {
  const problem = keyProblem(credentials)
  if (problem !== undefined) {
    throw invalidOption(
      name,
      `${problem}: give a provider function, or an object with accessKeyId and secretAccessKey`,
    )
  }
}

/** Describes what is wrong with an identity's keys, without quoting them. */
export function keyProblem(identity: unknown): string | undefined {
  const keys = (identity ?? {}) as Partial<AwsCredentialIdentity>
  for (const name of ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const) {
    const key: unknown = keys[name]
    if (isText(key) || (name === 'sessionToken' && !key)) continue
    if (typeof key !== 'string' || key === '') return `there is no ${name}`
    return `the ${name} ${key.endsWith('\n') ? 'ends with a newline' : 'contains invalid characters'}`
  }
  return undefined
}

/** Reads a database user's name. */
export function readUser(user: unknown, option: string): string {
  if (isText(user)) return user
  throw invalidOption(option, 'give the database user to log in as, without control characters')
}

/** Whether a value is valid text for a token: not empty, well-formed, no control characters. */
export function isText(value: unknown): value is string {
  return (
    typeof value === 'string' && value !== '' && value.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(value)
  )
}

function printable(key: string): string {
  return /^[\w-]{1,64}$/.test(key) ? key : '(unprintable)'
}
