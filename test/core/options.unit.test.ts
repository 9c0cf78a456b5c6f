import { createTokenProvider, RdsIamError } from '@rds-iam/core'
import { mariadbConfig } from '@rds-iam/core/mariadb'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { postgresConfig } from '@rds-iam/core/postgres'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const ENDPOINT = 'db.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com'
const good = { host: ENDPOINT, user: 'app' }

const kept = { ...process.env }
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('PG')) delete process.env[name]
})
afterEach(() => {
  process.env = { ...kept }
})

function refusal(call: () => unknown): RdsIamError {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(RdsIamError)
    return error as RdsIamError
  }
  throw new Error('it was not refused')
}

type Call = (options: Record<string, unknown>) => unknown
const configs: [string, Call][] = [
  ['pgConfig', pgConfig as Call],
  ['mysql2Config', mysql2Config as Call],
  ['mariadbConfig', mariadbConfig as Call],
  ['postgresConfig', postgresConfig as Call],
]

describe.each(configs)('%s', (name, config) => {
  it.each([
    ['host', { host: '' }],
    ['host', { host: 'https://db.example' }],
    ['host', { host: 'a b' }],
    ['host', { host: 'a\nb' }],
    ['host', { host: 5 }],
    ['host', { host: '/var/run' }],
    ['host', { host: 'cafe:bad:5432' }],
    ['host', { host: ':::::' }],
    ['host', { host: '1:2:3' }],
    ['host', { host: undefined }],
    ['port', { port: 0 }],
    ['port', { port: 65_536 }],
    ['port', { port: 1.5 }],
    ['port', { port: 'x' }],
    ['user', { user: '' }],
    ['user', { user: 'a\u0000b' }],
    ['user', { user: '\ud800' }],
    ['user', { user: undefined }],
    ['password', { password: 'hunter2' }],
    ['iam', { iam: true }],
    ['iam.regoin', { iam: { regoin: 'us-east-1' } }],
    ['iam.region', { iam: { region: 'Frankfurt' } }],
    ['iam.region', { iam: { region: '' } }],
    ['iam.profile', { iam: { profile: '' } }],
    ['iam.profile', { iam: { profile: 'x', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } } }],
    ['iam.credentials', { iam: { credentials: { accessKeyId: 'a' } } }],
    ['iam.credentials', { iam: { credentials: null } }],
    ['iam.endpoint', { iam: { endpoint: `https://${ENDPOINT}` } }],
    ['iam.endpoint', { iam: { endpoint: `${ENDPOINT}:99999` } }],
    ['iam.endpoint', { iam: { endpoint: '' } }],
    ['iam.endpoint', { iam: { endpoint: 'cafe:bad:5432' } }],
    ['iam.endpoint', { iam: { endpoint: ':::::' } }],
    ['iam.endpoint', { iam: { endpoint: '1:2:3' } }],
    ['iam.endpoint', { iam: { endpoint: '[1:2:3]:5432' } }],
    ['iam.followCname', { iam: { followCname: 'yes' } }],
    ['iam.followCname', { iam: { followCname: true, endpoint: ENDPOINT } }],
    ['iam.followCname', { iam: { followCname: true }, stream: () => {}, socket: () => {} }],
    ['iam.target', { iam: { target: 'primary' } }],
    ['iam.target', { iam: { target: 'any' }, stream: () => {}, socket: () => {} }],
    ['iam.timeoutMs', { iam: { timeoutMs: 0 } }],
    ['iam.timeoutMs', { iam: { timeoutMs: Infinity } }],
    ['iam.timeoutMs', { iam: { timeoutMs: '5000' } }],
    ['ssl', { ssl: 7 }],
    ['ssl.ca', { ssl: { ca: '/etc/ssl/rds.pem' } }],
    ['ssl.ca', { ssl: { ca: Buffer.from('no certificate') } }],
    ['ssl.ca', { ssl: { ca: [] } }],
    ['ssl.ca', { ssl: { ca: ['-----BEGIN CERTIFICATE-----', 'no certificate'] } }],
    ['ssl.ca', { ssl: { ca: 5 } }],
  ])('names the option %s when it is invalid', (option, wrong) => {
    const error = refusal(() => config({ ...good, ...wrong }))
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toMatch(new RegExp(`^${option}: `))
    expect(error.message).not.toContain('hunter2')
  })

  it.each([
    false,
    null,
    '',
    0,
    'disable',
    'prefer',
    'no-verify',
    { rejectUnauthorized: false },
    { verifyIdentity: false },
    { rejectUnauthorized: 0 },
    { pskCallback: () => null },
    { session: Buffer.from('one of before') },
  ])('rejects ssl: %j', (ssl) => {
    expect(refusal(() => config({ ...good, ssl })).code).toBe('TLS_REQUIRED')
  })

  it.each([
    undefined,
    true,
    'require',
    'verify-ca',
    'verify-full',
    'Amazon RDS',
    {},
    { rejectUnauthorized: true },
  ])('treats ssl: %j as the default', (ssl) => {
    expect(config({ ...good, ssl })).toMatchObject(
      // postgres.js gets sockets that are already inside TLS.
      name === 'postgresConfig' ? { ssl: false } : { ssl: { rejectUnauthorized: true } },
    )
  })

  it.each([
    'db.internal.example.com',
    '10.0.3.7',
    '127.999.1.1',
    'mydb.us-east-1.rds.amazonaws.com.evil.example',
  ])('rejects with ENDPOINT_UNKNOWN when the host is %s', (host) => {
    const error = refusal(() => config({ ...good, host }))
    expect(error.code).toBe('ENDPOINT_UNKNOWN')
    expect(error.message).toContain('iam.endpoint')
  })

  it.each(['10.0.3.7', '127.999.1.1'])(
    'does not suggest iam.followCname when the host is the IP address or invalid name %s',
    (host) => {
      const { message } = refusal(() => config({ ...good, host }))
      expect(message.includes('iam.followCname')).toBe(host !== '10.0.3.7')
    },
  )

  it('accepts loopback by any of its names', () => {
    const names = ['localhost', 'LOCALHOST.', '127.0.0.1', '127.8.9.10']
    // postgres.js splits the host at colons.
    const ipv6 = name === 'postgresConfig' ? [] : ['::1', '[::1]']
    const taken = [...names, ...ipv6].map((host) => config({ ...good, host }))
    const hosts = taken.map((made) => (made as { host: string }).host)
    expect(hosts).toEqual(['localhost', 'localhost', '127.0.0.1', '127.8.9.10', ...ipv6.map(() => '::1')])
  })

  it('accepts any user that is text, and any TCP port', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'grapheme' }),
        fc.integer({ min: 1, max: 65_535 }),
        (user, port) => {
          fc.pre(!/[\u0000-\u001f\u007f]/.test(user) && user.isWellFormed())
          expect(config({ ...good, user, port })).toMatchObject({ user, port })
        },
      ),
    )
  })

  it("does not change the caller's object, and passes other options through", () => {
    const iam = Object.freeze({ region: 'eu-west-1' })
    const ssl = Object.freeze({ minVersion: 'TLSv1.3' })
    const options = Object.freeze({ ...good, database: undefined, applicationName: 'x', ssl, iam })
    const made = config(options) as Record<string, unknown>
    expect(made).toMatchObject({ ...good, applicationName: 'x' })
    if (name === 'pgConfig' || name === 'mysql2Config') {
      expect(made).toMatchObject({ ssl: { minVersion: 'TLSv1.3' } })
    }
    expect(made).not.toHaveProperty('iam')
    expect(made).not.toHaveProperty('database')
  })
})

