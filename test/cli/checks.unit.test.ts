// The pure parts of doctor: tables of observations and findings.
import type { CertificateObservation } from '../../packages/cli/dist/doctor/checks/certificate.js'
import { checkClock } from '../../packages/cli/dist/doctor/checks/clock.js'
import { checkCredentials } from '../../packages/cli/dist/doctor/checks/credentials.js'
import { checkDns } from '../../packages/cli/dist/doctor/checks/dns.js'
import { checkEndpoint, checkOptions } from '../../packages/cli/dist/doctor/checks/endpoint.js'
import { checkIdentity } from '../../packages/cli/dist/doctor/checks/identity.js'
import {
  checkLogin,
  checkServer,
  checkToken,
  type Trial,
} from '../../packages/cli/dist/doctor/checks/login.js'
import { checkRegion } from '../../packages/cli/dist/doctor/checks/region.js'
import { checkTcp } from '../../packages/cli/dist/doctor/checks/tcp.js'
import { checkTls, checkUnknownTls } from '../../packages/cli/dist/doctor/checks/tls.js'
import { alternatives } from '../../packages/cli/dist/doctor/alternatives.js'
import { rankCauses, type Confidence, type Finding } from '../../packages/cli/dist/doctor/finding.js'
import { allowFix, grantFix, mappingFix, policyStatement } from '../../packages/cli/dist/doctor/fixes.js'
import type { RegionFacts, TokenFacts } from '../../packages/cli/dist/doctor/facts.js'
import { Redactor } from '../../packages/cli/dist/doctor/checklist.js'
import { afterEach, describe, expect, test } from 'vitest'

const NAME = 'shop.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com'
const endpoint = { host: NAME, port: 5432 }
const facts: TokenFacts = {
  engine: 'postgres',
  dial: endpoint,
  endpoint,
  endpointGiven: false,
  user: 'jane_doe',
  signedRegion: 'eu-west-1',
  account: '123456789012',
}
const DSQL = 'abc0def1.dsql.us-east-1.on.aws'
const dsql: TokenFacts = {
  ...facts,
  dial: { host: DSQL, port: 5432 },
  endpoint: { host: DSQL, port: 5432 },
  signedRegion: 'us-east-1',
  arn: 'arn:aws:sts::123456789012:assumed-role/shop-app/i-0123456789',
}
const tunnel: TokenFacts = { ...facts, dial: { host: 'localhost', port: 6543 }, endpointGiven: true }

// A snapshot records the texts of each finding.
const recorded: Finding[] = []
afterEach(() => {
  for (const finding of recorded.splice(0)) expect(textOf(finding)).toMatchSnapshot()
})

function textOf({ check, status, seen, details = [], candidates = [], refused = false }: Finding): string {
  return [
    `${check} ${status}: ${seen}`,
    ...details,
    ...candidates.flatMap(({ code, confidence, why, fix }) => [`${code}, ${confidence}: ${why}`, fix]),
    ...(refused ? ['The server refused the token.'] : []),
  ].join('\n')
}

/** The status of a finding and its causes, with ? for causes that are not certain. Records the finding. */
function short(finding: Finding): string {
  recorded.push(finding)
  const { status, candidates = [] } = finding
  return [
    status,
    ...candidates.map(({ code, confidence }) =>
      confidence === 'certain' || confidence === 'proven' ? code : `${code}?`,
    ),
  ].join(' ')
}

