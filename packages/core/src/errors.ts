/** What went wrong, for programs to compare. */
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
  | 'NOT_WRITER'
  | 'WRITER_MOVED'

// A registered symbol, so that two installed copies of this package recognise each other's errors.
const BRAND = Symbol.for('rds-iam.error')

const TROUBLESHOOTING = 'https://rds-iam.github.io/rds-iam/troubleshooting'

/**
 * The only error class of rds-iam. `code` says what failed. `message` says what to do about it, and its last line
 * links to the documentation. `cause` is the underlying error. No message contains a token, a password or a secret key.
 *
 * Some drivers wrap it: test the driver's error and each error of its `cause` chain with {@link isRdsIamError}.
 */
export class RdsIamError extends Error {
  override readonly name = 'RdsIamError'
  readonly code: RdsIamErrorCode
  /** The name of the invalid option, such as `iam.region`. Set when `code` is `INVALID_OPTION`. */
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
 * Whether a value is an {@link RdsIamError}, of this or another installed copy of the package.
 *
 * @example
 * ```ts
 * if (isRdsIamError(error) && error.code === 'CREDENTIALS_UNAVAILABLE') …
 * ```
 */
export function isRdsIamError(error: unknown): error is RdsIamError {
  return typeof error === 'object' && error !== null && BRAND in error
}

/** Copies our error for a driver that changes the errors that it passes on. */
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
