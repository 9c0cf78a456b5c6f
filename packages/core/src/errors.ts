/** What went wrong, as a word that a program can compare. */
export type RdsIamErrorCode =
  | 'INVALID_OPTION'
  | 'REGION_UNKNOWN'
  | 'ENDPOINT_UNKNOWN'
  | 'CREDENTIALS_UNAVAILABLE'
  | 'CREDENTIALS_EXPIRED'
  | 'TOKEN_TIMEOUT'
  | 'TLS_REQUIRED'
  | 'TLS_UNTRUSTED'
  | 'LOGIN_REFUSED'

// Registered by name, so that a second installed copy of this package recognises the errors of the first.
const BRAND = Symbol.for('rds-iam.error')

const TROUBLESHOOTING = 'https://rds-iam.github.io/rds-iam/troubleshooting'

/**
 * The one error class of rds-iam. `code` says what failed, `message` what to do about it and, in its last
 * line, where that is explained; `cause` keeps the error below it. No message ever contains a token, a
 * password or a secret key.
 *
 * Drivers wrap or pass it on: look for it with {@link isRdsIamError} on the error and on its `cause` chain.
 */
export class RdsIamError extends Error {
  override readonly name = 'RdsIamError'
  readonly code: RdsIamErrorCode
  /** The name of the option that is wrong, such as `iam.region`; of `INVALID_OPTION` and its kin. */
  declare readonly option?: string
  /** What to do about it, without the option's name. */
  declare readonly advice?: string

  constructor(
    code: RdsIamErrorCode,
    message: string,
    options: { cause?: unknown; option?: string; advice?: string } = {},
  ) {
    super(`${message}\nSee ${TROUBLESHOOTING}#${code}`, options)
    this.code = code
    if (options.option !== undefined) this.option = options.option
    if (options.advice !== undefined) this.advice = options.advice
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/**
 * Tells whether a value is an {@link RdsIamError}, also one of another installed copy of this package.
 *
 * @example
 * ```ts
 * if (isRdsIamError(error) && error.code === 'CREDENTIALS_UNAVAILABLE') …
 * ```
 */
export function isRdsIamError(error: unknown): error is RdsIamError {
  return typeof error === 'object' && error !== null && BRAND in error
}

/** Copies an error of ours for a driver that writes into the errors it passes on. */
export function copyError(error: RdsIamError): RdsIamError {
  const { code, message, stack, cause } = error
  return Object.assign(new RdsIamError(code, '', { cause }), error, { message, stack })
}

/** An `INVALID_OPTION` error that names the option and says what to give. */
export function invalidOption(option: string, advice: string, cause?: unknown): RdsIamError {
  return new RdsIamError('INVALID_OPTION', `${option}: ${advice}`, {
    option,
    advice,
    ...(cause === undefined ? {} : { cause }),
  })
}
