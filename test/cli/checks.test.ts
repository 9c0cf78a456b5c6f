// The pure parts of the doctor, by tables of what may be observed.
import { rankCauses } from 'rds-iam/dist/doctor/causes.js'
import type { CertificateObservation } from 'rds-iam/dist/doctor/checks/certificate.js'
import { checkClock } from 'rds-iam/dist/doctor/checks/clock.js'
import { checkCredentials } from 'rds-iam/dist/doctor/checks/credentials.js'
import { checkDns } from 'rds-iam/dist/doctor/checks/dns.js'
import { checkEndpoint } from 'rds-iam/dist/doctor/checks/endpoint.js'
import { checkIdentity } from 'rds-iam/dist/doctor/checks/identity.js'
import { checkLogin, type Trial } from 'rds-iam/dist/doctor/checks/login.js'
import { checkRegion } from 'rds-iam/dist/doctor/checks/region.js'
import { checkTcp } from 'rds-iam/dist/doctor/checks/tcp.js'
import { checkTls, checkUnknownTls } from 'rds-iam/dist/doctor/checks/tls.js'
import { alternatives } from 'rds-iam/dist/doctor/alternatives.js'
import type { Certainty, Finding } from 'rds-iam/dist/doctor/finding.js'
import { grantSql, policyStatement } from 'rds-iam/dist/doctor/fixes.js'
import type { Subject } from 'rds-iam/dist/doctor/subject.js'
import { createRedactor } from 'rds-iam/dist/doctor/redact.js'
import { describe, expect, test } from 'vitest'

const NAME = 'shop.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com'
const endpoint = { host: NAME, port: 5432 }
const subject: Subject = {
  engine: 'postgres',
  dial: endpoint,
  endpoint,
  endpointGiven: false,
  user: 'jane_doe',
  signedRegion: 'eu-west-1',
  account: '123456789012',
}
const tunnel: Subject = { ...subject, dial: { host: 'localhost', port: 6543 }, endpointGiven: true }

/** A finding in short: its status, and the causes that it points at. */
const short = ({ status, suspicions = [] }: Finding) =>
  [
    status,
    ...suspicions.map(({ code, certainty }) =>
      certainty === 'certain' || certainty === 'proven' ? code : `${code}?`,
    ),
  ].join(' ')

describe('dns', () => {
  const alias: Subject = { ...subject, dial: { host: 'db.shop.example', port: 5432 } }
  const { endpoint: _, ...unknown } = alias
  const found = { addresses: ['10.0.0.1'], aliasOf: [] as string[] }
  test.each([
    [subject, found, 'ok'],
    [subject, { ...found, error: 'ENOTFOUND' }, 'failed NAME_UNKNOWN'],
    [subject, { ...found, error: 'timeout' }, 'failed NAME_UNKNOWN'],
    [unknown, found, 'failed ALIAS'],
    [unknown, { ...found, aliasOf: ['x.example', NAME] }, 'failed ALIAS'],
    [{ ...alias, endpointGiven: true }, { ...found, aliasOf: [NAME] }, 'ok'],
    // Aurora's names lead to the instance that is the writer now.
    [subject, { ...found, aliasOf: [`writer.abcdefghijkl.eu-west-1.rds.amazonaws.com`] }, 'ok'],
    [{ ...alias, endpointGiven: true }, { ...found, aliasOf: [`writer-${NAME}`, NAME] }, 'ok'],
    [
      { ...alias, endpointGiven: true },
      { ...found, aliasOf: [`other-${NAME}`] },
      'warning ENDPOINT_MISMATCH?',
    ],
  ])('%#', (about, observation, expected) => {
    expect(short(checkDns(about, observation))).toBe(expected)
  })
})

