import { DSQL_ADMIN } from '../defaults'
import type { TestIdentity } from './identity'
import type { Refused, RefusalReason, Verdict } from './refusal'
import { requestSignature, sameSecret } from './signature'
import { parseCredential, parseSigningDate, parseToken, type ParsedToken } from './token'

/** An endpoint name that tokens may be signed for. */
export interface AcceptedEndpoint {
  /** Host in lower case. */
  host: string
  /** Ports that a token for this host may contain. A DSQL token contains no port. */
  ports: readonly number[]
}

/** A service that accepts login tokens, by its name in credential scopes. */
export type TokenService = 'rds-db' | 'dsql'

/** What a token is checked against. */
export interface TokenExpectations {
  /** The service that the token must be for: RDS and Aurora, or Aurora DSQL. Default `'rds-db'`. */
  service?: TokenService
  /** Database user of the login. */
  user: string
  /** Database users of the endpoint. */
  users: readonly string[]
  /** Names of the endpoint. */
  endpoints: readonly AcceptedEndpoint[]
  /** Region of the endpoint. */
  region: string
  /** Identities that exist. */
  identities: readonly TestIdentity[]
  /** Whether a token without `/` before `?` is refused, as some Aurora clusters do. Default false. */
  requireSlash?: boolean
}

/** How far a token's date may lie in the future, in milliseconds; the skew that AWS tolerates. */
export const MAX_SKEW_MS = 5 * 60_000

/** Longest lifetime of a token, in seconds: 15 minutes for RDS, a week for DSQL. */
const MAX_EXPIRES_S: Record<TokenService, number> = { 'rds-db': 900, dsql: 604_800 }

const COMMON_PARAMETERS = [
  'Action',
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
]
const REQUIRED: Record<TokenService, string[]> = {
  'rds-db': [...COMMON_PARAMETERS, 'DBUser'],
  dsql: COMMON_PARAMETERS,
}
const SESSION_TOKEN = 'X-Amz-Security-Token'

/**
 * Decides whether a token lets its bearer log in at the instant `now`.
 *
 * Checks the form first, then user, endpoint, region, time, identity and signature. The verdict never contains the token,
 * its signature or a secret.
 */
export function verifyToken(token: string, expectations: TokenExpectations, now: Date): Verdict {
  const { service = 'rds-db' } = expectations
  const parsed = parseToken(token)
  if (parsed === undefined || (service === 'rds-db' && parsed.port === undefined)) {
    const form = service === 'rds-db' ? 'HOST:PORT/?…' : 'HOST/?…'
    return refuse('MALFORMED_TOKEN', `the password is not of the form ${form}`)
  }
  if (expectations.requireSlash === true && !parsed.slash)
    return refuse('SLASH_MISSING', 'there is no / before the ?')

  const fields = readFields(parsed, REQUIRED[service])
  if ('accepted' in fields) return fields
  const field = (name: string): string => fields.values.get(name) ?? ''
  const wrongForm =
    checkConstant(field, 'Action', actionFor(service, expectations.user), 'ACTION_MISMATCH') ??
    checkConstant(field, 'X-Amz-Algorithm', 'AWS4-HMAC-SHA256', 'ALGORITHM_MISMATCH') ??
    checkConstant(field, 'X-Amz-SignedHeaders', 'host', 'SIGNED_HEADERS_MISMATCH')
  if (wrongForm !== undefined) return wrongForm
  const scope = parseCredential(field('X-Amz-Credential'))
  if (scope?.service !== service)
    return refuse('CREDENTIAL_MALFORMED', `X-Amz-Credential is not KEY/DATE/REGION/${service}/aws4_request`)

  const { accessKeyId } = scope
  const verdict =
    checkUser(fields.values.get('DBUser') ?? expectations.user, expectations) ??
    checkEndpoint(parsed, expectations) ??
    checkRegion(scope.region, expectations) ??
    checkTime(field('X-Amz-Date'), field('X-Amz-Expires'), scope.date, MAX_EXPIRES_S[service], now)
  if (verdict !== undefined) return { ...verdict, accessKeyId }

  const identity = expectations.identities.find((candidate) => candidate.accessKeyId === accessKeyId)
  if (identity === undefined)
    return { ...refuse('KEY_UNKNOWN', `no identity has the access key ${accessKeyId}`), accessKeyId }
  const genuine = hostHeaders(parsed).some((hostHeader) =>
    sameSecret(
      requestSignature(
        {
          hostHeader,
          parameters: parsed.parameters.filter(([name]) => name !== 'X-Amz-Signature'),
          date: field('X-Amz-Date'),
          scope,
        },
        identity.secretAccessKey,
      ),
      field('X-Amz-Signature'),
    ),
  )
  const refused =
    checkSession(fields.values.get(SESSION_TOKEN), identity) ??
    (genuine ? undefined : refuse('SIGNATURE_MISMATCH', 'signed with another secret, or changed since')) ??
    checkIdentity(identity, expectations.user, now)
  return refused === undefined ? { accepted: true, accessKeyId } : { ...refused, accessKeyId }
}

function refuse(reason: RefusalReason, detail: string): Refused {
  return { accepted: false, reason, detail }
}