describe('dns', () => {
  const alias: TokenFacts = { ...facts, dial: { host: 'db.shop.example', port: 5432 } }
  const { endpoint: _, ...unknown } = alias
  const found = { addresses: ['10.0.0.1'], aliasOf: [] as string[] }
  test.each([
    ["the endpoint's own name", facts, found, 'ok'],
    ['an unknown name', facts, { ...found, error: 'ENOTFOUND' }, 'failed NAME_UNKNOWN'],
    ['DNS that does not answer', facts, { ...found, error: 'timeout' }, 'failed NAME_UNKNOWN'],
    ["a name that is no endpoint's", unknown, found, 'failed ALIAS'],
    ['an alias of an endpoint', unknown, { ...found, aliasOf: ['x.example', NAME] }, 'failed ALIAS'],
    [
      'an alias of the given endpoint',
      { ...alias, endpointGiven: true },
      { ...found, aliasOf: [NAME] },
      'ok',
    ],
    [
      "Aurora's alias of the current writer",
      facts,
      { ...found, aliasOf: [`writer.abcdefghijkl.eu-west-1.rds.amazonaws.com`] },
      'ok',
    ],
    [
      'an alias chain that contains the given endpoint',
      { ...alias, endpointGiven: true },
      { ...found, aliasOf: [`writer-${NAME}`, NAME] },
      'ok',
    ],
    ['DNS that fails for now', facts, { ...found, error: 'EAI_AGAIN' }, 'failed NAME_UNKNOWN'],
    ['an IP address', { ...unknown, dial: { host: '10.0.0.1', port: 5432 } }, found, 'failed ALIAS'],
    ['an IP address and an endpoint', { ...tunnel, dial: { host: '10.0.0.1', port: 5432 } }, found, 'ok'],
    [
      'an alias of a global endpoint',
      unknown,
      { ...found, aliasOf: ['db.global-abcdefghijkl.global.rds.amazonaws.com'] },
      'failed ALIAS',
    ],
    ['two addresses', facts, { ...found, addresses: ['10.0.0.1', '10.0.0.2'] }, 'ok'],
    [
      'an alias of another endpoint than the given one',
      { ...alias, endpointGiven: true },
      { ...found, aliasOf: [`other-${NAME}`] },
      'warning ENDPOINT_MISMATCH?',
    ],
    [
      'an alias that is followed',
      { ...unknown, followCname: true },
      { ...found, aliasOf: ['x.example', NAME] },
      'ok',
    ],
    ['a name to follow that is no alias', { ...unknown, followCname: true }, found, 'failed ALIAS'],
    ['an alias of a cluster of Aurora DSQL', unknown, { ...found, aliasOf: [DSQL] }, 'failed ALIAS'],
    [
      'a host of another AWS service',
      { ...unknown, dial: { host: 'shop.abc.us-east-1.redshift.amazonaws.com', port: 5439 } },
      { ...found, error: 'ENOTFOUND' },
      'failed NOT_RDS',
    ],
    [
      'a host of another AWS service that leads to the given endpoint',
      { ...tunnel, dial: { host: 'shop.abc.us-east-1.redshift.amazonaws.com', port: 5432 } },
      found,
      'ok',
    ],
    [
      'an alias of a host of another AWS service',
      unknown,
      { ...found, aliasOf: ['shop.cluster-abc.us-east-1.docdb.amazonaws.com'] },
      'failed NOT_RDS',
    ],
  ])('%s', (_, given, observation, expected) => {
    expect(short(checkDns(given, observation))).toBe(expected)
  })
})

describe('credentials', () => {
  const key = { found: true, accessKeyId: 'ASIA', source: 'the environment', temporary: true } as const
  const now = new Date('2026-01-01T00:00:00Z')
  const none = { found: false, message: 'm', reasons: [] } as const
  const because = (code: string, message = 'm') =>
    ({ ...none, code: 'CREDENTIALS_UNAVAILABLE', reasons: [{ code, message }] }) as const
  test.each([
    ['temporary credentials without an expiry', key, 'ok'],
    ['a temporary key without a session token', { ...key, temporary: false }, 'failed KEY_UNKNOWN'],
    ['permanent credentials', { ...key, accessKeyId: 'AKIA', temporary: false }, 'ok'],
    ['credentials that are valid for an hour', { ...key, until: new Date('2026-01-01T01:00:00Z') }, 'ok'],
    ['credentials that expire now', { ...key, until: now }, 'failed SESSION_EXPIRED'],
    ['expired credentials', { ...none, code: 'CREDENTIALS_EXPIRED' }, 'failed SESSION_EXPIRED'],
    ['a source that does not answer', { ...none, code: 'TOKEN_TIMEOUT' }, 'failed CREDENTIALS_TIMEOUT'],
    ['no credentials', { ...none, code: 'CREDENTIALS_UNAVAILABLE' }, 'failed NO_CREDENTIALS'],
    [
      'a source that fails with ExpiredTokenException',
      because('ExpiredTokenException'),
      'failed SESSION_EXPIRED',
    ],
    [
      'an expired SSO session',
      because('CredentialsProviderError', 'The SSO session associated with this profile has expired.'),
      'failed SESSION_EXPIRED',
    ],
    ['a source that fails with InvalidClientTokenId', because('InvalidClientTokenId'), 'failed KEY_UNKNOWN'],
    ['a source that fails with AccessDenied', because('AccessDenied'), 'failed NO_CREDENTIALS'],
    [
      'two sources, of which the second fails with ExpiredTokenException',
      {
        ...none,
        code: 'CREDENTIALS_UNAVAILABLE',
        reasons: [
          { code: 'AccessDenied', message: 'denied' },
          { code: 'ExpiredTokenException', message: 'expired' },
        ],
      },
      'failed SESSION_EXPIRED',
    ],
  ])('%s', (_, observation, expected) => {
    expect(short(checkCredentials(observation, now))).toBe(expected)
  })
})

