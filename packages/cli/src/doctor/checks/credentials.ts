import { failed, ok, type Cause, type Finding } from '../finding'
import { lasting } from './duration'

/** What was found when looking for credentials. */
export type CredentialsObservation =
  | { found: true; accessKeyId: string; source: string; temporary: boolean; until?: Date }
  | { found: false; code: string; message: string; reasons: readonly string[] }

/** Whether there are credentials, where they come from, and when they end. */
export function checkCredentials(observation: CredentialsObservation, now: Date): Finding {
  if (!observation.found) return failed('credentials', absence(observation), observation.reasons)
  const { accessKeyId, source, temporary, until } = observation
  const kind = temporary ? 'temporary' : 'permanent'
  const key = `${accessKeyId} from ${source}, ${kind}`
  if (!until) return ok('credentials', temporary ? `${key}, their end is not known` : key)
  const end = `${until.toISOString()} (${lasting(until.getTime() - now.getTime())})`
  if (until <= now) return failed('credentials', expired(`${key}, ended at ${end}`))
  return ok('credentials', `${key}, until ${end}`)
}

function absence({
  code,
  message,
  reasons,
}: {
  code: string
  message: string
  reasons: readonly string[]
}): Cause {
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
  return {
    code: 'NO_CREDENTIALS',
    why: ['no source of AWS credentials gave any', ...reasons.slice(0, 1)].join(': '),
    fix: 'Sign in (aws sso login, aws login), give --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  }
}

/** The cause of a session that has ended. */
export function expired(why: string): Cause {
  return {
    code: 'SESSION_EXPIRED',
    why,
    fix: 'Sign in again (aws sso login, aws login, a new assume-role), and drop old AWS_… variables from the environment.',
  }
}
