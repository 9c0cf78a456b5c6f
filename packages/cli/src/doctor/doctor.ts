import type { Socket } from 'node:net'
import { createTokenProvider, parseEndpoint } from '@rds-iam/core'
import { builtInTrust, type Address, type Credentials } from '@rds-iam/core/internal'
import { splitPem, type LoginOptions } from '../login/options'
import { alternatives, type Clues } from './alternatives'
import { rankCauses } from './causes'
import { regionOfCertificate } from './checks/certificate'
import { checkClock } from './checks/clock'
import { checkCredentials } from './checks/credentials'
import { checkDns, endpointBehind, type DnsObservation } from './checks/dns'
import { checkEndpoint } from './checks/endpoint'
import { checkIdentity } from './checks/identity'
import { checkLogin, isRefusal } from './checks/login'
import { checkOptions } from './checks/options'
import { checkRegion, type RegionObservation } from './checks/region'
import { checkServer } from './checks/server'
import { checkTcp } from './checks/tcp'
import { checkTls, checkUnknownTls, type TlsObservation } from './checks/tls'
import { checkToken } from './checks/token'
import { probeClock } from './probes/clock'
import { probeCredentials } from './probes/credentials'
import { probeDns } from './probes/dns'
import { probeLogin } from './probes/login'
import { probeRegion } from './probes/region'
import { probeSts } from './probes/sts'
import { probeTcp } from './probes/tcp'
import { probeTls } from './probes/tls'
import type { Redactor } from './redact'
import type { Diagnosis } from './report'
import { createSteps, type DoctorParts, type Steps } from './steps'
import type { Subject } from './subject'

const DEFAULT_STS_REGION = 'us-east-1'

/** Makes the checks in their order, shows each as it happens, and ranks the causes of what failed. */
export async function diagnose(options: LoginOptions, parts: DoctorParts): Promise<Diagnosis> {
  const { reporter, redactor } = parts
  const subject: Subject = { ...options }
  const steps = createSteps(parts)
  await steps.take('options', () => subject, checkOptions)
  const names = await lookUpName(subject, steps)
  const { credentials, region } = await aboutIdentity(subject, steps, redactor)
  const { isSafe, tls } = await reachServer(subject, steps, names)
  const clues = cluesOf(names, region, tls)
  await logIn(subject, steps, { credentials, isSafe, clues, redactor })

  const { findings } = steps
  const ok = findings.every(({ status }) => status !== 'failed')
  const diagnosis = { ok, findings, causes: rankCauses(findings) }
  reporter.finished(diagnosis)
  return diagnosis
}

async function lookUpName(subject: Subject, steps: Steps): Promise<DnsObservation> {
  const { dial } = subject
  const { observed } = await steps.take(
    'dns',
    () => probeDns(dial.host),
    (seen) => checkDns(subject, seen),
  )
  // The checks go on with what an alias leads to: it may not be the only fault.
  const behind = endpointBehind(observed)
  if (!subject.endpoint && behind !== undefined) subject.endpoint = { host: behind, port: dial.port }
  return observed
}

/** Who signs, for which region, at what time. */
async function aboutIdentity(
  subject: Subject,
  steps: Steps,
  redactor: Redactor,
): Promise<{ credentials: Credentials | undefined; region: RegionObservation }> {
  const region = await probeRegion(subject)
  if (region.region !== undefined) subject.signedRegion = region.region
  const looked = await steps.take(
    'credentials',
    async () => {
      const probe = await probeCredentials(subject)
      redactor.add(probe.found?.identity.secretAccessKey)
      redactor.add(probe.found?.identity.sessionToken)
      return probe
    },
    ({ observation }) => checkCredentials(observation, new Date()),
  )
  const credentials = looked.passed ? looked.observed.found : undefined
  const named = parseEndpoint(subject.endpoint?.host ?? '').region
  const asked = probeSts(named ?? subject.signedRegion ?? DEFAULT_STS_REGION, credentials?.identity)
  let arn: string | undefined
  if (!credentials) await steps.skip('identity', 'there are no credentials')
  else {
    const { identity, expiresAt: until } = credentials
    const temporary = identity.sessionToken !== undefined
    const { observed } = await steps.take(
      'identity',
      async () => (await asked).identity,
      (seen) => checkIdentity(seen, { temporary, until }),
    )
    if (observed.kind === 'identity') ({ arn, account: subject.account } = observed)
    else subject.account = identity.accountId
  }
  await steps.take(
    'region',
    () => region,
    (seen) => checkRegion(subject, { ...seen, arn }),
  )
  const { endpoint } = subject
  if (endpoint) {
    await steps.take(
      'endpoint',
      () => endpoint,
      (signed) => checkEndpoint(subject, signed),
    )
  } else await steps.skip('endpoint', 'no RDS endpoint is known')
  await steps.take(
    'clock',
    async () => (await asked).clock ?? looked.observed.clock ?? probeClock(),
    (seen) => checkClock(seen),
  )
  return { credentials, region }
}

