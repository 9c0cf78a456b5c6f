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
import { checkIdentity } from './checks/identity'
import { checkLogin, checkServer, checkToken, isRefusal } from './checks/login'
import { checkRegion } from './checks/region'
import { checkTcp } from './checks/tcp'
import { checkTls, checkUnknownTls, type TlsObservation } from './checks/tls'
import { Checklist } from './checklist'
import type { EndpointFacts, RegionFacts, TokenFacts } from './facts'
import { rankCauses, skipped } from './finding'
import { probeCredentials } from './probes/credentials'
import { probeDns } from './probes/dns'
import { probeLogin } from './probes/login'
import { probeRegions, type Regions } from './probes/regions'
import { probeClock } from './probes/server-clock'
import { probeSts, type StsProbe } from './probes/sts'
import { probeTcp } from './probes/tcp'
import { probeTls } from './probes/tls'
import type { Diagnosis } from './report'

const DEFAULT_STS_REGION = 'us-east-1'

/** Runs the checks in their order, and ranks the causes of what failed. */
export async function runChecks(options: LoginOptions, checklist = new Checklist()): Promise<Diagnosis> {
  await checklist.add(checkOptions(options))
  const { observed: dns } = await checklist.run(
    'dns',
    () => probeDns(options.dial.host),
    (seen) => checkDns(options, seen),
  )
  const endpointFacts = withEndpoint(options, dns)
  const regions = await probeRegions(endpointFacts)
  const facts: RegionFacts = { ...endpointFacts, signedRegion: regions.signed }
  const { credentials, caller } = await checkSigner(facts, regions, checklist)
  const tls = await checkServerIdentity(facts, dns, checklist)

  const { endpoint, signedRegion } = facts
  if (!credentials || !endpoint || signedRegion === undefined) {
    const reason = credentials ? 'no endpoint or region to sign for is known' : 'there are no credentials'
    await checklist.add(skipped('token', reason))
    await checklist.add(skipped('login', 'there is no token'))
  } else {
    const tokenFacts: TokenFacts = { ...facts, ...caller, endpoint, signedRegion }
    await checkSignedToken(tokenFacts, credentials, checklist)
    if (tls.passed) await logIn(tokenFacts, credentials, hintsOf(dns, regions, tls.observed), checklist)
    else await checklist.add(skipped('login', 'no token is sent without verified TLS'))
  }

  const { findings } = checklist
  return {
    ok: findings.every(({ status }) => status !== 'failed'),
    findings: findings.map(({ check, status, seen }) => ({ check, status, seen })),
    causes: rankCauses(findings),
  }
}

/**
 * Adds the endpoint behind an alias, so that the other checks can run and find further faults. With `followCname`, a
 * login dials that endpoint.
 */
function withEndpoint(options: LoginOptions, dns: DnsObservation): EndpointFacts {
  const host = endpointBehind(dns)
  if (options.endpoint || host === undefined) return options
  const endpoint = { host, port: options.dial.port }
  return { ...options, endpoint, dial: options.followCname ? endpoint : options.dial }
}

/** The identity of the credentials, as far as it is known. */
type Caller = Pick<TokenFacts, 'account' | 'arn'>

/** Checks the credentials, their identity, the region, the endpoint and the clock. */
async function checkSigner(
  facts: RegionFacts,
  { others }: Regions,
  checklist: Checklist,
): Promise<{ credentials: Credentials | undefined; caller: Caller }> {
  const { endpoint, signedRegion } = facts
  const fetched = await checklist.run(
    'credentials',
    async () => {
      const probe = await probeCredentials(facts)
      checklist.redactor.add(probe.found?.identity.secretAccessKey)
      checklist.redactor.add(probe.found?.identity.sessionToken)
      return probe
    },
    ({ observation }) => checkCredentials(observation, new Date()),
  )
  const credentials = fetched.passed ? fetched.observed.found : undefined
  const named = parseEndpoint(endpoint?.host ?? '').region
  const sts = probeSts(named ?? signedRegion ?? DEFAULT_STS_REGION, credentials?.identity)
  const caller = await checkCaller(credentials, sts, checklist)
  await checklist.add(checkRegion(facts, { others, arn: caller.arn }))
  await checklist.add(
    endpoint ? checkEndpoint(facts, endpoint) : skipped('endpoint', 'no RDS endpoint is known'),
  )
  await checklist.run(
    'clock',
    async () => (await sts).clock ?? fetched.observed.clock ?? probeClock(),
    checkClock,
  )
  return { credentials, caller }
}

async function checkCaller(
  credentials: Credentials | undefined,
  sts: Promise<StsProbe>,
  checklist: Checklist,
): Promise<Caller> {
  if (!credentials) {
    await checklist.add(skipped('identity', 'there are no credentials'))
    return {}
  }
  const { identity, expiresAt: until } = credentials
  const temporary = identity.sessionToken !== undefined
  const { observed } = await checklist.run(
    'identity',
    async () => (await sts).identity,
    (seen) => checkIdentity(seen, { temporary, until }),
  )
  if (observed.kind !== 'identity') return { account: identity.accountId }
  return { account: observed.account, arn: observed.arn }
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
    await checklist.add(skipped('tls', 'there is no connection'))
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
    await checklist.add(skipped('tcp', 'the name has no address'))
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
): Promise<void> {
  await checklist.run(
    'token',
    async () => {
      const token = await createTokenProvider({ ...endpoint, user, region, credentials }).getToken()
      checklist.redactor.add(token.value)
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
  if (server) await checklist.add(checkServer(facts, server))
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