describe('credentials', () => {
  const key = { found: true, accessKeyId: 'ASIA', source: 'the environment', temporary: true } as const
  const now = new Date('2026-01-01T00:00:00Z')
  const none = { found: false, message: 'm', reasons: [] } as const
  const because = (code: string, message = 'm') =>
    ({ ...none, code: 'CREDENTIALS_UNAVAILABLE', reasons: [{ code, message }] }) as const
  test.each([
    [key, 'ok'],
    [{ ...key, until: new Date('2026-01-01T01:00:00Z') }, 'ok'],
    [{ ...key, until: now }, 'failed SESSION_EXPIRED'],
    [{ ...none, code: 'CREDENTIALS_EXPIRED' }, 'failed SESSION_EXPIRED'],
    [{ ...none, code: 'TOKEN_TIMEOUT' }, 'failed CREDENTIALS_TIMEOUT'],
    [{ ...none, code: 'CREDENTIALS_UNAVAILABLE' }, 'failed NO_CREDENTIALS'],
    [because('ExpiredTokenException'), 'failed SESSION_EXPIRED'],
    [
      because('CredentialsProviderError', 'The SSO session associated with this profile has expired.'),
      'failed SESSION_EXPIRED',
    ],
    [because('InvalidClientTokenId'), 'failed KEY_UNKNOWN'],
    [because('AccessDenied'), 'failed NO_CREDENTIALS'],
  ])('%#', (observation, expected) => {
    expect(short(checkCredentials(observation, now))).toBe(expected)
  })
})

describe('identity', () => {
  const refused = (code: string, message = '') => ({ kind: 'refusal', code, message }) as const
  test.each([
    [{ kind: 'identity', account: '1', arn: 'arn' } as const, {}, 'ok'],
    [refused('InvalidClientTokenId'), {}, 'failed KEY_UNKNOWN'],
    [refused('SignatureDoesNotMatch'), {}, 'failed KEY_UNKNOWN'],
    [refused('SignatureDoesNotMatch', 'Signature not yet current: …'), {}, 'failed CLOCK_SKEW'],
    [refused('RequestExpired'), {}, 'failed CLOCK_SKEW'],
    [refused('SignatureDoesNotMatch', 'Credential should be scoped to a valid region.'), {}, 'warning'],
    [refused('ExpiredTokenException'), {}, 'failed SESSION_EXPIRED'],
    [refused('Throttling'), {}, 'warning'],
    [{ kind: 'unreachable', reason: 'r' } as const, {}, 'skipped KEY_UNKNOWN?'],
    [{ kind: 'unreachable', reason: 'r' } as const, { temporary: true }, 'skipped SESSION_EXPIRED?'],
    [
      { kind: 'unreachable', reason: 'r' } as const,
      { temporary: true, until: new Date() },
      'skipped KEY_UNKNOWN?',
    ],
  ])('%#', (observation, credentials, expected) => {
    expect(short(checkIdentity(observation, { temporary: false, ...credentials }))).toBe(expected)
  })
})

describe('region', () => {
  const others = ['a-c-1']
  test.each([
    [subject, { region: 'eu-west-1', others }, 'ok'],
    [subject, { region: 'us-east-1', others }, 'failed REGION_MISMATCH'],
    [subject, { region: 'eu-west-1', others, arn: 'arn:aws-cn:iam::1:user/x' }, 'failed REGION_MISMATCH'],
    [
      { ...subject, endpoint: { host: 'localhost', port: 1 } },
      { region: 'a-b-1', others },
      'warning REGION_MISMATCH?',
    ],
    [{ ...subject, endpoint: { host: 'localhost', port: 1 } }, { region: 'a-b-1', others: [] }, 'ok'],
    [subject, { message: 'none', others }, 'failed REGION_UNKNOWN'],
  ])('%#', (about, observation, expected) => {
    expect(short(checkRegion(about, observation))).toBe(expected)
  })
})

describe('endpoint', () => {
  test.each([
    [subject, endpoint, 'ok'],
    [tunnel, endpoint, 'ok'],
    [tunnel, { host: NAME, port: 6543 }, 'warning ENDPOINT_MISMATCH?'],
    [subject, { host: NAME, port: 5433 }, 'warning ENDPOINT_MISMATCH?'],
    [{ ...tunnel, engine: 'mysql' as const }, { host: NAME, port: 3306 }, 'ok'],
  ])('%#', (about, signed, expected) => {
    expect(short(checkEndpoint(about, signed))).toBe(expected)
  })
})

test.each([
  [undefined, 'skipped CLOCK_SKEW?'],
  [{ skewMs: 59_000, server: 's' }, 'ok'],
  [{ skewMs: -90_000, server: 's' }, 'warning'],
  [{ skewMs: 301_000, server: 's' }, 'failed CLOCK_SKEW'],
  [{ skewMs: -301_000, server: 's' }, 'failed CLOCK_SKEW'],
])('clock %#', (observation, expected) => {
  expect(short(checkClock(observation))).toBe(expected)
})