describe('pgConfig', () => {
  it('reads a connection string, which overrides the options', () => {
    const url = `postgres://jane%40x@${ENDPOINT}:6543/shop?application_name=web&sslmode=require`
    const made = pgConfig({ connectionString: url, user: 'other' })
    expect(made).toMatchObject({
      host: ENDPOINT,
      port: 6543,
      user: 'jane@x',
      database: 'shop',
      application_name: 'web',
    })
    expect(made).not.toHaveProperty('connectionString')
    expect(made).not.toHaveProperty('sslmode')
  })

  it('ignores an empty connection string, as pg does', () => {
    expect(pgConfig({ connectionString: '', host: ENDPOINT, user: 'app' })).toMatchObject({ host: ENDPOINT })
  })

  it.each(['sslmode=disable', 'sslmode=no-verify', 'sslmode=prefer', 'ssl=false', 'ssl=0'])(
    'rejects %s',
    (words) => {
      const connectionString = `postgres://app@${ENDPOINT}/shop?${words}`
      expect(refusal(() => pgConfig({ connectionString })).code).toBe('TLS_REQUIRED')
    },
  )

  it('rejects a password in the URL without quoting it', () => {
    const connectionString = `postgres://app:hunter2@${ENDPOINT}/shop`
    const error = refusal(() => pgConfig({ connectionString }))
    expect(error).toMatchObject({ code: 'INVALID_OPTION' })
    expect(error.message).not.toContain('hunter2')
  })

  it('uses PGHOST, PGPORT and PGUSER when the options are missing', () => {
    Object.assign(process.env, {
      PGHOST: ENDPOINT,
      PGPORT: '6543',
      PGUSER: 'env',
      PGPASSWORD: 'x',
      PGSSLMODE: 'disable',
    })
    expect(pgConfig({})).toMatchObject({
      host: ENDPOINT,
      port: 6543,
      user: 'env',
      ssl: { rejectUnauthorized: true },
    })
  })

  it('throws when pg-native converts the password function to a string', () => {
    expect(() => `${pgConfig(good).password}`).toThrow(/pg-native/)
  })
})

