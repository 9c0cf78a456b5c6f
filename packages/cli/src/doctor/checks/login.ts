import { failed, ok, type Cause, type Certainty, type Finding, type Suspicion } from '../finding'
import type { Alternative, TokenTarget } from '../alternatives'
import { allowFix, grantSql } from '../fixes'
import { addressText } from '../../login/options'
import type { Subject } from '../subject'
import { namedCauses, type ServerError } from './server-error'
import type { ServerObservation } from './server'
import { portSilent } from './tcp'

/** How a login on the wire went. */
export interface LoginObservation {
  /** How the server asked for the password: `cleartext` is IAM; absent where it did not ask. */
  asked?: string
  error?: ServerError
  server?: ServerObservation
}

/** A login with a token for something else, after one was refused. */
export interface Trial extends Alternative {
  accepted: boolean
}

const REFUSALS = ['28000', '28P01', '1045', '1698']

/** Whether the server was given a token, and refused it. */
export function isRefusal({ asked, error }: LoginObservation): boolean {
  if (!error || asked !== 'cleartext') return false
  // RDS Proxy says it in words of its own.
  return REFUSALS.includes(error.code) || /IAM authentication failed/i.test(error.message)
}

/** What the server answered, and what that lets one tell. */
export function checkLogin(
  subject: Subject,
  target: TokenTarget,
  observation: LoginObservation & { trials: readonly Trial[] },
): Finding {
  const { asked, error } = observation
  if (!error) return loggedIn(subject, asked)
  const details = [`${error.code}: ${error.message}`, `asked for: ${asked ?? 'nothing'}`]
  const causes = namedCauses(subject, error)
  const [named] = causes
  if (named) {
    return { ...failed('login', named, details), suspicions: suspect(causes, 'certain') }
  }
  if (isRefusal(observation)) return refused(subject, target, { error, trials: observation.trials, details })
  return failed('login', unrelated(subject, error, asked), details)
}

function loggedIn({ user }: Subject, asked: string | undefined): Finding {
  if (asked !== undefined) return ok('login', `${user} is logged in`)
  const seen = `${user} is logged in, but the server asked for no token: it lets this user in without`
  return { check: 'login', status: 'warning', seen }
}

/** A refused token: what another token has shown, and otherwise what remains. */
function refused(
  subject: Subject,
  target: TokenTarget,
  seen: { error: ServerError; trials: readonly Trial[]; details: readonly string[] },
): Finding {
  const { error, trials, details } = seen
  const shown = trials.filter(({ accepted }) => accepted).map((trial) => mismatch(target, trial))
  const tried = trials.map(({ endpoint, region, accepted }) => {
    return `a token for ${addressText(endpoint)} in ${region}: ${accepted ? 'accepted' : 'refused'}`
  })
  const finding = {
    check: 'login',
    status: 'failed',
    seen: error.message,
    details: [...details, ...tried],
  } as const
  // Another token of the same identity was good: so everything else is.
  if (shown.length > 0) return { ...finding, suspicions: suspect(shown, 'proven') }
  const ownPassword = notGranted(subject, `${error.message}: the user has a password of its own`)
  const notAllowed: Cause = {
    code: 'USER_NOT_ALLOWED',
    why: `the server asked for a token and refused it: the identity may not log in as ${subject.user}`,
    fix: allowFix(subject),
  }
  // PostgreSQL says 28P01 of its own passwords, and 28000 of those that PAM looks at.
  const remaining = error.code === '28P01' ? [ownPassword, notAllowed] : [notAllowed]
  return { ...finding, refused: true, suspicions: suspect(remaining, 'likely') }
}

function suspect(causes: readonly Cause[], certainty: Certainty): Suspicion[] {
  return causes.map((cause) => ({ ...cause, certainty }))
}

function mismatch({ endpoint, region }: TokenTarget, { code, ...accepted }: Trial): Cause {
  if (code === 'REGION_MISMATCH') {
    return {
      code,
      why: `the server refuses a token for ${region}, and accepts one for ${accepted.region}`,
      fix: `--region ${accepted.region} (in code: iam.region)`,
    }
  }
  const right = addressText(accepted.endpoint)
  return {
    code,
    why: `the server refuses a token for ${addressText(endpoint)}, and accepts one for ${right}`,
    fix: `--endpoint ${right} (in code: iam.endpoint)`,
  }
}

/** Why a login failed that was not refused for its token. */
function unrelated(subject: Subject, error: ServerError, asked: string | undefined): Cause {
  const { user } = subject
  if (asked !== undefined && asked !== 'cleartext')
    return notGranted(subject, `the server asks ${user} for a password (${asked}) and not for a token`)
  const plugin = /unknown plugin (\w+)/.exec(error.message)?.[1]
  if (plugin !== undefined)
    return notGranted(
      subject,
      `the server asks ${user} for the plugin ${plugin}, and not for mysql_clear_password`,
    )
  if (REFUSALS.includes(error.code)) return notGranted(subject, `${error.message}: no token was asked for`)
  if (/ETIMEDOUT|timeout/i.test(`${error.code} ${error.message}`))
    return portSilent('the server does not go on after TLS')
  return {
    code: 'LOGIN_FAILED',
    why: `${error.message} (${error.code})`,
    fix: "Look at the server's log (console: Logs & events): the token was not what it refused.",
  }
}

function notGranted(subject: Subject, why: string): Cause {
  return { code: 'USER_NOT_GRANTED', why, fix: grantSql(subject) }
}
