import { invalidOption, RdsIamError } from '../errors'
import { setCause, type Login, type LoginAttempt } from '../login/login'
import type { LoginTarget } from '../login/login-target'

const ER_ACCESS_DENIED_ERROR = 1045
// Server shutdown, session killed by an administrator, session timed out, socket closed.
const LOSSES = [1053, 1927, 4031, 45009]

/** The properties of the driver's errors that we use. */
export interface DriverError {
  fatal?: boolean
  errno?: number
  /** The server's text. */
  sqlMessage?: string
  cause?: unknown
}

/** The logins of one connection: the first one, and those by changeUser(). */
export class ConnectionLogin {
  readonly user: string
  readonly #login: Login
  readonly #target: LoginTarget
  /** The attempt with the newest token. */
  #attempt: LoginAttempt
  /** Whether the driver has read a token to send it. */
  #sent = false
  /** Why the driver's last read of the password returned no token. */
  #withheld: RdsIamError | undefined
  /** Why changeUser() cannot log in another user. */
  #userProblem: RdsIamError | undefined
  #reported: DriverError | undefined

  constructor(login: Login, target: LoginTarget, attempt: LoginAttempt) {
    this.user = attempt.user
    this.#login = login
    this.#target = target
    this.#attempt = attempt
  }

  /** The token for the driver to send; undefined if it has expired. */
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

  /** There is no token for another user: sets the cause of the refusal that follows. */
  refuseUser(): void {
    this.#userProblem = invalidOption(
      'changeUser',
      "the driver does not wait for another user's token: open another connection",
    )
  }

  /** Starts fetching a token for the next changeUser(). The driver does not wait for it. */
  renew(): void {
    this.#login.attempt(this.#target, this.user).then(
      (attempt) => {
        this.#attempt = attempt
      },
      () => {},
    )
  }

  /** Handles an error. The driver passes errors to its `logger` before any other listener. */
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
  // Negative numbers are system errors such as ECONNRESET.
  return errno < 0 || LOSSES.includes(errno)
}
