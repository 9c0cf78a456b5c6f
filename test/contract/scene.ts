import type { Engine } from '@rds-iam/local'
import { install } from '@sinonjs/fake-timers'
import type { Adapter, Database, LoginOptions } from './adapter'
import type { EndpointRequest } from './endpoint-service'
import { rejection, type DriverError } from './outcome'
import { openEndpoint, type RemoteEndpoint } from './remote-endpoint'

/** The context of one contract case. */
export interface Scene {
  engine: Engine
  /** An endpoint that accepts tokens for localhost that its identity signed. */
  rds: RemoteEndpoint
  /** Starts another endpoint. */
  endpoint(request: Omit<EndpointRequest, 'engine'>): Promise<RemoteEndpoint>
  /** Opens a database at an endpoint. Default: `rds`. */
  database(options?: Partial<LoginOptions>, max?: number, at?: RemoteEndpoint): Database
  close(db: Database): Promise<void>
  /** Runs a query that must fail to log in, and returns the driver's error. */
  refusal(db: Database): Promise<DriverError>
  /** Moves the clocks of the client and the servers forward. */
  passTime(ms: number): Promise<void>
}

/** One case of the contract. */
export type ContractCase = (scene: Scene) => Promise<void>

/** Runs one case with an adapter and endpoints from the service at the URL `service`. Closes everything it opened. */
export async function play(run: ContractCase, adapter: Adapter, service: string): Promise<void> {
  const { engine, open, driverError = (error) => error } = adapter
  const opened: { close(): Promise<void> }[] = []
  const endpoints: RemoteEndpoint[] = []
  const clock = install({ toFake: ['Date'], now: Date.now(), shouldAdvanceTime: true })
  let passedMs = 0

  async function endpoint(request: Omit<EndpointRequest, 'engine'>): Promise<RemoteEndpoint> {
    const started = await openEndpoint(service, { engine, ...request })
    opened.push(started)
    endpoints.push(started)
    return started
  }
  try {
    const rds = await endpoint({})
    await run({
      engine,
      rds,
      endpoint,
      database(options = {}, max = 4, at = rds) {
        const db = open({ ...at.options, ...options }, max)
        opened.unshift(db)
        return db
      },
      async close(db) {
        opened.splice(opened.indexOf(db), 1)
        await db.close()
      },
      async refusal(db) {
        return driverError(await rejection(db.sql('select 1'))) as DriverError
      },
      async passTime(ms) {
        passedMs += ms
        clock.setSystemTime(Date.now() + ms)
        for (const one of endpoints) await one.setClockOffset(passedMs)
      },
    })
  } finally {
    clock.uninstall()
    for (const one of opened) await one.close()
  }
}
