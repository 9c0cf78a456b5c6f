import type { IamOptions } from '@rds-iam/core'
import type { Engine, LocalRds, LocalRdsOptions } from '@rds-iam/local'
import type { LoginOptions } from './adapter'

/** The name of the endpoint that stands for an Aurora DSQL cluster. */
export const DSQL_ENDPOINT = 'abc0def1baz2quux3quuux4567.dsql.us-east-1.on.aws'

/** The options of a local endpoint that an engine needs: Aurora DSQL is known by its name. */
export function defaultsOf(engine: Engine): Pick<LocalRdsOptions, 'endpoints'> {
  return engine === 'dsql' ? { endpoints: [DSQL_ENDPOINT] } : {}
}

/** The options that log in to a local endpoint. A cluster of Aurora DSQL is reached as through a tunnel. */
export function loginOptions(
  rds: Pick<LocalRds, 'engine' | 'port' | 'user' | 'database' | 'ca' | 'region'>,
  credentials: IamOptions['credentials'],
): LoginOptions {
  const { engine, port, user, database, ca, region } = rds
  const iam = { region, credentials, ...(engine === 'dsql' ? { endpoint: DSQL_ENDPOINT } : {}) }
  return { host: 'localhost', port, user, database, ssl: { ca }, iam }
}
