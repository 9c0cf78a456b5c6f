import { isRdsIamError } from '@rds-iam/core'
import { SigningCredentials, type Credentials } from '@rds-iam/core/internal'
import { messageOf } from '../../message-of'
import type { ClockObservation } from '../checks/clock'
import type { AwsError } from '../checks/aws-refusal'
import type { CredentialsObservation } from '../checks/credentials'
import type { Subject } from '../subject'
import { hearingDates } from './dates'

/** What a look for credentials gave, and what time it is where they come from. */
export interface CredentialsProbe {
  observation: CredentialsObservation
  found?: Credentials
  clock?: ClockObservation
}

/** Looks the credentials up as a login does. */
export async function probeCredentials({ profile }: Subject): Promise<CredentialsProbe> {
  const { result, clock } = await hearingDates(() => lookUp(profile))
  return clock ? { ...result, clock } : result
}

async function lookUp(profile: string | undefined): Promise<CredentialsProbe> {
  try {
    const found = await new SigningCredentials({ profile }).get()
    const { identity, expiresAt: until } = found
    const { accessKeyId, sessionToken } = identity
    const temporary = sessionToken !== undefined
    return { observation: { found: true, accessKeyId, source: sourceOf(identity), temporary, until }, found }
  } catch (error) {
    const code = isRdsIamError(error) ? error.code : 'CREDENTIALS_UNAVAILABLE'
    const reasons = [...settings(profile), ...reasonsOf(error)]
    return { observation: { found: false, code, message: messageOf(error), reasons } }
  }
}

// The SDK says of credentials where they come from, in the words of its own user agent, and so does core.
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

function sourceOf(identity: object): string {
  const features = Object.keys((identity as { $source?: object }).$source ?? {}).join(' ')
  return SOURCES.find(([pattern]) => pattern.test(features))?.[1] ?? 'an AWS credential source'
}

/** What was set up and gave nothing: the last source that was asked says nothing of it. */
function settings(profile = process.env['AWS_PROFILE']): AwsError[] {
  const code = 'setting'
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = process.env
  if (profile) return [{ code, message: `the profile ${profile} holds none that can be used` }]
  if (id && !secret) return [{ code, message: 'AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY' }]
  if (secret && !id) return [{ code, message: 'AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID' }]
  return []
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

/** What each source said, or what the failing one met. */
function reasonsOf(error: unknown): AwsError[] {
  const { cause } = error as Error
  const errors = cause instanceof AggregateError ? cause.errors : [cause]
  return errors.flatMap((each: unknown) =>
    each instanceof Error ? [{ code: each.name, message: firstLine(messageOf(each)) }] : [],
  )
}
