import { isRdsIamError } from '@rds-iam/core'
import { SigningCredentials, type Credentials } from '@rds-iam/core/internal'
import { firstLine } from '../../errors'
import type { LoginOptions } from '../../login/options'
import type { ClockObservation } from '../checks/clock'
import type { AwsError } from '../checks/aws-refusal'
import type { CredentialsObservation } from '../checks/credentials'
import { withServerClock } from './server-clock'

/** The result of a credential fetch, and the clock of the credential source. */
export interface CredentialsProbe {
  observation: CredentialsObservation
  found?: Credentials
  clock?: ClockObservation | undefined
}

/** Fetches the credentials as a login does. */
export async function probeCredentials(options: LoginOptions): Promise<CredentialsProbe> {
  const { result, clock } = await withServerClock(() => fetchCredentials(options))
  return { ...result, clock }
}

async function fetchCredentials(options: LoginOptions): Promise<CredentialsProbe> {
  const { region, profile, credentials, timeoutMs } = options
  const given = credentials !== undefined
  try {
    const found = await new SigningCredentials({ region, profile, credentials, timeoutMs }).get()
    const { identity, expiresAt: until } = found
    const { accessKeyId, sessionToken } = identity
    const temporary = sessionToken !== undefined
    return {
      observation: { found: true, accessKeyId, source: sourceOf(identity, given), temporary, until },
      found,
    }
  } catch (error) {
    const code = isRdsIamError(error) ? error.code : 'CREDENTIALS_UNAVAILABLE'
    const reasons = [...(given ? [] : settings(profile)), ...reasonsOf(error)]
    return { observation: { found: false, code, message: firstLine(error), reasons } }
  }
}

// The SDK and core mark credentials with their source, by the features of the SDK's user agent.
const SOURCES: readonly (readonly [RegExp, string])[] = [
  [/SSO/, 'IAM Identity Center (SSO)'],
  [/WEB_ID/, 'a web identity'],
  [/ASSUME_ROLE/, 'an assumed role'],
  [/PROCESS/, 'a credential_process'],
  [/HTTP/, 'the container endpoint'],
  [/IMDS/, 'EC2 instance metadata'],
  [/LOGIN/, '`aws login`'],
  [/PROFILE/, 'the shared AWS files'],
  [/ENV_VARS/, 'the environment'],
]

function sourceOf(identity: object, given: boolean): string {
  const features = Object.keys((identity as { $source?: object }).$source ?? {}).join(' ')
  return (
    SOURCES.find(([pattern]) => pattern.test(features))?.[1] ??
    (given ? 'iam.credentials' : 'an AWS credential source')
  )
}

/** Settings that name credentials and give none: the SDK's last error does not mention them. */
function settings(profile = process.env['AWS_PROFILE']): AwsError[] {
  const code = 'setting'
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = process.env
  if (profile) return [{ code, message: `the profile ${profile} has no usable credentials` }]
  if (id && !secret) return [{ code, message: 'AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY' }]
  if (secret && !id) return [{ code, message: 'AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID' }]
  return []
}

/** The errors of the credential sources. */
function reasonsOf(error: unknown): AwsError[] {
  const { cause } = error as Error
  const errors = cause instanceof AggregateError ? cause.errors : [cause]
  return errors.flatMap((each: unknown) =>
    each instanceof Error ? [{ code: each.name, message: firstLine(each) }] : [],
  )
}