describe('identity', () => {
  const refused = (code: string, message = '') => ({ kind: 'refusal', code, message }) as const
  test.each([
    ['an identity', { kind: 'identity', account: '1', arn: 'arn' } as const, {}, 'ok'],
    ['InvalidClientTokenId', refused('InvalidClientTokenId'), {}, 'failed KEY_UNKNOWN'],
    ['SignatureDoesNotMatch', refused('SignatureDoesNotMatch'), {}, 'failed KEY_UNKNOWN'],
    [
      'a signature from the future',
      refused('SignatureDoesNotMatch', 'Signature not yet current: …'),
      {},
      'failed CLOCK_SKEW',
    ],
    [
      'a signature from the past',
      refused('SignatureDoesNotMatch', 'Signature expired: …'),
      {},
      'failed CLOCK_SKEW',
    ],
    ['RequestExpired', refused('RequestExpired'), {}, 'failed CLOCK_SKEW'],
    ['RequestTimeTooSkewed', refused('RequestTimeTooSkewed'), {}, 'failed CLOCK_SKEW'],
    ['UnrecognizedClientException', refused('UnrecognizedClientException'), {}, 'failed KEY_UNKNOWN'],
    [
      'a signature for another region',
      refused('SignatureDoesNotMatch', 'Credential should be scoped to a valid region.'),
      {},
      'warning',
    ],
    ['ExpiredTokenException', refused('ExpiredTokenException'), {}, 'failed SESSION_EXPIRED'],
    ['Throttling', refused('Throttling'), {}, 'warning'],
    [
      'no answer, permanent credentials',
      { kind: 'unreachable', reason: 'r' } as const,
      {},
      'skipped KEY_UNKNOWN?',
    ],
    [
      'no answer, temporary credentials without an expiry',
      { kind: 'unreachable', reason: 'r' } as const,
      { temporary: true },
      'skipped SESSION_EXPIRED?',
    ],
    [
      'no answer, temporary credentials with an expiry',
      { kind: 'unreachable', reason: 'r' } as const,
      { temporary: true, until: new Date() },
      'skipped KEY_UNKNOWN?',
    ],
  ])('%s', (_, observation, credentials, expected) => {
    expect(short(checkIdentity(observation, { temporary: false, ...credentials }))).toBe(expected)
  })
})

describe('region', () => {
  const others = ['a-c-1']
  const local: RegionFacts = { ...facts, endpoint: { host: 'localhost', port: 1 }, signedRegion: 'a-b-1' }
  const { signedRegion: _, ...unknown } = local
  test.each([
    ["the endpoint's region", facts, { others }, 'ok'],
    [
      "another region than the endpoint's",
      { ...facts, signedRegion: 'us-east-1' },
      { others },
      'failed REGION_MISMATCH',
    ],
    [
      'an identity of another partition',
      facts,
      { others, arn: 'arn:aws-cn:iam::1:user/x' },
      'failed REGION_MISMATCH',
    ],
    ['another region in the environment', local, { others }, 'warning REGION_MISMATCH?'],
    ['no other region', local, { others: [] }, 'ok'],
    ['an identity of the same partition', facts, { others, arn: 'arn:aws:iam::1:user/x' }, 'ok'],
    ['no region', unknown, { others }, 'failed REGION_UNKNOWN'],
    [
      'no region for a global endpoint',
      { ...unknown, endpoint: { host: 'db.global-abcdefghijkl.global.rds.amazonaws.com', port: 5432 } },
      { others },
      'failed REGION_UNKNOWN',
    ],
  ])('%s', (_, given, observation, expected) => {
    expect(short(checkRegion(given, observation))).toBe(expected)
  })
})

describe('endpoint', () => {
  test.each([
    ['the dialled endpoint', facts, endpoint, 'ok'],
    ['an endpoint behind a tunnel', tunnel, endpoint, 'ok'],
    ['the port of the tunnel', tunnel, { host: NAME, port: 6543 }, 'warning ENDPOINT_MISMATCH?'],
    ['another port of the dialled host', facts, { host: NAME, port: 5433 }, 'warning ENDPOINT_MISMATCH?'],
    [
      'an endpoint of MySQL behind a tunnel',
      { ...tunnel, engine: 'mysql' as const },
      { host: NAME, port: 3306 },
      'ok',
    ],
  ])('%s', (_, given, signed, expected) => {
    expect(short(checkEndpoint(given, signed))).toBe(expected)
  })
})