describe('mysql2Config', () => {
  it('reads a URI, which the options override', () => {
    const uri = `mysql://jane@${ENDPOINT}:3307/shop?timezone=Z&connectionLimit=7`
    const made = mysql2Config({ uri, user: 'other' })
    expect(made).toMatchObject({
      host: ENDPOINT,
      port: 3307,
      user: 'other',
      database: 'shop',
      timezone: 'Z',
      connectionLimit: 7,
    })
    expect(made).not.toHaveProperty('uri')
  })

  it('ignores an empty uri, as mysql2 does', () => {
    expect(mysql2Config({ uri: '', host: ENDPOINT, user: 'app' })).toMatchObject({ host: ENDPOINT })
  })

  it.each([
    'ssl={"rejectUnauthorized":false}',
    'ssl=false',
    'sslmode=disable',
    'ssl-mode=DISABLED',
    'ssl-mode=PREFERRED',
  ])('rejects %s', (words) => {
    const uri = `mysql://app@${ENDPOINT}/shop?${words}`
    expect(refusal(() => mysql2Config({ uri })).code).toBe('TLS_REQUIRED')
  })

  it.each(['sslmode=require', 'ssl-mode=REQUIRED', 'ssl-mode=VERIFY_CA', 'ssl-mode=VERIFY_IDENTITY'])(
    'treats %s as the default',
    (words) => {
      const { ssl } = mysql2Config({ uri: `mysql://app@${ENDPOINT}/shop?${words}` })
      expect(ssl).toMatchObject({ rejectUnauthorized: true, verifyIdentity: true })
    },
  )

  it.each(['debug', 'socketPath', 'authSwitchHandler', 'passwordSha1', 'password1'])(
    'rejects %s',
    (option) => {
      const error = refusal(() => mysql2Config({ ...good, [option]: 'x' }))
      expect(error.message).toMatch(new RegExp(`^${option}: `))
    },
  )

  it('keeps other authentication plugins', () => {
    const other = () => () => Buffer.from('')
    const { authPlugins } = mysql2Config({ ...good, authPlugins: { other } })
    expect(authPlugins).toEqual({ other, mysql_clear_password: expect.any(Function) })
  })
})

describe.each(configs.filter(([name]) => name !== 'postgresConfig'))('%s', (_, config) => {
  it('rejects a port inside the host', () => {
    const error = refusal(() => config({ ...good, host: `${ENDPOINT}:5432` }))
    expect(error.message).toMatch(/^host: give the port as `port`/)
  })

  it('rejects with ENDPOINT_UNKNOWN when the host is an IPv6 address', () => {
    expect(refusal(() => config({ ...good, host: '::2' })).code).toBe('ENDPOINT_UNKNOWN')
  })
})

describe('mariadbConfig', () => {
  it.each([
    ['debug', true],
    ['debugCompress', true],
    ['logger', () => {}],
    ['logger', { network() {} }],
    ['socketPath', '/run/mysqld.sock'],
    ['stream', 'x'],
  ])('rejects %s', (option, value) => {
    const error = refusal(() => mariadbConfig({ ...good, [option]: value }))
    expect(error).toMatchObject({ code: 'INVALID_OPTION' })
    expect(error.message).toMatch(new RegExp(`^${option}: `))
  })

  it('sets connectTimeout to 10 seconds unless the caller sets it', () => {
    expect(mariadbConfig(good).connectTimeout).toBe(10_000)
    expect(mariadbConfig({ ...good, connectTimeout: 200 }).connectTimeout).toBe(200)
  })

  it('rejects a URL', () => {
    expect(refusal(() => mariadbConfig('mariadb://app@host/x' as never)).code).toBe('INVALID_OPTION')
  })
})

