import { publish } from '../events'
import type { IamLogin } from '../login/iam-login'
import type { LoginTarget } from '../login/login-target'
import type { AuthToken } from '../token/tokens'

/** A login on one connection. */
export interface Attempt {
  login: IamLogin
  target: LoginTarget
  user: string
  token: AuthToken
  /** Whether the driver has taken the token to send it. */
  asked: boolean
  /** Why the driver was given none. */
  problem?: Error
}

/** What we use of the driver's `logger`. */
export interface Logger {
  network?: unknown
  error?: unknown
}

interface DriverError {
  fatal?: boolean
  errno?: number
}

const ER_ACCESS_DENIED_ERROR = 1045
// The server shuts down, an administrator or a time-out ended the session, or the socket was closed.
const LOSSES = [1053, 1927, 4031, 45009]

/** Makes a connection's `logger`, which the driver tells of an error before anybody else. */
export function watchErrors(logger: Logger, attempt: Attempt): Logger {
  const { login, target, user, token } = attempt
  let told: unknown
  return {
    ...logger,
    error(error: DriverError) {
      if (attempt.asked && error.fatal && error !== told) {
        told = error
        if (error.errno === ER_ACCESS_DENIED_ERROR) {
          const cause = attempt.problem ?? login.refused(target, user, token, error)
          Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
        } else if (isLoss(error))
          publish('connection.lost', () => ({ endpoint: target.endpoint, user, error }))
      }
      if (typeof logger.error === 'function') logger.error(error)
    },
  }
}

function isLoss({ errno = 0 }: DriverError): boolean {
  // Below zero are the system's own, such as ECONNRESET.
  return errno < 0 || LOSSES.includes(errno)
}