test.each([
  ['no server', undefined, 'skipped CLOCK_SKEW?'],
  ['59 s ahead', { skewMs: 59_000, server: 's' }, 'ok'],
  ['60 s ahead', { skewMs: 60_000, server: 's' }, 'warning'],
  ['300 s ahead', { skewMs: 300_000, server: 's' }, 'warning'],
  ['90 s behind', { skewMs: -90_000, server: 's' }, 'warning'],
  ['301 s ahead', { skewMs: 301_000, server: 's' }, 'failed CLOCK_SKEW'],
  ['301 s behind', { skewMs: -301_000, server: 's' }, 'failed CLOCK_SKEW'],
  ['an hour ahead', { skewMs: 3_600_000, server: 's' }, 'failed CLOCK_SKEW'],
  ['a day behind', { skewMs: -86_400_000, server: 's' }, 'failed CLOCK_SKEW'],
])('clock: %s', (_, observation, expected) => {
  expect(short(checkClock(observation))).toBe(expected)
})

test.each([
  ['ECONNREFUSED', 'PORT_CLOSED'],
  ['timeout', 'PORT_SILENT'],
  ['ETIMEDOUT', 'PORT_SILENT'],
  ['ENOTFOUND', 'NAME_UNKNOWN'],
  ['EAI_AGAIN', 'NAME_UNKNOWN'],
  ['EHOSTUNREACH', 'HOST_UNREACHABLE'],
])('tcp: %s', (error, code) => {
  expect(short(checkTcp(facts, { error }))).toBe(`failed ${code}`)
})

test('tcp: a connection', () => {
  expect(short(checkTcp(facts, { address: '10.0.0.1:5432', tookMs: 12 }))).toBe('ok')
})