describe('postgresConfig', () => {
  it('reads a URL, which the options override', () => {
    const url = `postgres://jane%40x@${ENDPOINT}:6543/shop?sslmode=require&max=7&prepare=false&search_path=a`
    const made = postgresConfig(url, { user: 'other', iam: { region: 'eu-west-1' } })
    expect(made).toMatchObject({
      host: ENDPOINT,
      port: 6543,
      user: 'other',
      database: 'shop',
      max: '7',
      prepare: false,
      connection: { search_path: 'a' },
    })
    expect(postgresConfig(url).user).toBe('jane@x')
  })

  it.each([
    ['in the options', () => postgresConfig({ ...good, host: `${ENDPOINT}:6543,reader.${ENDPOINT}` })],
    ['in a URL', () => postgresConfig(`postgres://app@${ENDPOINT}:6543,reader.${ENDPOINT}/shop`)],
  ])('accepts several hosts %s', (_, call) => {
    expect(call()).toMatchObject({ host: `${ENDPOINT}:6543,reader.${ENDPOINT}:5432`, port: 6543 })
  })

  it('rejects with ENDPOINT_UNKNOWN when any of several hosts is not an RDS endpoint', () => {
    const host = `${ENDPOINT},db.internal.example.com`
    expect(refusal(() => postgresConfig({ ...good, host })).code).toBe('ENDPOINT_UNKNOWN')
  })

  it.each(['sslmode=disable', 'sslmode=prefer', 'sslmode=no-verify', 'ssl=false', 'ssl=allow'])(
    'rejects %s',
    (words) => {
      const url = `postgres://app@${ENDPOINT}/shop?${words}`
      expect(refusal(() => postgresConfig(url)).code).toBe('TLS_REQUIRED')
    },
  )

  it.each([
    ['password', `postgres://app:hunter2@${ENDPOINT}/shop`],
    ['password', `postgres://app@${ENDPOINT}/shop?password=hunter2`],
    ['pass', `postgres://app@${ENDPOINT}/shop?pass=hunter2`],
    ['url', 'postgres://app:hunter2@'],
    ['url', 'hunter2'],
    ['url', `postgres://app%:hunter2@${ENDPOINT}/shop`],
  ])('names the option %s of a URL without quoting its password', (option, url) => {
    const error = refusal(() => postgresConfig(url))
    expect(error).toMatchObject({ code: 'INVALID_OPTION' })
    expect(error.message).toMatch(new RegExp(`^${option}: `))
    expect(error.message).not.toContain('hunter2')
  })

  it.each([
    ['pass', 'hunter2'],
    ['path', '/tmp'],
    ['hostname', 'a b'],
    ['host', '::1'],
  ])('rejects %s', (option, value) => {
    const error = refusal(() => postgresConfig({ ...good, [option]: value }))
    expect(error).toMatchObject({ code: 'INVALID_OPTION' })
    expect(error.message).toMatch(new RegExp(`^${option.replace('name', '')}: `))
  })

  it('uses PGHOST, PGPORT and PGUSERNAME when the options are missing', () => {
    Object.assign(process.env, { PGHOST: ENDPOINT, PGPORT: '6543', PGUSERNAME: 'env', PGUSER: 'other' })
    Object.assign(process.env, { PGPASSWORD: 'x', PGSSL: 'prefer' })
    expect(postgresConfig({})).toMatchObject({ host: ENDPOINT, port: 6543, user: 'env', ssl: false })
  })
})

describe('createTokenProvider', () => {
  it.each([
    ['host', { host: 'https://x' }],
    ['port', { port: '5432x' }],
    ['user', { user: '' }],
    ['createTokenProvider.endpoint', { endpoint: ENDPOINT }],
    ['region', { region: 'x' }],
    ['timeoutMs', { timeoutMs: -1 }],
    ['credentials', { credentials: { accessKeyId: 'AKID', secretAccessKey: '' } }],
  ])('names the option %s when it is invalid', (option, wrong) => {
    const error = refusal(() => createTokenProvider({ ...good, port: 5432, ...wrong } as never))
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.message).toMatch(new RegExp(`^${option}: `))
  })

  it('throws nothing but INVALID_OPTION for any input', () => {
    fc.assert(
      fc.property(fc.record({ host: fc.anything(), port: fc.anything(), user: fc.anything() }), (options) => {
        try {
          createTokenProvider(options as never)
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_OPTION' })
        }
      }),
    )
  })
})
