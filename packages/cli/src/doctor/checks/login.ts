import { parseEndpoint } from '@rds-iam/core'
import { dsqlAction } from '@rds-iam/core/internal'
import { addressText, isDsql, type LoginOptions } from '../../login/options'
import type { Alternative } from '../alternatives'
import type { TokenFacts } from '../facts'
import { failed, ok, warning, withConfidence, type Cause, type Finding } from '../finding'
import { allowFix, grantFix, mappingFix } from '../fixes'
import { namedCauses, type ServerError } from './server-error'
import { portSilent } from './tcp'

/** The result of a login. */
export interface LoginObservation {
  /** How the server asked for the password: `cleartext` is IAM. Absent if it did not ask. */
  asked?: string
  error?: ServerError
  server?: ServerObservation
}

/** What an Aurora server tells of its cluster. Absent for other servers. */
export interface ClusterObservation {
  /** The server's instance. */
  instance?: string | null
  /** The instance that the server takes for the writer. A reader may be wrong about it for a moment. */
  writer?: string | null
}

/** The server of a session, or why it does not answer a query. */
export type ServerObservation =
  | ({ version: string; isReader: boolean; /** The version of TLS. */ protocol: string } & ClusterObservation)
  | { error: ServerError }

type Role = Exclude<ServerObservation, { error: ServerError }>

/** A login with a token for another endpoint or region, after a refusal. */
export interface Trial extends Alternative {
  accepted: boolean
}

const REFUSALS = ['28000', '28P01', '1045', '1698']
const DSQL_REFUSAL = '08006'

/** Describes a token, without its secret parts. */
export function checkToken(token: string, expiresAt: Date): Finding {
  const { host, searchParams } = new URL(`https://${token}`)
  const value = (name: string): string => searchParams.get(name) ?? ''
  const [key = '', , region = ''] = value('X-Amz-Credential').split('/')
  return ok(
    'token',
    `for ${value('DBUser') || value('Action')} at ${host}, ${region}, until ${expiresAt.toISOString()}`,
    [
      `signed at ${value('X-Amz-Date')} by ${key}, valid for ${value('X-Amz-Expires')} s`,
      `${searchParams.has('X-Amz-Security-Token') ? 'with' : 'without'} a session token, ${token.length} characters`,
    ],
  )
}

/** Whether the server got a token and refused it. RDS Proxy has no code of its own for that, only a message. */
export function isRefusal(
  { endpoint }: Pick<TokenFacts, 'endpoint'>,
  { asked, error }: LoginObservation,
): boolean {
  if (!error || asked !== 'cleartext') return false
  if (isDsql(endpoint.host) && error.code === DSQL_REFUSAL) return true
  return REFUSALS.includes(error.code) || error.message.includes('IAM authentication failed')
}

/** Whether the login worked, and if not, which causes the server's answer shows. */
export function checkLogin(
  facts: TokenFacts,
  observation: LoginObservation & { trials: readonly Trial[] },
): Finding {
  const { asked, error, trials } = observation
  if (!error) return loggedIn(facts, asked)
  const details = [`${error.code}: ${error.message}`, `asked for: ${asked ?? 'nothing'}`]
  const causes = namedCauses(facts, error)
  const [named] = causes
  if (named) return { ...failed('login', named, details), candidates: withConfidence('certain', causes) }
  if (isRefusal(facts, observation)) return refused(facts, error, trials, details)
  return failed('login', otherCause(facts, error, asked), details)
}

/** Which server it is, and whether it accepts writes, which the endpoint of a cluster promises. */
export function checkServer({ endpoint, target }: TokenFacts, observation: ServerObservation): Finding {
  if (!('error' in observation)) {
    const { version, isReader, protocol } = observation
    const seen = `${version}, ${describeRole(observation)}, over ${protocol}`
    const isWriterEndpoint = ['cluster', 'global'].includes(parseEndpoint(endpoint.host).kind)
    if (!isReader || !(target ? target === 'writer' : isWriterEndpoint)) return ok('server', seen)
    return { ...failed('server', readerEndpoint(endpoint.host, observation)), seen }
  }
  const { code, message } = observation.error
  if (code !== 'timeout') return warning('server', `a query fails: ${message}`)
  return failed('server', {
    code: 'PORT_SILENT',
    why: `the server accepts the login and does not answer a query (${message})`,
    fix: "Look at the server's load and log (console: Monitoring, Logs & events), and at any proxy in front of it.",
  })
}

