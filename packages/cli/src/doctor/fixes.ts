import { parseEndpoint } from '@rds-iam/core'
import { partitionOf } from './partition'
import type { Subject } from './subject'

/** The SQL that sets a database user up for IAM. */
export function grantSql({ engine, user }: Subject): string {
  if (engine === 'postgres') {
    const name = `"${user.replaceAll('"', '""')}"`
    return `As an administrator of the database:\nCREATE USER ${name};  -- if there is none yet\nGRANT rds_iam TO ${name};`
  }
  const name = `'${user.replaceAll('\\', '\\\\').replaceAll("'", "''")}'@'%'`
  return (
    `As an administrator of the database:\nCREATE USER ${name} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';\n` +
    `or, if there is one:\nALTER USER ${name} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';`
  )
}

const RESOURCE_IDS: Readonly<Record<string, string>> = { proxy: 'prx-…', instance: 'db-…' }

/** The IAM policy statement that lets an identity log in. */
export function policyStatement(subject: Subject): string {
  const region = subject.signedRegion ?? 'REGION'
  const id = RESOURCE_IDS[parseEndpoint(subject.endpoint?.host ?? '').kind] ?? 'cluster-…'
  const account = subject.account ?? 'ACCOUNT'
  const statement = {
    Effect: 'Allow',
    Action: 'rds-db:connect',
    Resource: `arn:${partitionOf(region).id}:rds-db:${region}:${account}:dbuser:${id}/${subject.user}`,
  }
  return `${JSON.stringify(statement, undefined, 2)}\n(${id} is the resource ID, as the console shows it under Configuration; * stands for all)`
}

/** What to do after a token was refused and nothing else was found. */
export function allowFix(subject: Subject): string {
  return (
    `Allow it by the IAM policy of the identity:\n${policyStatement(subject)}\n` +
    'Nor must a permissions boundary or a service control policy deny it; and IAM database authentication must be\n' +
    'on (console: Modify, Database authentication, "Password and IAM database authentication").'
  )
}