test.each([
  [
    'a given endpoint, a CA file and a database',
    { ...tunnel, ca: { file: 'rds.pem', pem: '' }, database: 'shop' },
  ],
  ['MySQL without a database', { ...facts, engine: 'mysql' as const }],
  [
    'variables of the environment, and CA certificates without a file',
    { ...facts, ca: { pem: '' }, variables: ['PGHOST', 'PGUSER'] },
  ],
])('options: %s', (_, given) => {
  expect(short(checkOptions(given))).toBe('ok')
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
  const oregon = { ...facts, signedRegion: 'us-west-2' }
  const { signedRegion: _, ...unsigned }: RegionFacts = facts
  test.each([
    ['a valid certificate', facts, certificate, 'ok'],
    ['a certificate from another region', oregon, certificate, 'ok REGION_MISMATCH?'],
    ['an unknown CA', facts, unknown, 'failed CA_UNKNOWN'],
    ['an unknown CA of another region', oregon, unknown, 'failed REGION_MISMATCH CA_UNKNOWN'],
    [
      'an expired certificate',
      facts,
      { ...certificate, chainError: 'CERT_HAS_EXPIRED' },
      'failed TLS_FAILED',
    ],
    [
      'a certificate that is not valid yet',
      facts,
      { ...certificate, chainError: 'CERT_NOT_YET_VALID' },
      'failed CLOCK_SKEW',
    ],
    ['another name', facts, misnamed, 'failed CERTIFICATE_NAME'],
    ['another name behind a tunnel', tunnel, misnamed, 'failed ENDPOINT_MISMATCH'],
    [
      'the name of a proxy behind a tunnel',
      tunnel,
      { ...misnamed, names: ['proxy.example'] },
      'failed CERTIFICATE_NAME',
    ],
    [
      'the name of the tunnel',
      tunnel,
      { ...misnamed, names: ['localhost'], coversDialled: true },
      'failed ENDPOINT_MISMATCH',
    ],
    [
      'the name of another endpoint',
      facts,
      { ...misnamed, names: ['x.example', `other-${NAME}`] },
      'failed CERTIFICATE_NAME',
    ],
    ['an unknown name', facts, { ...misnamed, names: ['x.example', 'y.example'] }, 'failed CERTIFICATE_NAME'],
    [
      'an unknown CA and another name',
      facts,
      { ...unknown, ...misnamed, chainError: 'SELF_SIGNED_CERT_IN_CHAIN' },
      'failed CA_UNKNOWN CERTIFICATE_NAME',
    ],
    [
      'an unknown CA of another region, with a CA file',
      { ...oregon, ca: { file: 'rds.pem', pem: '' } },
      unknown,
      'failed CA_UNKNOWN',
    ],
    [
      'a CA of a company',
      facts,
      { ...unknown, root: 'Example CA', issuer: 'Example CA' },
      'failed CA_UNKNOWN',
    ],
    [
      'a CA of a company, without a region',
      unsigned,
      { ...unknown, root: 'Example CA', issuer: 'Example CA' },
      'failed CA_UNKNOWN',
    ],
    [
      'an unknown CA of Amazon, without a region',
      unsigned,
      { ...unknown, root: 'Amazon CA', issuer: 'Amazon CA' },
      'failed CA_UNKNOWN',
    ],
    [
      'a CA of RDS, without a region',
      unsigned,
      { ...unknown, root: 'Root', issuer: 'Amazon RDS ap-southeast-3 Subordinate CA' },
      'failed CA_UNKNOWN',
    ],
    [
      "a CA of Amazon's public roots, without a region",
      unsigned,
      { ...unknown, root: 'Amazon Root CA 1' },
      'failed CA_UNKNOWN',
    ],
    [
      'a CA of Starfield',
      facts,
      { ...unknown, root: 'Starfield Services Root Certificate Authority - G2' },
      'failed CA_UNKNOWN',
    ],
    ['no TLS', facts, { kind: 'not-offered' } as const, 'failed TLS_NOT_OFFERED'],
    ['no answer', facts, { kind: 'silent' } as const, 'failed PORT_SILENT'],
    ['a closed connection', facts, { kind: 'closed' } as const, 'failed PORT_CLOSED'],
    [
      'the other engine',
      facts,
      { kind: 'other-protocol', engine: 'mysql' } as const,
      'failed ENGINE_MISMATCH',
    ],
    ['another protocol', facts, { kind: 'other-protocol' } as const, 'failed ENGINE_MISMATCH'],
    [
      'too many connections before TLS',
      facts,
      { kind: 'server-error', error: { code: '1040', message: 'Too many' } } as const,
      'failed TOO_MANY_CONNECTIONS',
    ],
    [
      'another error before TLS',
      facts,
      { kind: 'server-error', error: { code: '1129', message: 'Blocked' } } as const,
      'failed TLS_FAILED',
    ],
    ['a failed handshake', facts, { kind: 'failure', reason: 'r' } as const, 'failed TLS_FAILED'],
  ])('%s', (_, given, observation, expected) => {
    expect(short(checkTls(given, endpoint, observation))).toBe(expected)
  })

  test('finds the endpoint behind an alias in the certificate', () => {
    const alias = { ...facts, dial: { host: 'db.shop.example', port: 5432 } }
    const finding = checkUnknownTls(alias, certificate)
    expect(short(finding)).toBe('skipped ALIAS')
    expect(finding.candidates?.[0]?.fix).toContain(`--endpoint ${NAME}:5432`)
    expect(short(checkUnknownTls(alias, { ...certificate, names: ['db.shop.example'] }))).toBe('skipped')
    expect(short(checkUnknownTls(alias, { kind: 'silent' }))).toBe('skipped')
  })

  test('names the bundle with the missing CA', () => {
    const { candidates = [] } = checkTls(facts, endpoint, unknown)
    expect(candidates[0]?.fix).toContain(
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
    ['to leave out --ca', { ...facts, ca: { file: 'rds.pem', pem: '' } }, 'Leave out --ca'],
    ['to make the CAs of the region known', facts, 'NODE_EXTRA_CA_CERTS=FILE'],
  ])("tells the user %s for a certificate from Amazon's public roots", (_, given, fix) => {
    const finding = checkTls(given, endpoint, expressCluster)
    expect(short(finding)).toBe('failed CA_UNKNOWN')
    expect(finding.candidates?.[0]?.fix).toContain(fix)
    expect(finding.candidates?.[0]?.fix).not.toContain('bundle.pem')
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
    ['a login with a token', { asked: 'cleartext', trials: [] }, 'ok'],
    ['a login without a token', { trials: [] }, 'warning'],
    ['a refusal by PAM', answer('28000', 'cleartext'), 'failed USER_NOT_ALLOWED?'],
    ['a refusal, and no alternative', refused(trial('REGION_MISMATCH', false)), 'failed USER_NOT_ALLOWED?'],
    [
      'a refusal, and a token for another region that works',
      refused(trial('REGION_MISMATCH', true)),
      'failed REGION_MISMATCH',
    ],
    [
      'a refusal, and a token for another endpoint that works',
      refused(trial('ENDPOINT_MISMATCH', true)),
      'failed ENDPOINT_MISMATCH',
    ],
    ['a refusal of a password', answer('28P01', 'cleartext'), 'failed USER_NOT_GRANTED? USER_NOT_ALLOWED?'],
    [
      'a refusal by RDS Proxy',
      answer('XX000', 'cleartext', 'The IAM authentication failed for the role jane_doe.'),
      'failed USER_NOT_ALLOWED?',
    ],
    ['a refusal by MySQL', answer('1045', 'cleartext'), 'failed USER_NOT_ALLOWED?'],
    ['SCRAM', answer('28P01', 'SCRAM'), 'failed USER_NOT_GRANTED'],
    ['MD5', answer('28P01', 'MD5'), 'failed USER_NOT_GRANTED'],
    ['a refusal by MySQL without a token', answer('1045'), 'failed USER_NOT_GRANTED'],
    [
      'an unknown plugin',
      answer('AUTH', undefined, 'Server requests authentication using unknown plugin auth_gssapi_client'),
      'failed USER_NOT_GRANTED',
    ],
    ['an unknown database of PostgreSQL', answer('3D000', 'cleartext'), 'failed DATABASE_UNKNOWN'],
    ['an unknown database of MySQL', answer('1049', 'cleartext'), 'failed DATABASE_UNKNOWN'],
    [
      'a denied database of MySQL',
      answer('1044', 'cleartext'),
      'failed DATABASE_UNKNOWN DATABASE_NOT_ALLOWED',
    ],
    ['a denied database of PostgreSQL', answer('42501', 'cleartext'), 'failed DATABASE_NOT_ALLOWED'],
    ['too many connections of MySQL users', answer('1203'), 'failed TOO_MANY_CONNECTIONS'],
    ['a refusal by MariaDB', answer('1698', 'cleartext'), 'failed USER_NOT_ALLOWED?'],
    ['a timeout of the driver', answer('57P03', 'cleartext', 'timeout expired'), 'failed PORT_SILENT'],
    ['another method that is refused', answer('28000', 'GSS'), 'failed USER_NOT_GRANTED'],
    ['too many logins in an hour', answer('1226'), 'failed TOO_MANY_CONNECTIONS'],
    ['too many connections to PostgreSQL', answer('53300', 'cleartext'), 'failed TOO_MANY_CONNECTIONS'],
    ['too many connections to MySQL', answer('1040'), 'failed TOO_MANY_CONNECTIONS'],
    ['no answer', answer('ETIMEDOUT'), 'failed PORT_SILENT'],
    ['another error', answer('57P03', 'cleartext'), 'failed LOGIN_FAILED'],
  ])('%s', (_, observation, expected) => {
    expect(short(checkLogin(facts, observation))).toBe(expected)
  })

  test.each([
    ['1044', 'failed DATABASE_UNKNOWN DATABASE_NOT_ALLOWED'],
    ['1045', 'failed USER_NOT_ALLOWED?'],
  ])('quotes names as MySQL does: %s', (code, expected) => {
    const given = { ...facts, engine: 'mysql' as const, user: "o'dd", database: 'sh`op' }
    expect(short(checkLogin(given, answer(code, 'cleartext')))).toBe(expected)
  })

  test.each([
    ['3D000', 'failed DATABASE_UNKNOWN'],
    ['42501', 'failed DATABASE_NOT_ALLOWED'],
  ])('quotes names as PostgreSQL does: %s', (code, expected) => {
    const given = { ...facts, user: 'o"dd', database: 'sh"op' }
    expect(short(checkLogin(given, answer(code, 'cleartext')))).toBe(expected)
  })
})

test.each(['', '&X-Amz-Security-Token=abc'])('token: with the parameters %j', (session) => {
  const parameters =
    'Action=connect&DBUser=jane_doe&X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Feu-west-1%2Frds-db%2Faws4_request' +
    '&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900'
  const expiresAt = new Date('2026-01-01T00:15:00Z')
  expect(short(checkToken(`${NAME}:5432/?${parameters}${session}`, expiresAt))).toBe('ok')
})

test.each([
  ['writer', 'failed READER_ENDPOINT'],
  ['reader', 'ok'],
  ['any', 'ok'],
] as const)('server: a reader with the target %s', (target, expected) => {
  const reader = { version: 'PostgreSQL 18.1', isReader: true, protocol: 'TLSv1.3' }
  expect(short(checkServer({ ...facts, target }, reader))).toBe(expected)
})

const aurora = { version: 'PostgreSQL 17.4', protocol: 'TLSv1.3' }

test.each([
  ['a writer', { version: 'PostgreSQL 18.1', isReader: false, protocol: 'TLSv1.3' }, 'ok'],
  ['a reader', { version: 'MySQL 8.4.0', isReader: true, protocol: 'TLSv1.2' }, 'failed READER_ENDPOINT'],
  [
    'an instance that is a reader',
    { ...aurora, isReader: true, instance: 'shop-2', writer: 'shop-1' },
    'failed READER_ENDPOINT',
  ],
  [
    'a reader that knows no writer',
    { ...aurora, isReader: true, instance: 'shop-2', writer: null },
    'failed READER_ENDPOINT',
  ],
  [
    'an instance that is the writer',
    { ...aurora, isReader: false, instance: 'shop-1', writer: 'shop-1' },
    'ok',
  ],
  ['a failing query', { error: { code: '42501', message: 'm' } }, 'warning'],
  ['no answer to a query', { error: { code: 'timeout', message: 'm' } }, 'failed PORT_SILENT'],
])('server: %s', (_, observation, expected) => {
  expect(short(checkServer(facts, observation))).toBe(expected)
})

describe('alternatives of a refused token', () => {
  const inShort = (given: TokenFacts, hints: Parameters<typeof alternatives>[1]) =>
    alternatives(given, hints).map(({ endpoint: { host, port }, region }) => `${host}:${port} ${region}`)

  test("are empty for an RDS endpoint's own name", () => {
    expect(inShort(facts, { names: [`other-${NAME}`], regions: ['us-east-1'] })).toEqual([])
  })

  test('are other ports and names behind a tunnel', () => {
    const hints = { names: [NAME, `other-${NAME}`, '*.example'], regions: [] }
    expect(inShort({ ...tunnel, endpoint: { host: NAME, port: 6000 } }, hints)).toEqual([
      `${NAME}:6543 eu-west-1`,
      `${NAME}:5432 eu-west-1`,
      'localhost:6543 eu-west-1',
      `other-${NAME}:6000 eu-west-1`,
    ])
  })

  test('are other regions when the name has none', () => {
    const local = { ...tunnel, endpoint: { host: 'localhost', port: 6543 } }
    expect(inShort(local, { names: [], regions: ['eu-west-1', 'a-b-1'] })).toEqual([
      'localhost:6543 a-b-1',
      'localhost:6543 us-east-1',
    ])
  })
})

describe('Aurora DSQL', () => {
  const certificate: CertificateObservation = {
    kind: 'certificate',
    protocol: 'TLSv1.3',
    names: ['*.dsql.us-east-1.on.aws'],
    issuer: 'Some CA',
    root: 'Some CA',
    validFrom: 'a',
    validTo: 'b',
    chainError: 'SELF_SIGNED_CERT_IN_CHAIN',
    coversDialled: true,
  }
  const denied = { code: '08006', message: 'unable to accept connection, access denied' }
  const refused = { asked: 'cleartext', error: denied, trials: [] }
  const error = (code: string) => ({ asked: 'cleartext', error: { code, message: 'm' }, trials: [] })
  const through = { ...dsql, dial: { host: 'localhost', port: 6543 }, endpointGiven: true }

  test.each([
    ['a refused role', checkLogin(dsql, refused), 'failed USER_NOT_ALLOWED? USER_NOT_GRANTED?'],
    ['the refused admin', checkLogin({ ...dsql, user: 'admin' }, refused), 'failed USER_NOT_ALLOWED?'],
    ['a login that the server lost', checkLogin(facts, refused), 'failed LOGIN_FAILED'],
    ['an unknown database', checkLogin(dsql, error('3D000')), 'failed DATABASE_UNKNOWN'],
    ['another error', checkLogin(dsql, error('57P03')), 'failed LOGIN_FAILED'],
    ['too many connections', checkLogin(dsql, error('53300')), 'failed TOO_MANY_CONNECTIONS'],
    ['a tunnel with another port', checkEndpoint(through, { host: DSQL, port: 9999 }), 'ok'],
    ['an unknown CA', checkTls(dsql, dsql.endpoint, certificate), 'failed CA_UNKNOWN'],
  ])('%s', (_, finding, expected) => {
    expect(short(finding)).toBe(expected)
    const { candidates = [] } = finding
    const texts = candidates.map(({ why, fix }) => why + fix).join()
    if (finding !== checkLogin(facts, refused))
      expect(texts).not.toMatch(/rds-db|rds_iam|parameter group|bundle/)
  })

  test('describes a token, which names no user', () => {
    const token = `${DSQL}/?Action=DbConnect&X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fdsql%2Faws4_request`
    expect(checkToken(token, new Date(0)).seen).toBe(
      `for DbConnect at ${DSQL}, us-east-1, until 1970-01-01T00:00:00.000Z`,
    )
  })

  test('has no alternative ports', () => {
    expect(alternatives(through, { names: [], regions: [] }).map(({ endpoint: { host } }) => host)).toEqual([
      'localhost',
    ])
  })

  test.each([
    ['app', 'dsql:DbConnect'],
    ['admin', 'dsql:DbConnectAdmin'],
  ])('writes the policy for %s', (user, action) => {
    expect(JSON.parse(policyStatement({ ...dsql, user }))).toEqual({
      Effect: 'Allow',
      Action: action,
      Resource: 'arn:aws:dsql:us-east-1:123456789012:cluster/abc0def1',
    })
  })

  test.each([
    ['arn:aws:sts::123456789012:assumed-role/shop-app/x', 'arn:aws:iam::123456789012:role/shop-app'],
    ['arn:aws:iam::123456789012:user/jane', 'arn:aws:iam::123456789012:user/jane'],
    [undefined, 'arn:aws:iam::123456789012:role/ROLE'],
  ])('writes the mapping of the identity %s', (arn, mapped) => {
    const { arn: _, ...rest } = dsql
    const fix = mappingFix({ ...rest, user: 'o"dd', ...(arn === undefined ? {} : { arn }) })
    expect(fix).toContain(`AWS IAM GRANT "o""dd" TO '${mapped}';`)
  })
})

test('names the setting of RDS Proxy', () => {
  const proxy = { host: 'p.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com', port: 5432 }
  const behind = { ...facts, dial: proxy, endpoint: proxy }
  for (const fix of [grantFix(behind), allowFix(behind)]) {
    expect(fix).toContain(
      '"Required" for the secret of the user,\nor IAM as the default authentication scheme.',
    )
    expect(fix).not.toMatch(/rds_iam|Database authentication/)
  }
  expect(allowFix(behind)).toContain(
    "(prx-… is the resource ID, which the console shows at the end of the proxy's ARN",
  )
})

describe('causes', () => {
  const finding = (
    code: 'ALIAS' | 'CLOCK_SKEW' | 'KEY_UNKNOWN',
    confidence: Confidence,
    refused = false,
  ): Finding => ({
    check: 'dns',
    status: 'failed',
    seen: '',
    refused,
    candidates: [{ code, confidence, why: 'w', fix: 'f' }],
  })
  const codes = (...findings: Finding[]) => rankCauses(findings).map(({ code }) => code)

  test('ranks certain causes first, then in the order of the checks, each code once', () => {
    const findings = [
      finding('ALIAS', 'possible', true),
      finding('KEY_UNKNOWN', 'certain'),
      finding('CLOCK_SKEW', 'likely'),
      finding('ALIAS', 'certain'),
    ]
    expect(codes(...findings)).toEqual(['KEY_UNKNOWN', 'ALIAS', 'CLOCK_SKEW'])
  })

  test('ranks a proven cause before all others', () => {
    expect(codes(finding('CLOCK_SKEW', 'certain'), finding('ALIAS', 'proven'))).toEqual([
      'ALIAS',
      'CLOCK_SKEW',
    ])
  })

  test('ranks a wrong clock before causes that depend on it', () => {
    expect(codes(finding('KEY_UNKNOWN', 'certain'), finding('CLOCK_SKEW', 'certain'))).toEqual([
      'CLOCK_SKEW',
      'KEY_UNKNOWN',
    ])
  })

  test('takes the later of two equally sure causes with the same code', () => {
    const [later] = finding('ALIAS', 'certain').candidates ?? []
    const second = { ...finding('ALIAS', 'certain'), candidates: [{ ...later, why: 'more' }] } as Finding
    expect(rankCauses([finding('ALIAS', 'certain'), second])).toMatchObject([{ why: 'more' }])
    expect(rankCauses([second, finding('ALIAS', 'likely', true)])).toMatchObject([{ why: 'more' }])
  })

  test('leaves out causes that are only likely without a refusal', () => {
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
  ])('writes the policy for %s', (signedRegion, host, resource) => {
    const statement = policyStatement({ ...facts, signedRegion, endpoint: { host, port: 5432 } })
    expect(JSON.parse(statement.slice(0, statement.indexOf('\n(')))).toEqual({
      Effect: 'Allow',
      Action: 'rds-db:connect',
      Resource: resource,
    })
  })

  test('quotes the user in SQL', () => {
    expect(grantFix({ ...facts, user: 'o"dd' })).toContain('GRANT rds_iam TO "o""dd";')
    expect(grantFix({ ...facts, engine: 'mysql', user: "o'dd" })).toContain(
      "CREATE USER 'o''dd'@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';",
    )
  })
})

test('redacts secrets, and parameters of tokens', () => {
  const redactor = new Redactor()
  redactor.add('a/secret+key')
  redactor.add(undefined)
  expect(
    redactor.redact('x a/secret+key y a%2Fsecret%2Bkey z X-Amz-Signature=abc&X-Amz-Security-Token=d%2F'),
  ).toBe('x [redacted] y [redacted] z X-Amz-Signature=[redacted]&X-Amz-Security-Token=[redacted]')
})
