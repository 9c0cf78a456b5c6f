import type { createCredentials } from '@rds-iam/core'
import type { LoginOptions } from './login-options'

/** The credentials that sign, with what is known about them. */
export type FoundCredentials = Awaited<ReturnType<ReturnType<typeof createCredentials>['get']>>

/**
 * Looks the credentials up as a login does.
 *
 * @throws {RdsIamError} `CREDENTIALS_UNAVAILABLE`, `CREDENTIALS_EXPIRED`, `TOKEN_TIMEOUT`
 */
export async function findCredentials({ profile }: LoginOptions): Promise<FoundCredentials> {
  const core = require('@rds-iam/core') as typeof import('@rds-iam/core')
  return core.createCredentials(profile === undefined ? {} : { profile }).get()
}

// The SDK says of credentials where they come from, in the words of its own user agent.
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

/** Where credentials come from, as a phrase. */
export function sourceOf({ identity }: FoundCredentials): string {
  const features = Object.keys((identity as { $source?: object }).$source ?? {}).join(' ')
  return SOURCES.find(([pattern]) => pattern.test(features))?.[1] ?? 'an AWS credential source'
}
