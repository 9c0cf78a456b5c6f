import { DsqlSigner } from '@aws-sdk/dsql-signer'
import type { LocalRds, TestIdentity } from '@rds-iam/local'
import type pg from 'pg'
import { pgClient } from './postgres-client'

/** Values of a token that replace those that the endpoint expects. */
export interface DsqlSignedAs {
  host?: string
  action?: 'DbConnect' | 'DbConnectAdmin'
  region?: string
  identity?: TestIdentity
  /** In seconds. */
  expiresIn?: number
}

/** A token for a DSQL endpoint, made by AWS's signer. */
export function signDsql(rds: LocalRds, user: string, as: DsqlSignedAs = {}): Promise<string> {
  const { host = 'localhost', region = rds.region, expiresIn = 900 } = as
  const { action = user === 'admin' ? 'DbConnectAdmin' : 'DbConnect' } = as
  const credentials = as.identity ?? rds.configuration.identities[0]
  if (credentials === undefined) throw new Error('the endpoint has no identity')
  const signer = new DsqlSigner({ hostname: host, region, credentials, expiresIn })
  return action === 'DbConnect' ? signer.getDbConnectAuthToken() : signer.getDbConnectAdminAuthToken()
}

/** Connects a client with a token for its user. `config` overrides the defaults. */
export function dsqlClient(rds: LocalRds, config: pg.ClientConfig = {}): Promise<pg.Client> {
  return pgClient(rds, { password: () => signDsql(rds, config.user ?? rds.user), ...config })
}