function describeRole({ isReader, instance, writer }: Role): string {
  const role = isReader ? 'a reader' : 'a writer'
  if (!instance) return role
  return isReader && writer ? `${role} (${instance}; the writer is ${writer})` : `${role} (${instance})`
}

function readerEndpoint(host: string, role: Role): Cause {
  return {
    code: 'READER_ENDPOINT',
    why: `${host} leads to ${describeRole(role)}, which accepts no writes`,
    fix:
      'After a failover, DNS leads to the old writer for a while: try again in a minute. The functions of rds-iam find the\n' +
      "writer meanwhile (iam.target, with 'writer' as its default for this endpoint). If it stays so, the cluster is a\n" +
      "secondary one of a global database: dial the primary cluster, or set iam.target to 'any' for write forwarding.",
  }
}

function loggedIn({ user }: LoginOptions, asked: string | undefined): Finding {
  if (asked !== undefined) return ok('login', `${user} is logged in`)
  return warning(
    'login',
    `${user} is logged in, but the server did not ask for a token: this user needs none`,
  )
}

/** A refused token: the causes that other logins prove, or else those that remain. */
function refused(
  facts: TokenFacts,
  error: ServerError,
  trials: readonly Trial[],
  details: readonly string[],
): Finding {
  const tried = trials.map(({ endpoint, region, accepted }) => {
    return `a token for ${addressText(endpoint)} in ${region}: ${accepted ? 'accepted' : 'refused'}`
  })
  const finding = {
    check: 'login',
    status: 'failed',
    seen: error.message,
    details: [...details, ...tried],
  } as const
  // The server accepts another token of the same identity, so nothing else is wrong.
  const proven = trials.filter(({ accepted }) => accepted).map((trial) => mismatch(facts, trial))
  if (proven.length > 0) return { ...finding, candidates: withConfidence('proven', proven) }
  const ownPassword = notGranted(facts, `${error.message}: the user has its own password`)
  const notAllowed: Cause = {
    code: 'USER_NOT_ALLOWED',
    why: `the server asked for a token and refused it: the identity may not log in as ${facts.user}`,
    fix: allowFix(facts),
  }
  if (isDsql(facts.endpoint.host)) {
    const notMapped: Cause = {
      code: 'USER_NOT_GRANTED',
      why: `the server asked for a token and refused it: no mapping lets the identity log in as ${facts.user}`,
      fix: mappingFix(facts),
    }
    const causes = dsqlAction(facts.user) === 'DbConnect' ? [notAllowed, notMapped] : [notAllowed]
    return { ...finding, refused: true, candidates: withConfidence('likely', causes) }
  }
  // PostgreSQL reports 28P01 for its own passwords, and 28000 for those that PAM checks.
  const remaining = error.code === '28P01' ? [ownPassword, notAllowed] : [notAllowed]
  return { ...finding, refused: true, candidates: withConfidence('likely', remaining) }
}

function mismatch({ endpoint, signedRegion }: TokenFacts, { code, ...accepted }: Trial): Cause {
  if (code === 'REGION_MISMATCH') {
    return {
      code,
      why: `the server refuses a token for ${signedRegion}, and accepts one for ${accepted.region}`,
      fix: `--region ${accepted.region} (in code: iam.region)`,
    }
  }
  const right = addressText(accepted.endpoint)
  return {
    code,
    why: `the server refuses a token for ${addressText(endpoint)}, and accepts one for ${right}`,
    fix: `--endpoint ${right} (in code: iam.endpoint)`,
  }
}

/** The cause if the server failed the login for another reason than the token. */
function otherCause(facts: TokenFacts, error: ServerError, asked: string | undefined): Cause {
  const { user } = facts
  if (asked !== undefined && asked !== 'cleartext')
    return notGranted(facts, `the server asks ${user} for a password (${asked}), not for a token`)
  // mysql2 names the plugin only in its message.
  const plugin = /unknown plugin (\w+)/.exec(error.message)?.[1]
  if (plugin !== undefined)
    return notGranted(facts, `the server asks ${user} for the plugin ${plugin}, not for mysql_clear_password`)
  if (REFUSALS.includes(error.code))
    return notGranted(facts, `${error.message}: the server did not ask for a token`)
  if (/ETIMEDOUT|timeout/i.test(`${error.code} ${error.message}`))
    return portSilent('the server stops answering after TLS')
  return {
    code: 'LOGIN_FAILED',
    why: `${error.message} (${error.code})`,
    fix: "Look at the server's log (console: Logs & events): it did not refuse the token.",
  }
}

function notGranted(facts: LoginOptions, why: string): Cause {
  return { code: 'USER_NOT_GRANTED', why, fix: grantFix(facts) }
}