/** TCP and TLS; tells whether a token may be sent. */
async function reachServer(
  subject: Subject,
  steps: Steps,
  names: DnsObservation,
): Promise<{ isSafe: boolean; tls?: TlsObservation }> {
  const { dial, endpoint, engine } = subject
  const socket = await connect(subject, steps, names)
  if (!socket) {
    await steps.skip('tls', 'there is no connection')
    return { isSafe: false }
  }
  const ca = trustOf(subject, endpoint ?? dial)
  const { observed, passed } = await steps.take(
    'tls',
    () => probeTls(socket, { engine, dial, endpoint: endpoint ?? dial, ca }),
    (seen) => (endpoint ? checkTls(subject, endpoint, seen) : checkUnknownTls(subject, seen)),
  )
  return { isSafe: passed, tls: observed }
}

async function connect(subject: Subject, steps: Steps, names: DnsObservation): Promise<Socket | undefined> {
  if (names.error !== undefined) {
    await steps.skip('tcp', 'the name has no address')
    return undefined
  }
  const { observed } = await steps.take(
    'tcp',
    () => probeTcp(subject.dial),
    ({ observation }) => checkTcp(subject, observation),
  )
  return observed.socket
}

/** What is known by now, for the checks that need it all. */
interface Preparation {
  credentials: Credentials | undefined
  isSafe: boolean
  clues: Clues
  redactor: Redactor
}

/** The token, the login with it, and what the session says. */
async function logIn(subject: Subject, steps: Steps, preparation: Preparation): Promise<void> {
  const { endpoint, user, signedRegion: region } = subject
  const { credentials, isSafe, clues, redactor } = preparation
  if (!endpoint || !credentials || region === undefined) {
    const lack = credentials ? 'no endpoint or region is known to sign for' : 'there are no credentials'
    await steps.skip('token', lack)
    return steps.skip('login', 'there is no token')
  }
  const { identity, expiresAt: until } = credentials
  await steps.take(
    'token',
    async () => {
      const token = await createTokenProvider({ ...endpoint, user, region, credentials: identity }).getToken()
      redactor.add(token.value)
      return token
    },
    ({ value, expiresAt }) => checkToken(value, until && until < expiresAt ? until : expiresAt),
  )
  if (!isSafe) return steps.skip('login', 'no token is sent without verified TLS')

  const target = { endpoint, region }
  const { observed } = await steps.take(
    'login',
    async () => {
      const login = await probeLogin(subject, target, identity)
      if (!isRefusal(login)) return { ...login, trials: [] }
      const trials = alternatives(subject, target, clues).map(async (alternative) => {
        const { error } = await probeLogin(subject, alternative, identity)
        return { ...alternative, accepted: error === undefined }
      })
      return { ...login, trials: await Promise.all(trials) }
    },
    (seen) => checkLogin(subject, target, seen),
  )
  const { server } = observed
  if (server) await steps.take('server', () => server, checkServer)
}

function cluesOf(names: DnsObservation, region: RegionObservation, tls: TlsObservation | undefined): Clues {
  const certificate = tls?.kind === 'certificate' ? tls : undefined
  const found = [...names.aliasOf, ...(certificate?.names ?? [])]
  const regions = [
    ...(certificate ? [regionOfCertificate(certificate)] : []),
    ...found.map((name) => parseEndpoint(name).region),
    ...region.others,
  ]
  return { names: found, regions: regions.filter((each) => each !== undefined) }
}

/** Whom a login trusts; nobody where nothing is known. */
function trustOf({ ca, signedRegion }: Subject, endpoint: Address): readonly string[] {
  if (ca) return splitPem(ca.pem)
  try {
    return builtInTrust(parseEndpoint(endpoint.host), signedRegion ?? '')
  } catch {
    return []
  }
}
