import type { Cause } from '../finding'
import { clockSkew } from './clock'

/** An error that AWS or the SDK reports. */
export interface AwsError {
  code: string
  message: string
}

const KEY_FIX =
  'Look up the key in the console (IAM, Users, Security credentials; or `aws iam get-access-key-last-used`).\n' +
  'If it is gone or inactive, create a new one, and replace it where it is stored.\n' +
  'A key ASIA… needs the AWS_SESSION_TOKEN that was issued with it, and a key AKIA… needs none.'

const KEY_REFUSALS = new Map([
  [
    'InvalidClientTokenId',
    'AWS does not know the access key: it was deleted or made inactive, or the session token is missing or belongs to another key',
  ],
  ['UnrecognizedClientException', 'AWS does not know the access key'],
  ['SignatureDoesNotMatch', 'the secret key does not belong to this access key'],
])

/**
 * The cause that an error of AWS names; undefined if the error does not tell one. Some errors differ only in their
 * message.
 */
export function awsRefusal({ code, message }: AwsError): Cause | undefined {
  if (code.startsWith('ExpiredToken') || /\b(session|token)\b.*\bexpired\b/i.test(message))
    return expired('AWS says that the session has expired')
  if (/signature (expired|not yet current)/i.test(message) || /RequestExpired|TimeTooSkewed/.test(code))
    return clockSkew('AWS says that the time of the request is wrong')
  // We signed for another region than that of this STS.
  if (/scoped to a valid region/i.test(message)) return undefined
  const why = KEY_REFUSALS.get(code)
  return why === undefined ? undefined : keyUnknown(why)
}

/** The cause for an expired session. */
export function expired(why: string): Cause {
  return {
    code: 'SESSION_EXPIRED',
    why,
    fix: 'Sign in again (aws sso login, aws login, a new assume-role), and remove old AWS_… variables from the environment.',
  }
}

/** The cause for a key that AWS does not accept. */
export function keyUnknown(why: string): Cause {
  return { code: 'KEY_UNKNOWN', why, fix: KEY_FIX }
}
