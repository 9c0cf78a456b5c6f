import { isRdsIamError } from '@rds-iam/core'
import { mysql2Config } from '@rds-iam/core/mysql2'
import newest, { type ConnectionOptions } from 'mysql2'
import oldest from 'mysql2-3.15'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'
import { startRelay, type Relay } from './mysql2-relay'

const NOTHING = Buffer.alloc(0)

/** Starts a relay to an endpoint, which calls `fail` at one moment of the login. */
const moments: Record<string, (port: number, fail: () => void) => Promise<Relay>> = {
  'the server is silent': (port, fail) =>
    startRelay(port, (chunk, from) => {
      if (from === 'client') return chunk
      fail()
      return NOTHING
    }),
  'the client starts TLS': (port, fail) =>
    startRelay(port, (chunk, from) => {
      if (from === 'server') return chunk
      fail()
      return NOTHING
    }),
  'the server requests the token': (port) => startRelay(port),
}

describe.each([
  ['newest', newest],
  ['oldest', oldest as unknown as typeof newest],
])('mysql2, %s', (_, mysql) => {
  let rds: TestEndpoint
  beforeAll(async () => {
    rds = await startEndpoint({ engine: 'mysql' })
  })
  afterAll(async () => {
    await rds.allClosed()
    await rds.close()
  })

  function failure(config: object): Promise<Error> {
    return new Promise((resolve, reject) => {
      mysql
        .createConnection(config as ConnectionOptions)
        .connect((error) => (error ? resolve(error) : reject(new Error('it logged in'))))
    })
  }

  it.each(Object.entries(moments))(
    'does not change our error when the credentials fail while %s',
    async (_moment, start) => {
      let fail = () => {}
      const failed = new Promise<never>((_resolve, reject) => {
        fail = () => reject(new Error('no credentials today'))
      })
      const relay = await start(rds.port, () => fail())
      const iam = { ...rds.options.iam, endpoint: `localhost:${rds.port}`, credentials: () => failed }
      const config = mysql2Config({ ...rds.options, port: relay.port, iam })
      const { mysql_clear_password: plugin } = config.authPlugins
      config.authPlugins = {
        mysql_clear_password: (login) => {
          fail()
          return plugin(login)
        },
      }
      const error = await failure(config)
      relay.close()
      expect(error.message).toContain('no AWS credentials')
      expect(isRdsIamError(error.cause)).toBe(true)
      expect(error.cause).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE' })
      expect(error.cause).not.toHaveProperty('fatal')
    },
  )

  it('does not change our error when the endpoint is not known', async () => {
    const { cause } = await failure({ ...mysql2Config(rds.options), host: 'db.example' })
    expect(cause).toMatchObject({ code: 'ENDPOINT_UNKNOWN' })
    expect(cause).not.toHaveProperty('fatal')
  })
})