test.each([
  ['ECONNREFUSED', 'PORT_CLOSED'],
  ['timeout', 'PORT_SILENT'],
  ['ETIMEDOUT', 'PORT_SILENT'],
  ['ENOTFOUND', 'NAME_UNKNOWN'],
  ['EHOSTUNREACH', 'HOST_UNREACHABLE'],
])('tcp %s', (error, code) => {
  expect(short(checkTcp(subject, { error }))).toBe(`failed ${code}`)
})

describe('tls', () => {
  const certificate: CertificateObservation = {
    kind: 'certificate',
    protocol: 'TLSv1.3',
    names: [NAME],
    issuer: 'Amazon RDS eu-west-1 Subordinate CA RSA2048 G1.A.1',
    root: 'Amazon RDS eu-west-1 Root CA RSA2048 G1',
    validFrom: 'Jan  1 00:00:00 2025 GMT',
    validTo: 'Jan  1 00:00:00 2045 GMT',
    coversDialled: true,
  }
  const unknown = { ...certificate, chainError: 'SELF_SIGNED_CERT_IN_CHAIN' }
  const misnamed = { ...certificate, nameError: 'n', coversDialled: false }
  const oregon = { ...subject, signedRegion: 'us-west-2' }
  test.each([
    [subject, certificate, 'ok'],
    [oregon, certificate, 'ok REGION_MISMATCH?'],
    [subject, unknown, 'failed CA_UNKNOWN'],
    [oregon, unknown, 'failed REGION_MISMATCH CA_UNKNOWN'],
    [subject, { ...certificate, chainError: 'CERT_HAS_EXPIRED' }, 'failed TLS_FAILED'],
    [subject, { ...certificate, chainError: 'CERT_NOT_YET_VALID' }, 'failed CLOCK_SKEW'],
    [subject, misnamed, 'failed CERTIFICATE_NAME'],
    [tunnel, misnamed, 'failed ENDPOINT_MISMATCH'],
    [tunnel, { ...misnamed, names: ['proxy.example'] }, 'failed CERTIFICATE_NAME'],
    [subject, { kind: 'not-offered' } as const, 'failed TLS_NOT_OFFERED'],
    [subject, { kind: 'silent' } as const, 'failed PORT_SILENT'],
    [subject, { kind: 'closed' } as const, 'failed PORT_CLOSED'],
    [subject, { kind: 'other-protocol', engine: 'mysql' } as const, 'failed ENGINE_MISMATCH'],
    [subject, { kind: 'other-protocol' } as const, 'failed ENGINE_MISMATCH'],
    [
      subject,
      { kind: 'server-error', error: { code: '1040', message: 'Too many' } } as const,
      'failed TOO_MANY_CONNECTIONS',
    ],
    [
      subject,
      { kind: 'server-error', error: { code: '1129', message: 'Blocked' } } as const,
      'failed TLS_FAILED',
    ],
    [subject, { kind: 'failure', reason: 'r' } as const, 'failed TLS_FAILED'],
  ])('%#', (about, observation, expected) => {
    expect(short(checkTls(about, endpoint, observation))).toBe(expected)
  })

  test('a certificate tells the name behind an alias', () => {
    const alias = { ...subject, dial: { host: 'db.shop.example', port: 5432 } }
    expect(checkUnknownTls(alias, certificate)).toMatchObject({
      status: 'skipped',
      suspicions: [{ code: 'ALIAS', fix: expect.stringContaining(`--endpoint ${NAME}:5432`) }],
    })
    expect(short(checkUnknownTls(alias, { ...certificate, names: ['db.shop.example'] }))).toBe('skipped')
    expect(short(checkUnknownTls(alias, { kind: 'silent' }))).toBe('skipped')
  })

  test('says which bundle holds the missing authority', () => {
    const { suspicions = [] } = checkTls(subject, endpoint, unknown)
    expect(suspicions[0]?.fix).toContain(
      'https://truststore.pki.rds.amazonaws.com/eu-west-1/eu-west-1-bundle.pem',
    )
  })

  const expressCluster = {
    ...certificate,
    issuer: 'Amazon RSA 2048 M01',
    root: 'Amazon Root CA 1',
    chainError: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  }
  test.each([
    ['to leave --ca out', { ...subject, ca: { file: 'rds.pem', pem: '' } }, 'Leave --ca out'],
    ['to make the CAs of the region known', subject, 'NODE_EXTRA_CA_CERTS=FILE'],
  ])("tells the user %s for a certificate from Amazon's public roots", (_, about, fix) => {
    const { suspicions = [] } = checkTls(about, endpoint, expressCluster)
    expect(suspicions[0]).toMatchObject({ code: 'CA_UNKNOWN', fix: expect.stringContaining(fix) })
    expect(suspicions[0]?.fix).not.toContain('bundle.pem')
  })
})

