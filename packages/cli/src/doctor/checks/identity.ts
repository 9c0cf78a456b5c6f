import { failed, ok, skipped, warning, withConfidence, type CandidateCause, type Finding } from '../finding'
import { awsRefusal, expired, keyUnknown } from './aws-refusal'

/** The answer of STS GetCallerIdentity. */
export type StsObservation =
  | { kind: 'identity'; account: string; arn: string }
  | { kind: 'refusal'; code: string; message: string }
  | { kind: 'unreachable'; reason: string }

/** What the credentials tell about themselves. */
export interface KnownCredentials {
  temporary: boolean
  until?: Date | undefined
}

/** Whose the credentials are, and whether AWS accepts them. */
export function checkIdentity(observation: StsObservation, credentials: KnownCredentials): Finding {
  switch (observation.kind) {
    case 'identity':
      return ok('identity', observation.arn, [`account ${observation.account}`])
    case 'refusal': {
      const { code, message } = observation
      const details = [`${code}: ${message}`]
      const cause = awsRefusal(observation)
      if (cause) return failed('identity', cause, details)
      return warning('identity', `STS answers ${code}`, [], details)
    }
    case 'unreachable': {
      const finding = skipped('identity', `STS cannot be asked: ${observation.reason}`)
      return { ...finding, candidates: unknown(credentials) }
    }
  }
}

/** What STS could have told. */
function unknown({ temporary, until }: KnownCredentials): CandidateCause[] {
  // A session without an expiry was pasted somewhere, so nothing renews it.
  return temporary && until === undefined
    ? withConfidence('likely', [expired('the credentials are temporary and have no expiry')])
    : withConfidence('possible', [keyUnknown('STS could not be asked whether the access key is valid')])
}
