import type { Socket } from 'node:net'
import { createTokenProvider, parseEndpoint } from '@rds-iam/core'
import { builtInCas, type Credentials } from '@rds-iam/core/internal'
import { splitPem, type LoginOptions } from '../login/options'
import { alternatives, type Hints } from './alternatives'
import { regionOfCertificate } from './checks/certificate'
import { checkClock } from './checks/clock'
import { checkCredentials } from './checks/credentials'
import { checkDns, endpointBehind, type DnsObservation } from './checks/dns'
import { checkEndpoint, checkOptions } from './checks/endpoint'
import { checkIdentity, type StsObservation } from './checks/identity'
import { checkLogin, checkServer, checkToken, isRefusal } from './checks/login'
import { checkRegion } from './checks/region'
import { checkTcp } from './checks/tcp'
import { checkTls, checkUnknownTls, type TlsObservation } from './checks/tls'
import type { Checklist, Redactor } from './checklist'
import type { EndpointFacts, RegionFacts, TokenFacts } from './facts'
import { rankCauses } from './finding'
import { probeCredentials } from './probes/credentials'
import { probeDns } from './probes/dns'
import { probeLogin } from './probes/login'
import { probeRegions, type Regions } from './probes/regions'
import { probeClock } from './probes/server-clock'
import { probeSts } from './probes/sts'
import { probeTcp } from './probes/tcp'
import { probeTls } from './probes/tls'
import type { Diagnosis } from './report'

const DEFAULT_STS_REGION = 'us-east-1'

/** Runs the checks in their order, and ranks the causes of what failed. */
export async function runChecks(
  options: LoginOptions,
  checklist: Checklist,
  redactor: Redactor,
): Promise<Diagnosis> {
  await checklist.run('options', () => options, checkOptions)
  const dns = await checkName(options, checklist)
  const endpointFacts = withEndpoint(options, dns)
  const regions = await probeRegions(endpointFacts)
  const facts: RegionFacts =
    regions.signed === undefined ? endpointFacts : { ...endpointFacts, signedRegion: regions.signed }
  const { credentials, account, arn } = await checkSigner(facts, regions, checklist, redactor)
  const tls = await checkServerIdentity(facts, dns, checklist)
  const hints = hintsOf(dns, regions, tls.observed)

  const { endpoint, signedRegion } = facts
  if (!credentials || !endpoint || signedRegion === undefined) {
    const reason = credentials ? 'no endpoint or region to sign for is known' : 'there are no credentials'
    await checklist.skip('token', reason)
    await checklist.skip('login', 'there is no token')
  } else {
    const tokenFacts: TokenFacts = {
      ...facts,
      endpoint,
      signedRegion,
      ...(account === undefined ? {} : { account }),
      ...(arn === undefined ? {} : { arn }),
    }
    await checkSignedToken(tokenFacts, credentials, checklist, redactor)
    if (tls.passed) await logIn(tokenFacts, credentials, hints, checklist)
    else await checklist.skip('login', 'no token is sent without verified TLS')
  }

  const { findings } = checklist
  return {
    ok: findings.every(({ status }) => status !== 'failed'),
    findings: findings.map(({ check, status, seen }) => ({ check, status, seen })),
    causes: rankCauses(findings),
  }
}

async function checkName(options: LoginOptions, checklist: Checklist): Promise<DnsObservation> {
  const { observed } = await checklist.run(
    'dns',
    () => probeDns(options.dial.host),
    (seen) => checkDns(options, seen),
  )
  return observed
}

/**
 * Adds the endpoint behind an alias, so that the other checks can run and find further faults. With `followCname`, a
 * login dials that endpoint.
 */
function withEndpoint(options: LoginOptions, dns: DnsObservation): EndpointFacts {
  const host = endpointBehind(dns)
  if (options.endpoint || host === undefined) return options
  const endpoint = { host, port: options.dial.port }
  return { ...options, endpoint, ...(options.followCname ? { dial: endpoint } : {}) }
}

/** Checks the credentials, their identity, the region, the endpoint and the clock. */
async function checkSigner(
  facts: RegionFacts,
  { others }: Regions,
  checklist: Checklist,
  redactor: Redactor,
): Promise<{ credentials?: Credentials; account?: string; arn?: string }> {
  const { endpoint, signedRegion } = facts
  const fetched = await checklist.run(
    'credentials',
    async () => {
      const probe = await probeCredentials(facts)
      redactor.add(probe.found?.identity.secretAccessKey)
      redactor.add(probe.found?.identity.sessionToken)
      return probe
    },
    ({ observation }) => checkCredentials(observation, new Date()),
  )
  const credentials = fetched.passed ? fetched.observed.found : undefined
  const named = parseEndpoint(endpoint?.host ?? '').region
  const sts = probeSts(named ?? signedRegion ?? DEFAULT_STS_REGION, credentials?.identity)
  const identity =
    credentials && (await checkCaller(credentials, async () => (await sts).identity, checklist))
  if (!identity) await checklist.skip('identity', 'there are no credentials')
  await checklist.run(
    'region',
    () => ({ others, arn: identity?.arn }),
    (seen) => checkRegion(facts, seen),
  )
  if (endpoint) {
    await checklist.run(
      'endpoint',
      () => endpoint,
      (signed) => checkEndpoint(facts, signed),
    )
  } else await checklist.skip('endpoint', 'no RDS endpoint is known')
  await checklist.run(
    'clock',
    async () => (await sts).clock ?? fetched.observed.clock ?? probeClock(),
    checkClock,
  )
  return {
    ...(credentials ? { credentials } : {}),
    ...(identity?.account === undefined ? {} : { account: identity.account }),
    ...(identity?.arn === undefined ? {} : { arn: identity.arn }),
  }
}

