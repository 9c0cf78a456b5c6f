import { ok, failed, skipped, type Finding, type Suspicion } from '../finding'
import { clockSkew } from './clock'
import { expired } from './credentials'

/** What STS GetCallerIdentity said. */
export type StsObservation =
  | { kind: 'identity'; account: string; arn: string }
  | { kind: 'refusal'; code: string; message: string }
  | { kind: 'unreachable'; reason: string }

const KEY_FIX =
  'Look the key up in the console (IAM, Users, Security credentials; or `aws iam get-access-key-last-used`):\n' +
  'make a new one if it is gone or inactive, and replace it where it is kept.'

/** Whose the credentials are, and whether AWS still knows them. */
export function checkIdentity(
  observation: StsObservation,
  credentials: { temporary: boolean; until?: Date },
): Finding {
  switch (observation.kind) {
    case 'identity':
      return ok('identity', observation.arn, [`account ${observation.account}`])
    case 'refusal':
      return refusal(observation)
    case 'unreachable':
      return {
        ...skipped('identity', `STS cannot be asked: ${observation.reason}`),
        suspicions: unasked(credentials),
      }
  }
}

function refusal({ code, message }: { code: string; message: string }): Finding {
  const details = [`${code}: ${message}`]
  if (code.startsWith('ExpiredToken'))
    return failed('identity', expired('STS says that the session has ended'), details)
  if (/signature (expired|not yet current)/i.test(message) || /RequestExpired|TimeTooSkewed/.test(code))
    return failed('identity', clockSkew('STS says that the time of the request is wrong'), details)
  const why = KEY_REFUSALS.get(code)
  if (why) return failed('identity', { code: 'KEY_UNKNOWN', why, fix: KEY_FIX }, details)
  return { check: 'identity', status: 'warning', seen: `STS answers ${code}`, details }
}

const KEY_REFUSALS = new Map([
  [
    'InvalidClientTokenId',
    'STS knows no such access key: it was deleted or made inactive, or the session is not its own',
  ],
  ['UnrecognizedClientException', 'STS knows no such access key'],
  ['SignatureDoesNotMatch', 'the secret key is not the one of this access key'],
])

/** What STS would have told. */
function unasked({ temporary, until }: { temporary: boolean; until?: Date }): Suspicion[] {
  if (temporary && until === undefined) {
    const why = 'the credentials are temporary and do not say when they end'
    return [{ ...expired(why), certainty: 'likely' }]
  }
  const why = 'STS could not be asked whether the access key is still good'
  return [{ code: 'KEY_UNKNOWN', certainty: 'possible', why, fix: KEY_FIX }]
}
