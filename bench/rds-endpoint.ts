// A local RDS endpoint in its own process, so that it does not slow down the measured program.
import { startLocalRds, type Engine } from '@rds-iam/local'
import { startDelayedRelay } from './delayed-relay'
import type { Endpoint } from './scene'

const ONE_WAY_MS = 10

async function start(engine: Engine, backend: string): Promise<Endpoint> {
  const { host, port, user, region, database, ca, env } = await startLocalRds({ engine, backend })
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