async function checkCaller(
  { identity, expiresAt: until }: Credentials,
  askSts: () => Promise<StsObservation>,
  checklist: Checklist,
): Promise<{ account: string | undefined; arn?: string }> {
  const temporary = identity.sessionToken !== undefined
  const { observed } = await checklist.run('identity', askSts, (seen) =>
    checkIdentity(seen, { temporary, until }),
  )
  return observed.kind === 'identity' ? observed : { account: identity.accountId }
}

/** Checks TCP and TLS. If they pass, a token may be sent. */
async function checkServerIdentity(
  facts: RegionFacts,
  dns: DnsObservation,
  checklist: Checklist,
): Promise<{ passed: boolean; observed?: TlsObservation }> {
  const { dial, endpoint, engine, ssl } = facts
  const socket = await connect(facts, dns, checklist)
  if (!socket) {
    await checklist.skip('tls', 'there is no connection')
    return { passed: false }
  }
  return checklist.run(
    'tls',
    () =>
      probeTls(socket, {
        engine,
        dial,
        endpoint: endpoint ?? dial,
        ca: trustedCas(facts),
        secureContext: ssl?.secureContext,
      }),
    (seen) => (endpoint ? checkTls(facts, endpoint, seen) : checkUnknownTls(facts, seen)),
  )
}

async function connect(
  facts: RegionFacts,
  dns: DnsObservation,
  checklist: Checklist,
): Promise<Socket | undefined> {
  if (dns.error !== undefined) {
    await checklist.skip('tcp', 'the name has no address')
    return undefined
  }
  const { observed } = await checklist.run(
    'tcp',
    () => probeTcp(facts.dial),
    ({ observation }) => checkTcp(facts, observation),
  )
  return observed.socket
}

async function checkSignedToken(
  { endpoint, user, signedRegion: region }: TokenFacts,
  { identity: credentials, expiresAt: until }: Credentials,
  checklist: Checklist,
  redactor: Redactor,
): Promise<void> {
  await checklist.run(
    'token',
    async () => {
      const token = await createTokenProvider({ ...endpoint, user, region, credentials }).getToken()
      redactor.add(token.value)
      return token
    },
    ({ value, expiresAt }) => checkToken(value, until && until < expiresAt ? until : expiresAt),
  )
}

/** Logs in. If the server refuses the token, tries the alternatives. */
async function logIn(
  facts: TokenFacts,
  { identity }: Credentials,
  hints: Hints,
  checklist: Checklist,
): Promise<void> {
  const { observed } = await checklist.run(
    'login',
    async () => {
      const login = await probeLogin(facts, identity)
      if (!isRefusal(facts, login)) return { ...login, trials: [] }
      const trials = alternatives(facts, hints).map(async (alternative) => {
        const { endpoint, region: signedRegion } = alternative
        const { error } = await probeLogin({ ...facts, endpoint, signedRegion }, identity)
        return { ...alternative, accepted: error === undefined }
      })
      return { ...login, trials: await Promise.all(trials) }
    },
    (seen) => checkLogin(facts, seen),
  )
  const { server } = observed
  if (server)
    await checklist.run(
      'server',
      () => server,
      (seen) => checkServer(facts, seen),
    )
}

function hintsOf(dns: DnsObservation, { others }: Regions, tls: TlsObservation | undefined): Hints {
  const certificate = tls?.kind === 'certificate' ? tls : undefined
  const names = [...dns.aliasOf, ...(certificate?.names ?? [])]
  const regions = [
    ...(certificate ? [regionOfCertificate(certificate)] : []),
    ...names.map((name) => parseEndpoint(name).region),
    ...others,
  ]
  return { names, regions: regions.filter((region) => region !== undefined) }
}

/** The CA certificates that a login trusts; none if those of the region are not known. */
function trustedCas({ ca, dial, endpoint, signedRegion }: RegionFacts): readonly string[] {
  if (ca) return splitPem(ca.pem)
  try {
    return builtInCas(parseEndpoint((endpoint ?? dial).host), signedRegion ?? '')
  } catch {
    return []
  }
}
