import { isRdsIamError, RdsIamError } from '../errors'

const RENEW = 'Renew the session, or give a provider that does.'

/** What a credential source failed with, as an error of ours. */
export function unavailable(cause: unknown): RdsIamError {
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

/** Credentials that have ended make no token. */
export function expired(at: Date | undefined): RdsIamError {
  return new RdsIamError('CREDENTIALS_EXPIRED', `the AWS credentials ended at ${at?.toISOString()}. ${RENEW}`)
}
