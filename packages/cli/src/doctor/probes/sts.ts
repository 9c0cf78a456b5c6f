import type { SignatureV4 as Signer } from '@smithy/signature-v4'
import type { AwsCredentialIdentity } from '@smithy/types'
import { reasonOf, textOf } from '../../http'
import type { ClockObservation } from '../checks/clock'
import type { StsObservation } from '../checks/identity'
import { partitionOf } from '../partition'
import { readClock } from './server-clock'

const LIMIT_MS = 3_000
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15'
const HEADERS = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
const LONGEST_ANSWER = 65_536

/** What one request to STS tells: whose the credentials are, and the time. */
export interface StsProbe {
  identity: StsObservation
  clock: ClockObservation | undefined
}

/** Asks STS for the identity of credentials. Without credentials, the answer tells only the time. */
export async function probeSts(
  region: string,
  credentials: AwsCredentialIdentity | undefined,
): Promise<StsProbe> {
  const url = stsUrl(region)
  const signal = AbortSignal.timeout(LIMIT_MS)
  let clock: ClockObservation | undefined
  const identity = async (): Promise<StsObservation> => {
    const headers = credentials ? await signedHeaders(url, region, credentials) : HEADERS
    const response = await fetch(url, { method: 'POST', headers, body: BODY, signal, redirect: 'manual' })
    clock = readClock(response.headers.get('date'), url.host)
    return readAnswer(await textOf(response, LONGEST_ANSWER))
  }
  const observed = await identity().catch((error: unknown): StsObservation => {
    const reason = signal.aborted
      ? `${url.host} does not answer within ${LIMIT_MS / 1_000} s`
      : `${url.host}: ${reasonOf(error)}`
    return { kind: 'unreachable', reason }
  })
  return { identity: observed, clock }
}

function stsUrl(region: string): URL {
  const given = process.env['AWS_ENDPOINT_URL_STS'] || process.env['AWS_ENDPOINT_URL']
  if (given && URL.canParse(given)) return new URL(given)
  return new URL(`https://sts.${region}.${partitionOf(region).suffix}/`)
}

async function signedHeaders(
  url: URL,
  region: string,
  credentials: AwsCredentialIdentity,
): Promise<Record<string, string>> {
  const { SignatureV4 } = require('@smithy/signature-v4') as { SignatureV4: typeof Signer }
  const { Hash } = require('@smithy/core/serde') as typeof import('@smithy/core/serde')
  const signer = new SignatureV4({ credentials, region, service: 'sts', sha256: Hash.bind(null, 'sha256') })
  const { protocol, hostname, host, pathname: path } = url
  const request = {
    method: 'POST',
    protocol,
    hostname,
    path,
    query: {},
    headers: { ...HEADERS, host },
    body: BODY,
  }
  const signed = await signer.sign(request)
  // fetch sets the header `host` itself, to the same value.
  const { host: _, ...headers } = signed.headers
  return headers
}

function readAnswer(body: string): StsObservation {
  const element = (name: string): string | undefined =>
    new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1]
  const [account, arn, code] = [element('Account'), element('Arn'), element('Code')]
  if (account !== undefined && arn !== undefined) return { kind: 'identity', account, arn }
  if (code !== undefined) return { kind: 'refusal', code, message: element('Message') ?? '' }
  return { kind: 'unreachable', reason: 'the answer is not from STS' }
}
