import type { Cause } from '../finding'
import { clockSkew } from './clock'

/** An error as AWS reports it. */
export interface AwsError {
  code: string
  message: string
}

const KEY_FIX =
  'Look the key up in the console (IAM, Users, Security credentials; or `aws iam get-access-key-last-used`):\n' +
  'make a new one if it is gone or inactive, and replace it where it is kept.'

const KEY_REFUSALS = new Map([
  [
    'InvalidClientTokenId',
    'AWS knows no such access key: it was deleted or made inactive, or the session is not its own',
  ],
  ['UnrecognizedClientException', 'AWS knows no such access key'],
  ['SignatureDoesNotMatch', 'the secret key is not the one of this access key'],
])

/** The cause that an error of AWS names by itself; none where it is about something else. */
export function awsRefusal({ code, message }: AwsError): Cause | undefined {
  if (code.startsWith('ExpiredToken') || /\b(session|token)\b.*\bexpired\b/i.test(message))
    return expired('AWS says that the session has ended')
  if (/signature (expired|not yet current)/i.test(message) || /RequestExpired|TimeTooSkewed/.test(code))
    return clockSkew('AWS says that the time of the request is wrong')
  const why = KEY_REFUSALS.get(code)
  return why === undefined ? undefined : keyUnknown(why)
}

/** The cause of a session that has ended. */
export function expired(why: string): Cause {
  return {
    code: 'SESSION_EXPIRED',
    why,
    fix: 'Sign in again (aws sso login, aws login, a new assume-role), and drop old AWS_… variables from the environment.',
  }
}

/** The cause of a key that is not good any more. */
export function keyUnknown(why: string): Cause {
  return { code: 'KEY_UNKNOWN', why, fix: KEY_FIX }
}
