import { invalidOption, RdsIamError } from '../errors'
import { setCause, type Login, type LoginAttempt } from '../login/login'
import type { LoginTarget } from '../login/login-target'

const ER_ACCESS_DENIED_ERROR = 1045
// The server shuts down, an administrator or a time-out ended the session, or the socket was closed.
const LOSSES = [1053, 1927, 4031, 45009]

/** What we use of the driver's errors. */
export interface DriverError {
  fatal?: boolean
  errno?: number
}

/** The login of one connection, and its later ones by changeUser(). */
export class ConnectionLogin {
  readonly user: string
  readonly #login: Login
  readonly #target: LoginTarget
  /** The attempt with the newest token. */
  #attempt: LoginAttempt
  /** Whether the driver has read a token to send it. */
  #sent = false
  /** Why the driver got no token when it last read one. */
  #withheld: RdsIamError | undefined
  /** Why changeUser() cannot log in. */
  #userProblem: RdsIamError | undefined
  #reported: DriverError | undefined

  constructor(login: Login, target: LoginTarget, attempt: LoginAttempt) {
    this.user = attempt.user
    this.#login = login
    this.#target = target
    this.#attempt = attempt
  }

  /** The token for the driver to send; undefined after it expired. */
  takeToken(): string | undefined {
    const { value, expiresAt } = this.#attempt.token
    if (Date.now() >= expiresAt.getTime()) {
      this.renew()
      this.#withheld = new RdsIamError(
        'TOKEN_TIMEOUT',
        'changeUser: the token expired, and the mariadb driver does not wait for a new one: open another connection',
      )
      return undefined
    }
    this.#sent = true
    this.#withheld = undefined
    return value
  }

  /** Explains the refusal that follows, because there is no token for another user. */
  refuseUser(): void {
    this.#userProblem = invalidOption('changeUser', 'the driver waits for no other token: open a connection')
  }

  /** Gets the token for the next changeUser(), for which the driver does not wait. */
  renew(): void {
    this.#login.attempt(this.#target, this.user).then(
      (attempt) => {
        this.#attempt = attempt
      },
      () => {},
    )
  }

  /** Handles an error that the driver passes to its `logger` before any other listener. */
  report(error: DriverError): void {
    if (!this.#sent || !error.fatal || error === this.#reported) return
    this.#reported = error
    if (error.errno !== ER_ACCESS_DENIED_ERROR) {
      if (isLoss(error)) this.#attempt.lost(error)
      return
    }
    const cause = this.#userProblem ?? this.#withheld
    if (cause) setCause(error, cause)
    else this.#attempt.refused(error)
  }
}

function isLoss({ errno = 0 }: DriverError): boolean {
  // Numbers below zero are the system's, such as ECONNRESET.
  return errno < 0 || LOSSES.includes(errno)
}