describe('login', () => {
  const answer = (code: string, asked?: string, message = 'm') => ({
    error: { code, message },
    ...(asked === undefined ? {} : { asked }),
    trials: [] as Trial[],
  })
  const target = { endpoint, region: 'eu-west-1' }
  const trial = (code: Trial['code'], accepted: boolean): Trial => ({ code, ...target, accepted })
  const refused = (...trials: Trial[]) => ({ ...answer('28000', 'cleartext'), trials })
  test.each([
    [{ asked: 'cleartext', trials: [] }, 'ok'],
    [{ trials: [] }, 'warning'],
    [answer('28000', 'cleartext'), 'failed USER_NOT_ALLOWED?'],
    [refused(trial('REGION_MISMATCH', false)), 'failed USER_NOT_ALLOWED?'],
    [refused(trial('REGION_MISMATCH', true)), 'failed REGION_MISMATCH'],
    [refused(trial('ENDPOINT_MISMATCH', true)), 'failed ENDPOINT_MISMATCH'],
    [answer('28P01', 'cleartext'), 'failed USER_NOT_GRANTED? USER_NOT_ALLOWED?'],
    [
      answer('XX000', 'cleartext', 'The IAM authentication failed for the role jane_doe.'),
      'failed USER_NOT_ALLOWED?',
    ],
    [answer('1045', 'cleartext'), 'failed USER_NOT_ALLOWED?'],
    [answer('28P01', 'SCRAM'), 'failed USER_NOT_GRANTED'],
    [answer('28P01', 'MD5'), 'failed USER_NOT_GRANTED'],
    [answer('1045'), 'failed USER_NOT_GRANTED'],
    [
      answer('AUTH', undefined, 'Server requests authentication using unknown plugin x'),
      'failed USER_NOT_GRANTED',
    ],
    [answer('3D000', 'cleartext'), 'failed DATABASE_UNKNOWN'],
    [answer('1049', 'cleartext'), 'failed DATABASE_UNKNOWN'],
    [answer('1044', 'cleartext'), 'failed DATABASE_UNKNOWN DATABASE_NOT_ALLOWED'],
    [answer('42501', 'cleartext'), 'failed DATABASE_NOT_ALLOWED'],
    [answer('53300', 'cleartext'), 'failed TOO_MANY_CONNECTIONS'],
    [answer('1040'), 'failed TOO_MANY_CONNECTIONS'],
    [answer('ETIMEDOUT'), 'failed PORT_SILENT'],
    [answer('57P03', 'cleartext'), 'failed LOGIN_FAILED'],
  ])('%#', (observation, expected) => {
    expect(short(checkLogin(subject, target, observation))).toBe(expected)
  })
})

describe('alternatives of a refused token', () => {
  const none = { names: [], regions: [] }
  const own = { endpoint, region: 'eu-west-1' }
  const local: Subject = { ...tunnel, endpoint: { host: 'localhost', port: 6543 } }
  const inShort = (about: Subject, target: typeof own, clues = none as Parameters<typeof alternatives>[2]) =>
    alternatives(about, target, clues).map(
      ({ endpoint: { host, port }, region }) => `${host}:${port} ${region}`,
    )

  test("none for an RDS endpoint's own name", () => {
    expect(inShort(subject, own, { names: [`other-${NAME}`], regions: ['us-east-1'] })).toEqual([])
  })

  test('ports and names behind a tunnel', () => {
    const clues = { names: [NAME, `other-${NAME}`, '*.example'], regions: [] }
    expect(inShort(tunnel, { ...own, endpoint: { host: NAME, port: 6000 } }, clues)).toEqual([
      `${NAME}:6543 eu-west-1`,
      `${NAME}:5432 eu-west-1`,
      'localhost:6543 eu-west-1',
      `other-${NAME}:6000 eu-west-1`,
    ])
  })

  test('regions where the name has none', () => {
    const target = { endpoint: { host: 'localhost', port: 6543 }, region: 'eu-west-1' }
    expect(inShort(local, target, { names: [], regions: ['eu-west-1', 'a-b-1'] })).toEqual([
      'localhost:6543 a-b-1',
      'localhost:6543 us-east-1',
    ])
  })
})

