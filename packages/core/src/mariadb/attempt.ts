import { RdsIamError } from '../errors'
import { publishLost } from '../events'
import type { IamLogin } from '../login/iam-login'
import type { LoginTarget } from '../login/login-target'
import type { AuthToken } from '../token/auth-token'

/** A login on one connection. */
export interface Attempt {
  login: IamLogin
  target: LoginTarget
  user: string
  token: AuthToken
  /** Whether the driver has read the token to send it. */
  asked: boolean
  /** Why changeUser() cannot log in. */
  problem?: RdsIamError
  /** Why the driver got no token when it read it last. */
  withheld?: RdsIamError
  /** The last error that the driver reported. */
  reported?: DriverError
}

/** What we use of the driver's `logger`. */
export interface Logger {
  network?: unknown
  error?: unknown
}

/** What we use of the driver's errors. */
export interface DriverError {
  fatal?: boolean
  errno?: number
}

const ER_ACCESS_DENIED_ERROR = 1045
// The server shuts down, an administrator or a time-out ended the session, or the socket was closed.
const LOSSES = [1053, 1927, 4031, 45009]

/** Handles an error that the driver reports to its `logger` before anybody else sees it. */
export function explain(error: DriverError, attempt: Attempt): void {
  const { login, target, user, token } = attempt
  if (!attempt.asked || !error.fatal || error === attempt.reported) return
  attempt.reported = error
  if (error.errno === ER_ACCESS_DENIED_ERROR) {
    const cause = attempt.problem ?? attempt.withheld ?? login.refused(target, user, token, error)
    Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  } else if (isLoss(error)) publishLost(target.endpoint, user, error)
}

function isLoss({ errno = 0 }: DriverError): boolean {
  // Below zero are the system's own, such as ECONNRESET.
  return errno < 0 || LOSSES.includes(errno)
}

export function hasExpired({ expiresAt }: AuthToken): boolean {
  return Date.now() >= expiresAt.getTime()
}

/** Renews the token for changeUser(), for which the driver does not wait. */
export function renewToken(attempt: Attempt): void {
  const { login, target, user } = attempt
  login.token(target, user).then(
    (token) => {
      attempt.token = token
    },
    () => {},
  )
}

export function tokenTooLate(): RdsIamError {
  return new RdsIamError(
    'TOKEN_TIMEOUT',
    'changeUser: the token expired, and the mariadb driver does not wait for a new one: open another connection',
  )
}
