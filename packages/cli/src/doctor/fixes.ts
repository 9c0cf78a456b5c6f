import { parseEndpoint } from '@rds-iam/core'
import { dsqlAction } from '@rds-iam/core/internal'
import type { LoginOptions } from '../login/options'
import type { TokenFacts } from './facts'
import { partitionOf } from './partition'

const PROXY_SETTING =
  'The proxy must accept IAM (console: RDS, Proxies, Modify, Authentication): "Required" for the secret of the user,\n' +
  'or IAM as the default authentication scheme.'

/** How to set up a database user for IAM. */
export function grantFix(options: LoginOptions): string {
  const { dial, endpoint = dial, engine, user } = options
  // The proxy opens its own connections to the database: a client's login depends on the settings of the proxy.
  if (parseEndpoint(endpoint.host).kind === 'proxy') return PROXY_SETTING
  if (engine === 'postgres') {
    const name = sqlName(user)
    return `As an administrator of the database:\nCREATE USER ${name};  -- if it does not exist\nGRANT rds_iam TO ${name};`
  }
  const name = `'${user.replaceAll('\\', '\\\\').replaceAll("'", "''")}'@'%'`
  return (
    `As an administrator of the database:\nCREATE USER ${name} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';\n` +
    `or, if it exists:\nALTER USER ${name} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';`
  )
}

/** How to let an identity log in to Aurora DSQL as a role. */
export function mappingFix({ user, arn, account, signedRegion }: TokenFacts): string {
  const name = sqlName(user)
  const unknown = `arn:${partitionOf(signedRegion).id}:iam::${account ?? 'ACCOUNT'}:role/ROLE`
  const identity = arn === undefined ? unknown : iamArn(arn)
  return (
    `As the user admin:\nCREATE ROLE ${name} WITH LOGIN;  -- if it does not exist\n` +
    `AWS IAM GRANT ${name} TO '${identity}';\n` +
    'SELECT * FROM sys.iam_pg_role_mappings; shows the mappings.'
  )
}

/** The ARN of the role of an assumed-role session. A mapping must name the role, not the session. */
function iamArn(arn: string): string {
  const [, partition, account, role] = /^arn:([^:]+):sts::(\d+):assumed-role\/([^/]+)\//.exec(arn) ?? []
  return role === undefined ? arn : `arn:${partition}:iam::${account}:role/${role}`
}

function sqlName(user: string): string {
  return `"${user.replaceAll('"', '""')}"`
}

const RESOURCE_IDS: Readonly<Record<string, string>> = { proxy: 'prx-…', instance: 'db-…' }

/** The IAM policy statement that allows an identity to log in. */
export function policyStatement(facts: TokenFacts): string {
  const { endpoint, signedRegion: region, account = 'ACCOUNT', user } = facts
  const { kind } = parseEndpoint(endpoint.host)
  const arn = `arn:${partitionOf(region).id}`
  if (kind === 'dsql') {
    const [cluster] = endpoint.host.split('.')
    return statement(`dsql:${dsqlAction(user)}`, `${arn}:dsql:${region}:${account}:cluster/${cluster}`)
  }
  const id = RESOURCE_IDS[kind] ?? 'cluster-…'
  const place = kind === 'proxy' ? "at the end of the proxy's ARN" : 'under Configuration'
  return (
    `${statement('rds-db:connect', `${arn}:rds-db:${region}:${account}:dbuser:${id}/${user}`)}\n` +
    `(${id} is the resource ID, which the console shows ${place}; * matches all)`
  )
}

function statement(action: string, resource: string): string {
  return JSON.stringify({ Effect: 'Allow', Action: action, Resource: resource }, undefined, 2)
}

/** The fix if the server refused a token and no other cause was found. */
export function allowFix(facts: TokenFacts): string {
  const { kind } = parseEndpoint(facts.endpoint.host)
  const allow =
    `Allow it in the IAM policy of the identity:\n${policyStatement(facts)}\n` +
    'No permissions boundary or service control policy may deny it'
  if (kind === 'dsql') return `${allow}.`
  if (kind === 'proxy') return `${allow}.\n${PROXY_SETTING}`
  return (
    `${allow}, and IAM database authentication must be on\n` +
    '(console: Modify, Database authentication, "Password and IAM database authentication").'
  )
}
