import { createTokenProvider } from '@rds-iam/core'
import { pgConfig } from '@rds-iam/core/pg'
import { describe, expect, it } from 'vitest'
import { hideSecrets, readSslOption, secretsOf } from '../../packages/core/src/tls/ssl-option'

const good = { host: 'db.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com', user: 'app' }
const configure = (options: object) => pgConfig({ ...good, ...options })
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }

/** The first line of an error's message. A second line links to the documentation. */
function messageOf(call: () => unknown): string | undefined {
  try {
    call()
  } catch (error) {
    return (error as Error).message.split('\n')[0]
  }
  return undefined
}

describe('the option iam', () => {
  it.each([
    [{}],
    [{ region: 'eu-west-1' }],
    [{ region: 'us-gov-west-1', profile: 'app' }],
    [{ region: undefined, credentials: undefined, timeoutMs: undefined, followCname: undefined }],
    [{ credentials: keys }],
    [{ credentials: { ...keys, sessionToken: 'token' } }],
    [{ credentials: { ...keys, sessionToken: '' } }],
    [{ credentials: () => Promise.resolve(keys) }],
    [{ timeoutMs: 1 }],
    [{ timeoutMs: 2 ** 31 - 1 }],
    [{ endpoint: good.host, followCname: false }],
    [{ followCname: true }],
    [{ target: 'reader' }],
  ])('may be %j', (iam) => {
    expect(() => configure({ iam })).not.toThrow()
  })

  const noOption =
    'no such option: the options are region, credentials, profile, timeoutMs, endpoint, followCname, target'
  const region = "iam.region: give an AWS region's name, such as us-east-1"
  const credentials = 'give a provider function, or an object with accessKeyId and secretAccessKey'
  const timeout = 'iam.timeoutMs: give a whole number of milliseconds from 1 to 2147483647'
  it.each([
    [true, 'iam: give an object'],
    [null, 'iam: give an object'],
    [[], 'iam: give an object'],
    [{ regoin: 'us-east-1' }, `iam.regoin: ${noOption}`],
    [{ ['the-64_characters'.padEnd(64, 'x')]: 1 }, `iam.${'the-64_characters'.padEnd(64, 'x')}: ${noOption}`],
    [{ ['x'.repeat(65)]: 1 }, `iam.(unprintable): ${noOption}`],
    [{ '': 1 }, `iam.(unprintable): ${noOption}`],
    [{ 'a b': 1 }, `iam.(unprintable): ${noOption}`],
    [{ 'a\n': 1 }, `iam.(unprintable): ${noOption}`],
    [{ region: 'Frankfurt' }, region],
    [{ region: '' }, region],
    [{ region: 5 }, region],
    [{ region: 'frankfurt' }, region],
    [{ region: ' us-east-1' }, region],
    [{ region: 'us-east-1 ' }, region],
    [{ region: 'us-east-' }, region],
    [{ region: 'us--east' }, region],
    [{ profile: '' }, "iam.profile: give a profile's name"],
    [{ profile: 'a\nb' }, "iam.profile: give a profile's name"],
    [{ profile: 'x', credentials: keys }, 'iam.profile: not together with credentials'],
    [
      { profile: 'x', credentials: () => Promise.resolve(keys) },
      'iam.profile: not together with credentials',
    ],
    [{ credentials: null }, `iam.credentials: there is no accessKeyId: ${credentials}`],
    [{ credentials: { accessKeyId: '' } }, `iam.credentials: there is no accessKeyId: ${credentials}`],
    [{ credentials: { accessKeyId: 5 } }, `iam.credentials: there is no accessKeyId: ${credentials}`],
    [
      { credentials: { accessKeyId: 'AKID' } },
      `iam.credentials: there is no secretAccessKey: ${credentials}`,
    ],
    [
      { credentials: { ...keys, accessKeyId: 'AKID\n' } },
      `iam.credentials: the accessKeyId ends with a newline: ${credentials}`,
    ],
    [
      { credentials: { ...keys, secretAccessKey: 'a\tb' } },
      `iam.credentials: the secretAccessKey contains invalid characters: ${credentials}`,
    ],
    [
      { credentials: { ...keys, sessionToken: 'a\n' } },
      `iam.credentials: the sessionToken ends with a newline: ${credentials}`,
    ],
    [
      { credentials: { ...keys, sessionToken: 5 } },
      `iam.credentials: there is no sessionToken: ${credentials}`,
    ],
    [{ target: 'primary' }, 'iam.target: give writer, reader, any'],
    [{ timeoutMs: 0 }, timeout],
    [{ timeoutMs: 1.5 }, timeout],
    [{ timeoutMs: 2 ** 31 }, timeout],
    [{ timeoutMs: '5000' }, timeout],
    [{ endpoint: 5 }, 'iam.endpoint: give host or host:port'],
    [{ followCname: 'yes' }, 'iam.followCname: give true or false'],
    [
      { followCname: true, endpoint: good.host },
      'iam.followCname: not together with iam.endpoint, which already names the RDS endpoint',
    ],
  ])('is rejected when it is %j: %s', (iam, message) => {
    expect(messageOf(() => configure({ iam }))).toBe(message)
  })

  it('followCname is rejected together with stream', () => {
    expect(messageOf(() => configure({ iam: { followCname: true }, stream: () => {} }))).toBe(
      'iam.followCname: not together with stream, which chooses the address itself',
    )
    expect(() => configure({ iam: { followCname: true }, stream: undefined })).not.toThrow()
  })
})

