import type { IamOptions } from '@rds-iam/core'
import type { Engine, LocalRds, LocalRdsOptions } from '@rds-iam/local'
import type { LoginOptions } from './adapter'

/** The name of the local endpoint that simulates an Aurora DSQL cluster. */
export const DSQL_ENDPOINT = 'abc0def1baz2quux3quuux4567.dsql.us-east-1.on.aws'

/** The options that a local endpoint of an engine needs. Clients recognize Aurora DSQL by the endpoint's name. */
export function defaultsOf(engine: Engine): Pick<LocalRdsOptions, 'endpoints'> {
  return engine === 'dsql' ? { endpoints: [DSQL_ENDPOINT] } : {}
}

/** The options that log in to a local endpoint. Aurora DSQL is dialled as through a tunnel. */
export function loginOptions(
  rds: Pick<LocalRds, 'engine' | 'port' | 'user' | 'database' | 'ca' | 'region'>,
  credentials: IamOptions['credentials'],
): LoginOptions {
  const { engine, port, user, database, ca, region } = rds
  const iam = { region, credentials, ...(engine === 'dsql' ? { endpoint: DSQL_ENDPOINT } : {}) }
  return { host: 'localhost', port, user, database, ssl: { ca }, iam }
}
