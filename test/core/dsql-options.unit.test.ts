import { mariadbConfig } from '@rds-iam/core/mariadb'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { postgresConfig } from '@rds-iam/core/postgres'
import { Pool } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const HOST = 'abc0def1baz2quux3quuux4567.dsql.us-east-1.on.aws'
const good: Record<string, unknown> = { host: HOST, user: 'app' }

const kept = { ...process.env }
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('PG')) delete process.env[name]
})
afterEach(() => {
  process.env = { ...kept }
})

const pg = (options: object) => pgConfig({ ...good, ...options }) as Record<string, unknown>
const postgres = (options: object) => postgresConfig({ ...good, ...options }) as Record<string, unknown>

type Call = (options: Record<string, unknown>) => unknown

describe.each<[string, Call]>([
  ['mysql2Config', mysql2Config as Call],
  ['mariadbConfig', mariadbConfig as Call],
])('%s', (_, config) => {
  it.each([
    ['host', { host: HOST }],
    ['iam.endpoint', { host: 'localhost', iam: { endpoint: HOST } }],
    ['iam.endpoint', { iam: { endpoint: `${HOST}:5432` } }],
  ])('refuses an Aurora DSQL endpoint as %s', (option, options) => {
    expect(() => config({ user: 'app', ...options })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        option,
        advice: `${HOST} belongs to Aurora DSQL: use a driver for PostgreSQL`,
      }),
    )
  })
})

describe('pgConfig for Aurora DSQL', () => {
  it('sets the database postgres, direct TLS and a lifetime by default', () => {
    const { database, sslnegotiation, maxLifetimeSeconds } = pg({})
    expect({ database, sslnegotiation }).toEqual({ database: 'postgres', sslnegotiation: 'direct' })
    expect(maxLifetimeSeconds).toBeGreaterThanOrEqual(45 * 60)
    expect(maxLifetimeSeconds).toBeLessThanOrEqual(55 * 60)
    expect(new Set(Array.from({ length: 9 }, () => pg({})['maxLifetimeSeconds'])).size).toBeGreaterThan(1)
  })

  it("keeps the caller's values", () => {
    const own = { database: 'shop', sslnegotiation: 'postgres', maxLifetimeSeconds: 0 }
    expect(pg(own)).toMatchObject(own)
    expect(pg({ connectionString: `postgres://app@${HOST}/shop?maxLifetimeSeconds=60` })).toMatchObject({
      database: 'shop',
      maxLifetimeSeconds: '60',
    })
  })

  it('varies its own lifetime for each connection of a pool, but not one that is set later', () => {
    const lifetimes = (options: object) => {
      const pool = new Pool({ ...pgConfig({ host: HOST, user: 'app' }), ...options }) as unknown as {
        options: { maxLifetimeSeconds: number }
        log(message: string): void
      }
      return Array.from({ length: 9 }, () => {
        pool.log('a new connection')
        return pool.options.maxLifetimeSeconds
      })
    }
    expect(new Set(lifetimes({})).size).toBeGreaterThan(2)
    expect(new Set(lifetimes({ maxLifetimeSeconds: 60 }))).toEqual(new Set([60]))
  })

  it('keeps the values of the environment', () => {
    process.env['PGDATABASE'] = 'shop'
    process.env['PGSSLNEGOTIATION'] = 'postgres'
    expect(pg({})).toMatchObject({ database: 'shop', sslnegotiation: 'postgres' })
  })

  it('returns the endpoint as host when iam.endpoint is behind a tunnel', () => {
    const iam = { endpoint: `${HOST}:5432` }
    expect(pg({ host: 'localhost', port: 15_432, iam })).toMatchObject({ host: HOST, port: 15_432 })
    const stream = () => {}
    expect(pg({ host: 'localhost', iam, stream })).toMatchObject({ host: 'localhost', stream })
  })

  it('leaves other endpoints as they are', () => {
    const rds = pg({ host: 'db.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com' })
    for (const name of ['database', 'sslnegotiation', 'maxLifetimeSeconds'])
      expect(rds).not.toHaveProperty(name)
  })
})

describe('postgresConfig for Aurora DSQL', () => {
  it('sets the database postgres and a lifetime for each connection by default', () => {
    for (const options of [{}, { host: 'localhost', iam: { endpoint: HOST } }]) {
      const { database, max_lifetime: lifetime } = postgres(options)
      expect(database).toBe('postgres')
      const lifetimes = Array.from({ length: 9 }, lifetime as () => number)
      expect(Math.min(...lifetimes)).toBeGreaterThanOrEqual(45 * 60)
      expect(Math.max(...lifetimes)).toBeLessThanOrEqual(55 * 60)
      expect(new Set(lifetimes).size).toBeGreaterThan(1)
    }
  })

  it("keeps the caller's values and those of the environment", () => {
    expect(postgres({ db: 'shop', max_lifetime: null })).toMatchObject({
      database: 'shop',
      max_lifetime: null,
    })
    process.env['PGDATABASE'] = 'shop'
    process.env['PGMAX_LIFETIME'] = '60'
    expect(postgres({}).database).toBe('shop')
    expect(postgres({})).not.toHaveProperty('max_lifetime')
  })

  it('leaves other endpoints as they are', () => {
    const rds = postgres({ host: 'db.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com' })
    expect(rds).not.toHaveProperty('database')
    expect(rds).not.toHaveProperty('max_lifetime')
  })
})

describe('a host of another AWS service', () => {
  it.each([pg, postgres])('is refused with an error that names the service', (config) => {
    expect(() => config({ host: 'shop.abc.us-east-1.redshift.amazonaws.com' })).toThrow(
      expect.objectContaining({
        code: 'ENDPOINT_UNKNOWN',
        message: expect.stringContaining('belongs to Amazon Redshift, not to RDS') as string,
      }),
    )
  })
})
