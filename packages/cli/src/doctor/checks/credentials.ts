import { failed, ok, type Cause, type Finding } from '../finding'
import { awsRefusal, expired, type AwsError } from './aws-refusal'
import { lasting } from './duration'

/** What was found when looking for credentials. */
export type CredentialsObservation =
  | { found: true; accessKeyId: string; source: string; temporary: boolean; until?: Date | undefined }
  | ({ found: false; reasons: readonly AwsError[] } & AwsError)

/** Whether there are credentials, where they come from, and when they end. */
export function checkCredentials(observation: CredentialsObservation, now: Date): Finding {
  if (!observation.found) {
    const details = observation.reasons.map(({ message }) => message)
    return failed('credentials', absence(observation, observation.reasons), details)
  }
  const { accessKeyId, source, temporary, until } = observation
  const kind = temporary ? 'temporary' : 'permanent'
  const key = `${accessKeyId} from ${source}, ${kind}`
  if (!until) return ok('credentials', temporary ? `${key}, their end is not known` : key)
  const end = `${until.toISOString()} (${lasting(until.getTime() - now.getTime())})`
  if (until <= now) return failed('credentials', expired(`${key}, ended at ${end}`))
  return ok('credentials', `${key}, until ${end}`)
}

function absence({ code, message }: AwsError, reasons: readonly AwsError[]): Cause {
  if (code === 'TOKEN_TIMEOUT') {
    return {
      code: 'CREDENTIALS_TIMEOUT',
      why: message.replace(' (iam.timeoutMs)', ''),
      fix:
        'Ask the source by hand: curl the address in AWS_CONTAINER_CREDENTIALS_FULL_URI, or\n' +
        'http://169.254.169.254/latest/meta-data/ (on EC2 in a container: hop limit 2); for roles, reach STS.',
    }
  }
  if (code === 'CREDENTIALS_EXPIRED') return expired(message)
  const [first] = reasons
  for (const reason of reasons) {
    const cause = awsRefusal(reason)
    if (cause) return { ...cause, why: `${cause.why}: ${reason.message}` }
  }
  return {
    code: 'NO_CREDENTIALS',
    why: `no source of AWS credentials gave any${first ? `: ${first.message}` : ''}`,
    fix: 'Sign in (aws sso login, aws login), give --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  }
}
