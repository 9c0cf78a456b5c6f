/**
 * Why a login was refused. It is not sent to the client.
 *
 * - `TLS_REQUIRED`: the login came without TLS.
 * - `USER_UNKNOWN`: the endpoint has no such database user.
 * - `MALFORMED_TOKEN`: the password is not a token.
 * - `SLASH_MISSING`: no `/` before the `?`, where one is required.
 * - `PARAMETER_MISSING`, `PARAMETER_DUPLICATED`, `PARAMETER_UNKNOWN`: not the parameters of a login token.
 * - `ACTION_MISMATCH`: `Action` is not `connect`. For DSQL: not `DbConnectAdmin` for the user `admin`, or not
 *   `DbConnect` for another user.
 * - `ALGORITHM_MISMATCH`: `X-Amz-Algorithm` is not `AWS4-HMAC-SHA256`.
 * - `SIGNED_HEADERS_MISMATCH`: `X-Amz-SignedHeaders` is not `host`.
 * - `CREDENTIAL_MALFORMED`: `X-Amz-Credential` is not `KEY/DATE/REGION/rds-db/aws4_request`. For DSQL: `dsql` instead
 *   of `rds-db`.
 * - `USER_MISMATCH`: the token is for another database user than the login.
 * - `HOST_MISMATCH`, `PORT_MISMATCH`: the token is for an endpoint that is not this one. A DSQL token contains no port.
 * - `REGION_MISMATCH`: the token is for another region.
 * - `DATE_MALFORMED`, `DATE_MISMATCH`: `X-Amz-Date` is not a date, or not on the day of the credential scope.
 * - `EXPIRES_INVALID`: `X-Amz-Expires` is not a whole number from 1 to 900, or for DSQL from 1 to 604800.
 * - `NOT_YET_VALID`: signed more than five minutes in the future.
 * - `TOKEN_EXPIRED`: signed longer ago than `X-Amz-Expires`.
 * - `KEY_UNKNOWN`: no identity has this access key.
 * - `SESSION_TOKEN_MISSING`, `SESSION_TOKEN_UNEXPECTED`, `SESSION_TOKEN_MISMATCH`: not the identity's session token.
 * - `SIGNATURE_MISMATCH`: signed with another secret, or changed after it was signed.
 * - `IDENTITY_EXPIRED`: the identity's expiration has passed.
 * - `USER_NOT_ALLOWED`: the identity may not log in as this user.
 * - `THROTTLED`: more logins in a second than are let through; the token was not the reason.
 */
export type RefusalReason =
  | 'TLS_REQUIRED'
  | 'USER_UNKNOWN'
  | 'MALFORMED_TOKEN'
  | 'SLASH_MISSING'
  | 'PARAMETER_MISSING'
  | 'PARAMETER_DUPLICATED'
  | 'PARAMETER_UNKNOWN'
  | 'ACTION_MISMATCH'
  | 'ALGORITHM_MISMATCH'
  | 'SIGNED_HEADERS_MISMATCH'
  | 'CREDENTIAL_MALFORMED'
  | 'USER_MISMATCH'
  | 'HOST_MISMATCH'
  | 'PORT_MISMATCH'
  | 'REGION_MISMATCH'
  | 'DATE_MALFORMED'
  | 'DATE_MISMATCH'
  | 'EXPIRES_INVALID'
  | 'NOT_YET_VALID'
  | 'TOKEN_EXPIRED'
  | 'KEY_UNKNOWN'
  | 'SESSION_TOKEN_MISSING'
  | 'SESSION_TOKEN_UNEXPECTED'
  | 'SESSION_TOKEN_MISMATCH'
  | 'SIGNATURE_MISMATCH'
  | 'IDENTITY_EXPIRED'
  | 'USER_NOT_ALLOWED'
  | 'THROTTLED'

/** Why a login was refused. */
export interface Refused {
  accepted: false
  reason: RefusalReason
  /** The reason as a sentence with the values that did not match. */
  detail: string
  accessKeyId?: string
}

/** The decision on a login: the access key, or why it was refused. */
export type Verdict = { accepted: true; accessKeyId: string } | Refused