/** The action that the token of a user must contain. */
function actionFor(service: TokenService, user: string): string {
  if (service === 'rds-db') return 'connect'
  return user === DSQL_ADMIN ? 'DbConnectAdmin' : 'DbConnect'
}

function readFields(
  token: ParsedToken,
  required: readonly string[],
): { values: Map<string, string> } | Refused {
  const values = new Map<string, string>()
  for (const [name, value] of token.parameters) {
    if (!required.includes(name) && name !== SESSION_TOKEN)
      return refuse('PARAMETER_UNKNOWN', `${name} does not belong into a login token`)
    if (values.has(name)) return refuse('PARAMETER_DUPLICATED', `${name} stands there twice`)
    values.set(name, value)
  }
  const missing = required.find((name) => !values.has(name))
  return missing === undefined ? { values } : refuse('PARAMETER_MISSING', `${missing} is missing`)
}

function checkConstant(
  field: (name: string) => string,
  name: string,
  wanted: string,
  reason: RefusalReason,
): Refused | undefined {
  return field(name) === wanted ? undefined : refuse(reason, `${name} is not ${wanted}`)
}

function checkUser(tokenUser: string, { user, users }: TokenExpectations): Refused | undefined {
  if (!users.includes(user)) return refuse('USER_UNKNOWN', `there is no database user ${user}`)
  if (tokenUser === user) return undefined
  return refuse('USER_MISMATCH', `signed for the user ${tokenUser}, used by ${user}`)
}

function checkEndpoint(token: ParsedToken, { endpoints, service }: TokenExpectations): Refused | undefined {
  const named = endpoints.filter((endpoint) => endpoint.host === token.host.toLowerCase())
  if (named.length === 0)
    return refuse(
      'HOST_MISMATCH',
      `signed for ${token.host}, accepted are ${endpoints.map((endpoint) => endpoint.host).join(', ')}`,
    )
  const { port } = token
  if (port === undefined) return undefined
  if (service === 'dsql')
    return refuse('PORT_MISMATCH', `signed for port ${port}, DSQL's tokens name no port`)
  const ports = named.flatMap((endpoint) => endpoint.ports)
  if (ports.includes(port)) return undefined
  return refuse('PORT_MISMATCH', `signed for port ${port}, accepted are ${ports.join(', ')}`)
}

function checkRegion(region: string, expectations: TokenExpectations): Refused | undefined {
  if (region === expectations.region) return undefined
  return refuse('REGION_MISMATCH', `signed for ${region}, the endpoint is in ${expectations.region}`)
}

function checkTime(
  date: string,
  expires: string,
  scopeDate: string,
  maxExpires: number,
  now: Date,
): Refused | undefined {
  const signedAt = parseSigningDate(date)
  if (signedAt === undefined) return refuse('DATE_MALFORMED', 'X-Amz-Date is not YYYYMMDDTHHMMSSZ')
  if (!date.startsWith(scopeDate))
    return refuse('DATE_MISMATCH', `X-Amz-Date is not on ${scopeDate}, the day of the credential scope`)
  const lifetime = /^[1-9]\d{0,5}$/.test(expires) ? Number(expires) : 0
  if (lifetime < 1 || lifetime > maxExpires)
    return refuse('EXPIRES_INVALID', `X-Amz-Expires is not from 1 to ${maxExpires}`)
  const ageMs = now.getTime() - signedAt
  if (ageMs < -MAX_SKEW_MS)
    return refuse('NOT_YET_VALID', `signed ${Math.round(-ageMs / 1000)} s in the future`)
  if (ageMs > lifetime * 1000)
    return refuse('TOKEN_EXPIRED', `signed ${Math.round(ageMs / 1000)} s ago, valid for ${lifetime} s`)
  return undefined
}

function checkSession(sent: string | undefined, { sessionToken }: TestIdentity): Refused | undefined {
  if (sessionToken === undefined)
    return sent === undefined
      ? undefined
      : refuse('SESSION_TOKEN_UNEXPECTED', 'the identity has no session token, the login token carries one')
  if (sent === undefined) return refuse('SESSION_TOKEN_MISSING', 'the session token is missing')
  if (sameSecret(sent, sessionToken)) return undefined
  return refuse('SESSION_TOKEN_MISMATCH', "the session token is not the identity's")
}

function checkIdentity(identity: TestIdentity, user: string, now: Date): Refused | undefined {
  const { expiration, users } = identity
  if (expiration !== undefined && expiration.getTime() <= now.getTime())
    return refuse('IDENTITY_EXPIRED', `the identity expired at ${expiration.toISOString()}`)
  if (users === undefined || users.includes(user)) return undefined
  return refuse('USER_NOT_ALLOWED', `the identity may not be ${user}`)
}

/** Host headers under which signers are known to sign: as sent, in lower case, and without the default port 443. */
function hostHeaders({ host, port }: ParsedToken): string[] {
  const names = [...new Set([host, host.toLowerCase()])]
  if (port === undefined) return names
  const headers = names.map((name) => `${name}:${port}`)
  return port === 443 ? [...headers, ...names] : headers
}
