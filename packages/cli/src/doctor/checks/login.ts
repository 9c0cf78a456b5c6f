import { failed, ok, type Cause, type Finding } from '../finding'
import { allowFix, grantSql } from '../fixes'
import type { Subject } from '../subject'
import { namedCauses, type ServerError } from './server-error'
import { portSilent } from './tcp'

/** How the login on the wire went. */
export interface LoginObservation {
  /** How the server asked for the password: `cleartext` is IAM; absent where it did not ask. */
  asked?: string
  error?: ServerError
}

const REFUSALS = ['28000', '28P01', '1045', '1698']

/** What the server answered, and what that lets one tell. */
export function checkLogin(subject: Subject, { asked, error }: LoginObservation): Finding {
  if (!error) return ok('login', `${subject.user} is logged in`)
  const details = [`${error.code}: ${error.message}`, `asked for: ${asked ?? 'nothing'}`]
  const [named, ...others] = namedCauses(subject, error)
  if (named) {
    const finding = failed('login', named, details)
    const more = others.map((cause) => ({ ...cause, certainty: 'certain' as const }))
    return { ...finding, suspicions: [...(finding.suspicions ?? []), ...more] }
  }
  if (asked !== undefined && asked !== 'cleartext')
    return failed(
      'login',
      notGranted(subject, `the server asks ${subject.user} for a password (${asked}) and not for a token`),
      details,
    )
  if (/unknown plugin/i.test(error.message))
    return failed('login', notGranted(subject, error.message), details)
  if (REFUSALS.includes(error.code)) {
    if (asked === undefined)
      return failed('login', notGranted(subject, `${error.message}: no token was asked for`), details)
    return {
      check: 'login',
      status: 'failed',
      refused: true,
      seen: error.message,
      details,
      suspicions: [
        {
          code: 'USER_NOT_ALLOWED',
          certainty: 'possible',
          why: `the server asked for a token and refused it: the identity may not log in as ${subject.user}`,
          fix: allowFix(subject),
        },
      ],
    }
  }
  if (/ETIMEDOUT|timeout/i.test(`${error.code} ${error.message}`))
    return failed('login', portSilent('the server does not go on after TLS'), details)
  const cause: Cause = {
    code: 'LOGIN_FAILED',
    why: `${error.message} (${error.code})`,
    fix: "Look at the server's log (console: Logs & events): the token was not what it refused.",
  }
  return failed('login', cause, details)
}

function notGranted(subject: Subject, why: string): Cause {
  return { code: 'USER_NOT_GRANTED', why, fix: grantSql(subject) }
}
