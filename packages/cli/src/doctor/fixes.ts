import { parseEndpoint } from '@rds-iam/core'
import type { LoginOptions } from '../login/options'
import type { TokenFacts } from './facts'
import { partitionOf } from './partition'

/** The SQL that sets up a database user for IAM. */
export function grantSql({ engine, user }: Pick<LoginOptions, 'engine' | 'user'>): string {
  if (engine === 'postgres') {
    const name = `"${user.replaceAll('"', '""')}"`
    return `As an administrator of the database:\nCREATE USER ${name};  -- if it does not exist\nGRANT rds_iam TO ${name};`
  }
  const name = `'${user.replaceAll('\\', '\\\\').replaceAll("'", "''")}'@'%'`
  return (
    `As an administrator of the database:\nCREATE USER ${name} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';\n` +
    `or, if it exists:\nALTER USER ${name} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';`
  )
}

const RESOURCE_IDS: Readonly<Record<string, string>> = { proxy: 'prx-…', instance: 'db-…' }

/** The IAM policy statement that allows an identity to log in. */
export function policyStatement({ endpoint, signedRegion: region, account, user }: TokenFacts): string {
  const id = RESOURCE_IDS[parseEndpoint(endpoint.host).kind] ?? 'cluster-…'
  const statement = {
    Effect: 'Allow',
    Action: 'rds-db:connect',
    Resource: `arn:${partitionOf(region).id}:rds-db:${region}:${account ?? 'ACCOUNT'}:dbuser:${id}/${user}`,
  }
  return `${JSON.stringify(statement, undefined, 2)}\n(${id} is the resource ID, which the console shows under Configuration; * matches all)`
}

/** The fix if the server refused a token and no other cause was found. */
export function allowFix(facts: TokenFacts): string {
  return (
    `Allow it in the IAM policy of the identity:\n${policyStatement(facts)}\n` +
    'No permissions boundary or service control policy may deny it, and IAM database authentication must be on\n' +
    '(console: Modify, Database authentication, "Password and IAM database authentication").'
  )
}
