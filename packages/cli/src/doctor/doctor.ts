import { builtInTrust, createTokenProvider, isRdsIamError, parseEndpoint, resolveRegion } from '@rds-iam/core'
import { findCredentials, sourceOf, type FoundCredentials } from '../credentials'
import { splitPem, type Address, type LoginOptions } from '../login-options'
import { messageOf } from '../message-of'
import type { Redactor } from '../redact'
import { rankCauses } from './causes'
import { checkClock } from './checks/clock'
import { checkCredentials, type CredentialsObservation } from './checks/credentials'
import { checkDns, endpointBehind } from './checks/dns'
import { checkEndpoint } from './checks/endpoint'
import { checkIdentity } from './checks/identity'
import { checkLogin } from './checks/login'
import { checkOptions } from './checks/options'
import { checkRegion, type RegionObservation } from './checks/region'
import { checkServer } from './checks/server'
import { checkTcp } from './checks/tcp'
import { checkTls } from './checks/tls'
import { checkToken } from './checks/token'
import { probeDns } from './probes/dns'
import { probeLogin } from './probes/login'
import { probeSts } from './probes/sts'
import { probeTcp } from './probes/tcp'
import { probeTls } from './probes/tls'
import type { Diagnosis } from './report'
import { createSteps, type DoctorParts, type Steps } from './steps'
import type { Subject } from './subject'

const DEFAULT_STS_REGION = 'us-east-1'

/** Makes the checks in their order, shows each as it happens, and ranks the causes of what failed. */
export async function diagnose(options: LoginOptions, parts: DoctorParts): Promise<Diagnosis> {
  const subject: Subject = { ...options }
  const steps = createSteps(parts)
  await steps.take('options', () => checkOptions(subject))
  const isNamed = await lookUpName(subject, steps)
  const credentials = await aboutIdentity(subject, steps, parts.redactor)
  await aboutServer(subject, steps, { isNamed, credentials, redactor: parts.redactor })

  const { findings } = steps
  const diagnosis = {
    ok: findings.every(({ status }) => status !== 'failed'),
    findings,
    causes: rankCauses(findings),
  }
  parts.reporter.finished(diagnosis)
  return diagnosis
}

/** DNS; tells whether there is anything to dial. */
async function lookUpName(subject: Subject, steps: Steps): Promise<boolean> {
  let isNamed = false
  await steps.take('dns', async () => {
    const observation = await probeDns(subject.dial.host)
    isNamed = observation.error === undefined
    const finding = checkDns(subject, observation)
    const behind = endpointBehind(observation)
    // The checks go on with what an alias leads to: it may not be the only fault.
    if (!subject.endpoint && behind !== undefined)
      subject.endpoint = { host: behind, port: subject.dial.port }
    return finding
  })
  return isNamed
}

/** Who signs, for which region, at what time. */
async function aboutIdentity(
  subject: Subject,
  steps: Steps,
  redactor: Redactor,
): Promise<FoundCredentials | undefined> {
  const region = await regionOf(subject)
  if (region.region !== undefined) subject.signedRegion = region.region
  let credentials: FoundCredentials | undefined
  await steps.take('credentials', async () => {
    const { observation, found } = await askForCredentials(subject)
    redactor.add(found?.identity.secretAccessKey)
    redactor.add(found?.identity.sessionToken)
    const finding = checkCredentials(observation, new Date())
    if (finding.status !== 'failed') credentials = found
    return finding
  })

  const stsRegion = subject.signedRegion ?? DEFAULT_STS_REGION
  const signer = credentials
  const asked = probeSts(stsRegion, signer)
  let arn: string | undefined
  if (!signer) await steps.skip('identity', 'there are no credentials')
  else {
    await steps.take('identity', async () => {
      const { identity } = await asked
      if (identity.kind === 'identity') ({ arn, account: subject.account } = identity)
      const { until } = signer
      const temporary = signer.identity.sessionToken !== undefined
      return checkIdentity(identity, { temporary, ...(until ? { until } : {}) })
    })
  }
  await steps.take('region', () => checkRegion(subject, { ...region, ...(arn === undefined ? {} : { arn }) }))
  const { endpoint } = subject
  if (endpoint) await steps.take('endpoint', () => checkEndpoint(subject, endpoint))
  else await steps.skip('endpoint', 'no RDS endpoint is known')
  await steps.take('clock', async () => checkClock((await asked).clock))
  return credentials
}

