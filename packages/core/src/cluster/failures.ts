import { isRdsIamError } from '../errors'

/** An error of the network, of TLS, of PostgreSQL or of MySQL. */
interface Failure {
  /** A code of Node, or an SQLSTATE. */
  code?: string
  /** A number of MySQL. Numbers of the system are negative. */
  errno?: number
}

/** SQLSTATE 57P01, 57P02 and 57P03, and MySQL's error 1053: the server stops or starts. */
const RESTARTS: unknown[] = ['57P01', '57P02', '57P03', 1053]

/** Codes of Node for certificates. SQLSTATEs: refused login, unknown database, no right to connect. */
const REFUSALS = /CERT|^ERR_TLS|^UNABLE_TO|^28|^3D000$|^42501$/
/** The same of MySQL. */
const REFUSAL_NUMBERS = [1044, 1045, 1049, 1698]

/** Whether a server is out of service: the network failed, or the server stops or starts. */
export function isOutage(error: unknown): boolean {
  const { code = '', errno = 0 } = (error ?? {}) as Failure
  // SQLSTATEs have a digit, unlike the codes of the network's errors, such as EPIPE.
  const isFromServer = /^(?=.*\d)[0-9A-Z]{5}$/.test(code) || errno > 0
  return !isFromServer || RESTARTS.includes(code) || RESTARTS.includes(errno)
}

/** Whether another login would fail, too: it was refused, there is no token, or the certificate is not trusted. */
export function isRefusal(error: unknown): boolean {
  const { code = '', errno = 0 } = (error ?? {}) as Failure
  return isRdsIamError(error) || REFUSALS.test(code) || REFUSAL_NUMBERS.includes(errno)
}

/** Whether a name cannot be used for a login: it is not in DNS, or the server does not accept it. */
export function isUnusable(error: unknown): boolean {
  return ((error ?? {}) as Failure).code === 'ENOTFOUND' || isRefusal(error)
}
