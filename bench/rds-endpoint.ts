// A local RDS endpoint in its own process, so that it does not slow down the measured program.
import { startLocalRds, type Engine } from '@rds-iam/local'
import { startDelayedRelay } from './delayed-relay'
import { DSQL_ENDPOINT, type Endpoint } from './scene'

const ONE_WAY_MS = 10

async function start(engine: Engine, backend: string): Promise<Endpoint> {
  const endpoints = ['localhost', '127.0.0.1', DSQL_ENDPOINT]
  const rds = await startLocalRds({ engine, backend, endpoints })
  const { port, user, region, database, ca, env } = rds
  // The DSQL connector reads a name without a dot as the id of a cluster.
  const host = engine === 'dsql' ? '127.0.0.1' : rds.host
  return {
    engine,
    host,
    port,
    user,
    region,
    database,
    ca,
    backend,
    env,
    delayedPort: await startDelayedRelay(port, ONE_WAY_MS),
  }
}

const [engine, backend = ''] = process.argv.slice(2)
process.send?.(await start(engine as Engine, backend))
process.once('disconnect', () => process.exit())