/** What is known by now, for the checks that need the server. */
interface Preparation {
  isNamed: boolean
  credentials: FoundCredentials | undefined
  redactor: Redactor
}

/** What answers, and whether it lets us in. */
async function aboutServer(subject: Subject, steps: Steps, preparation: Preparation): Promise<void> {
  const { endpoint } = subject
  const { protocol, reason } = await reachServer(subject, steps, preparation.isNamed)
  const { credentials, redactor } = preparation
  if (!endpoint || !credentials || subject.signedRegion === undefined) {
    const lack = credentials ? 'no endpoint or region is known to sign for' : 'there are no credentials'
    await steps.skip('token', lack)
    await steps.skip('login', 'there is no token')
    return
  }
  const { identity } = credentials
  const { user, signedRegion: region } = subject
  await steps.take('token', async () => {
    const token = await createTokenProvider({ ...endpoint, user, region, credentials: identity }).getToken()
    redactor.add(token.value)
    const ends = [token.expiresAt, ...(credentials.until ? [credentials.until] : [])].map(Number)
    return checkToken(token.value, new Date(Math.min(...ends)))
  })
  if (protocol === undefined) {
    await steps.skip('login', reason)
    return
  }
  let server
  const isIn = await steps.take('login', async () => {
    const probe = await probeLogin(subject, endpoint, identity)
    server = probe.server
    return checkLogin(subject, probe.observation)
  })
  const answered: Awaited<ReturnType<typeof probeLogin>>['server'] = server
  if (isIn && answered) await steps.take('server', () => checkServer(answered, protocol))
}

/** TCP and TLS; gives the version of TLS where a token may be sent, and otherwise why not. */
async function reachServer(
  subject: Subject,
  steps: Steps,
  isNamed: boolean,
): Promise<{ protocol?: string; reason: string }> {
  const reason = 'no token is sent without verified TLS'
  if (!isNamed) {
    await steps.skip('tcp', 'the name has no address')
    await steps.skip('tls', 'there is no connection')
    return { reason }
  }
  let socket: Awaited<ReturnType<typeof probeTcp>>['socket']
  await steps.take('tcp', async () => {
    const probe = await probeTcp(subject.dial)
    socket = probe.socket
    return checkTcp(subject, probe.observation)
  })
  const { endpoint, dial, engine } = subject
  const connected = socket
  if (!connected || !endpoint) {
    connected?.destroy()
    await steps.skip(
      'tls',
      connected ? 'no RDS endpoint is known to hold the certificate against' : 'there is no connection',
    )
    return { reason }
  }
  let protocol: string | undefined
  const isSafe = await steps.take('tls', async () => {
    const observation = await probeTls(connected, { engine, dial, endpoint, ca: trustOf(subject, endpoint) })
    if (observation.kind === 'certificate') ({ protocol } = observation)
    return checkTls(subject, endpoint, observation)
  })
  return isSafe && protocol !== undefined ? { protocol, reason } : { reason }
}

async function regionOf({ endpoint, dial, region, profile }: Subject): Promise<RegionObservation> {
  const environment = process.env['AWS_REGION'] || process.env['AWS_DEFAULT_REGION']
  try {
    const found = await resolveRegion(parseEndpoint((endpoint ?? dial).host), { region, profile })
    return { region: found, ...(environment ? { environment } : {}) }
  } catch (error) {
    return { message: messageOf(error) }
  }
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

async function askForCredentials(
  subject: Subject,
): Promise<{ observation: CredentialsObservation; found?: FoundCredentials }> {
  try {
    const found = await findCredentials(subject)
    const { identity, until } = found
    const source = sourceOf(found)
    const { accessKeyId, sessionToken } = identity
    const observation = { found: true, accessKeyId, source, temporary: sessionToken !== undefined } as const
    return { observation: { ...observation, ...(until ? { until } : {}) }, found }
  } catch (error) {
    const code = isRdsIamError(error) ? error.code : 'CREDENTIALS_UNAVAILABLE'
    return { observation: { found: false, code, message: messageOf(error), reasons: reasonsOf(error) } }
  }
}

function reasonsOf(error: unknown): string[] {
  const { cause } = error as Error
  if (cause instanceof AggregateError) return cause.errors.map((each) => (each as Error).message)
  return cause instanceof Error ? [cause.message] : []
}
