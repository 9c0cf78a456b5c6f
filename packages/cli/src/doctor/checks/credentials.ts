import { failed, ok, type Cause, type Finding } from '../finding'
import { awsRefusal, expired, keyUnknown, type AwsError } from './aws-refusal'
import { relativeTime } from './clock'

/** The result of a credential fetch. */
export type CredentialsObservation =
  | { found: true; accessKeyId: string; source: string; temporary: boolean; until?: Date | undefined }
  | ({ found: false; reasons: readonly AwsError[] } & AwsError)

/** Whether there are credentials, their source, and their expiry. */
export function checkCredentials(observation: CredentialsObservation, now: Date): Finding {
  if (!observation.found) {
    const details = observation.reasons.map(({ message }) => message)
    return failed('credentials', absence(observation, observation.reasons), details)
  }
  const { accessKeyId, source, temporary, until } = observation
  if (accessKeyId.startsWith('ASIA') && !temporary)
    return failed(
      'credentials',
      keyUnknown(`the key ${accessKeyId} from ${source} is temporary, but has no session token`),
    )
  const kind = temporary ? 'temporary' : 'permanent'
  const key = `${accessKeyId} from ${source}, ${kind}`
  if (!until) return ok('credentials', temporary ? `${key}, expiry unknown` : key)
  const expiry = `${until.toISOString()} (${relativeTime(until.getTime() - now.getTime())})`
  if (until <= now) return failed('credentials', expired(`${key}, expired at ${expiry}`))
  return ok('credentials', `${key}, until ${expiry}`)
}

function absence({ code, message }: AwsError, reasons: readonly AwsError[]): Cause {
  if (code === 'TOKEN_TIMEOUT') {
    return {
      code: 'CREDENTIALS_TIMEOUT',
      why: message,
      fix:
        'Test the source: curl the address in AWS_CONTAINER_CREDENTIALS_FULL_URI, or\n' +
        'http://169.254.169.254/latest/meta-data/ (in a container on EC2: hop limit 2). Roles need a route to STS.',
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
