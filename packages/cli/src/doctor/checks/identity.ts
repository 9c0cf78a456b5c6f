import { failed, ok, skipped, type Finding, type Suspicion } from '../finding'
import { awsRefusal, expired, keyUnknown } from './aws-refusal'

/** What STS GetCallerIdentity said. */
export type StsObservation =
  | { kind: 'identity'; account: string; arn: string }
  | { kind: 'refusal'; code: string; message: string }
  | { kind: 'unreachable'; reason: string }

/** What is known of the credentials beforehand. */
export interface KnownCredentials {
  temporary: boolean
  until?: Date | undefined
}

/** Whose the credentials are, and whether AWS still knows them. */
export function checkIdentity(observation: StsObservation, credentials: KnownCredentials): Finding {
  switch (observation.kind) {
    case 'identity':
      return ok('identity', observation.arn, [`account ${observation.account}`])
    case 'refusal': {
      const { code, message } = observation
      const details = [`${code}: ${message}`]
      const cause = awsRefusal(observation)
      if (cause) return failed('identity', cause, details)
      return { check: 'identity', status: 'warning', seen: `STS answers ${code}`, details }
    }
    case 'unreachable': {
      const finding = skipped('identity', `STS cannot be asked: ${observation.reason}`)
      return { ...finding, suspicions: [unasked(credentials)] }
    }
  }
}

/** What STS would have told. */
function unasked({ temporary, until }: KnownCredentials): Suspicion {
  if (temporary && until === undefined) {
    // Nothing renews a session that does not say when it ends: somebody has pasted it.
    return {
      ...expired('the credentials are temporary and do not say when they end'),
      certainty: 'likely',
    }
  }
  return {
    ...keyUnknown('STS could not be asked whether the access key is still good'),
    certainty: 'possible',
  }
}