describe('causes', () => {
  const finding = (
    code: 'ALIAS' | 'CLOCK_SKEW' | 'KEY_UNKNOWN',
    certainty: Certainty,
    refused = false,
  ): Finding => ({
    check: 'dns',
    status: 'failed',
    seen: '',
    refused,
    suspicions: [{ code, certainty, why: 'w', fix: 'f' }],
  })
  const codes = (...findings: Finding[]) => rankCauses(findings).map(({ code }) => code)

  test('what is certain comes first, then the order of the checks; each once', () => {
    const findings = [
      finding('ALIAS', 'possible', true),
      finding('KEY_UNKNOWN', 'certain'),
      finding('CLOCK_SKEW', 'likely'),
      finding('ALIAS', 'certain'),
    ]
    expect(codes(...findings)).toEqual(['KEY_UNKNOWN', 'ALIAS', 'CLOCK_SKEW'])
  })

  test('what a login has proven comes before all else', () => {
    expect(codes(finding('CLOCK_SKEW', 'certain'), finding('ALIAS', 'proven'))).toEqual([
      'ALIAS',
      'CLOCK_SKEW',
    ])
  })

  test('a wrong clock comes before all that is judged by it', () => {
    expect(codes(finding('KEY_UNKNOWN', 'certain'), finding('CLOCK_SKEW', 'certain'))).toEqual([
      'CLOCK_SKEW',
      'KEY_UNKNOWN',
    ])
  })

  test('of two that are equally certain the later knows more', () => {
    const [later] = finding('ALIAS', 'certain').suspicions ?? []
    const second = { ...finding('ALIAS', 'certain'), suspicions: [{ ...later, why: 'more' }] } as Finding
    expect(rankCauses([finding('ALIAS', 'certain'), second])).toMatchObject([{ why: 'more' }])
    expect(rankCauses([second, finding('ALIAS', 'likely', true)])).toMatchObject([{ why: 'more' }])
  })

  test('what is only likely counts after a refusal alone', () => {
    expect(codes(finding('ALIAS', 'likely'), finding('KEY_UNKNOWN', 'certain'))).toEqual(['KEY_UNKNOWN'])
    expect(codes(finding('ALIAS', 'likely', true))).toEqual(['ALIAS'])
  })
})

describe('fixes', () => {
  test.each([
    ['eu-west-1', NAME, 'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-…/jane_doe'],
    [
      'cn-north-1',
      'db.abcdefghijkl.cn-north-1.rds.amazonaws.com.cn',
      'arn:aws-cn:rds-db:cn-north-1:123456789012:dbuser:db-…/jane_doe',
    ],
    [
      'us-gov-west-1',
      'p.proxy-abcdefghijkl.us-gov-west-1.rds.amazonaws.com',
      'arn:aws-us-gov:rds-db:us-gov-west-1:123456789012:dbuser:prx-…/jane_doe',
    ],
  ])('the policy in %s', (signedRegion, host, resource) => {
    const statement = policyStatement({ ...subject, signedRegion, endpoint: { host, port: 5432 } })
    expect(JSON.parse(statement.slice(0, statement.indexOf('\n(')))).toEqual({
      Effect: 'Allow',
      Action: 'rds-db:connect',
      Resource: resource,
    })
  })

  test('the SQL quotes the user', () => {
    expect(grantSql({ ...subject, user: 'o"dd' })).toContain('GRANT rds_iam TO "o""dd";')
    expect(grantSql({ ...subject, engine: 'mysql', user: "o'dd" })).toContain(
      "CREATE USER 'o''dd'@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';",
    )
  })
})

test('the last gate keeps secrets and what looks like one from being printed', () => {
  const { add, redact } = createRedactor()
  add('a/secret+key')
  add(undefined)
  expect(redact('x a/secret+key y a%2Fsecret%2Bkey z X-Amz-Signature=abc&X-Amz-Security-Token=d%2F')).toBe(
    'x [redacted] y [redacted] z X-Amz-Signature=[redacted]&X-Amz-Security-Token=[redacted]',
  )
})