describe('the options of createTokenProvider', () => {
  it('are named without a prefix', () => {
    const create = (options: object) => () => createTokenProvider({ ...good, port: 5432, ...options })
    expect(messageOf(create({ region: 'x' }))).toBe("region: give an AWS region's name, such as us-east-1")
    expect(messageOf(create({ endpoint: 'x' }))).toBe(
      'createTokenProvider.endpoint: no such option: the options are host, port, user, region, credentials, profile, timeoutMs',
    )
  })
})

describe('the user', () => {
  it.each(['app', ' ', 'ünï', '\u00a0', '~'])('may be %j', (user) => {
    expect(configure({ user }).user).toBe(user)
  })

  it.each(['', 'a\u0000', 'a\u001fb', '\u007f', '\ud800', 5])('is rejected when it is %j', (user) => {
    expect(messageOf(() => configure({ user }))).toBe(
      'user: give the database user to log in as, without control characters',
    )
  })
})

describe('other login options', () => {
  it('are rejected when they are a password', () => {
    expect(messageOf(() => configure({ password: 'hunter2' }))).toBe(
      'password: an IAM login has no password: leave it out',
    )
    expect(() => configure({ password: '' })).not.toThrow()
  })

  it('are rejected when they are not an object', () => {
    for (const options of [null, 'postgres://db.example']) {
      expect(messageOf(() => pgConfig(options as never))).toBe('pgConfig: give an object')
    }
  })
})

describe('the option ssl', () => {
  it.each([
    true,
    1,
    'true',
    '1',
    'require',
    'verify-ca',
    'verify-full',
    'required',
    'verify-identity',
    'Amazon RDS',
    { rejectUnauthorized: undefined, verifyIdentity: undefined, pskCallback: undefined, session: undefined },
    { verifyIdentity: true, checkServerIdentity: () => undefined },
    { ca: '-----BEGIN CERTIFICATE-----' },
    { ca: Buffer.from('-----BEGIN CERTIFICATE-----') },
    { ca: ['-----BEGIN CERTIFICATE-----', new Uint8Array(Buffer.from('-----BEGIN CERTIFICATE-----'))] },
    { ca: '' },
  ])('may be %j', (ssl) => {
    expect(() => configure({ ssl })).not.toThrow()
  })

  const weak = (option: string) =>
    `${option}: a token is only sent inside TLS with a verified certificate and host name: leave ${option} out, ` +
    'and give ssl.ca if your own CA signed the server certificate'
  const noCertificate = 'ssl.ca: contains no certificate: give PEM text, not a file name'
  const rejected: [ssl: unknown, message: string][] = [
    ...['', 'false', '0', 'disable', 'allow', 'prefer', 'no-verify', 'disabled', 'preferred'].map(
      (word): [string, string] => [word, weak('ssl')],
    ),
    [false, weak('ssl')],
    [null, weak('ssl')],
    [{ rejectUnauthorized: false }, weak('ssl.rejectUnauthorized')],
    [{ rejectUnauthorized: 0 }, weak('ssl.rejectUnauthorized')],
    [{ verifyIdentity: false }, weak('ssl.verifyIdentity')],
    [{ pskCallback: () => null }, weak('ssl.pskCallback')],
    [{ session: Buffer.from('x') }, weak('ssl.session')],
    [7, 'ssl: give true, or an object such as { ca }'],
    ['other', 'ssl: give true, or an object such as { ca }'],
    [{ checkServerIdentity: true }, 'ssl.checkServerIdentity: give a function'],
    [{ ca: 'rds.pem' }, noCertificate],
    [{ ca: [] }, noCertificate],
    [{ ca: Buffer.from('rds.pem') }, noCertificate],
    [{ ca: ['-----BEGIN CERTIFICATE-----', 'rds.pem'] }, noCertificate],
    [{ ca: 5 }, noCertificate],
  ]
  it.each(rejected)('is rejected when it is %j: %s', (ssl, message) => {
    expect(messageOf(() => configure({ ssl }))).toBe(message)
  })

  it('has its secrets in properties that are not enumerable', () => {
    const ssl = readSslOption({ cert: 'c', key: 'k', passphrase: 'p', servername: undefined })
    expect(Object.keys(ssl)).toEqual(['cert'])
    expect(secretsOf(ssl)).toEqual({ key: 'k', passphrase: 'p' })
    expect(Object.getOwnPropertyDescriptor(hideSecrets({}, ssl), 'key')).toEqual({
      value: 'k',
      enumerable: false,
      writable: true,
      configurable: true,
    })
  })
})
