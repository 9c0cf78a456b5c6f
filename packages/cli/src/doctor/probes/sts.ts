import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { ClockObservation } from '../checks/clock'
import type { StsObservation } from '../checks/identity'
import { partitionOf } from '../partition'
import { hearingDates } from './dates'
import { signRequest, type SigningKeys } from './sigv4'

const LIMIT_MS = 3_000
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15'
const LONGEST_ANSWER = 65_536

/** What one request to STS tells: whose the credentials are, and what time it is. */
export interface StsProbe {
  identity: StsObservation
  clock?: ClockObservation
}

/** Asks STS whose the keys are; without any, only what time it is. */
export async function probeSts(region: string, keys: SigningKeys | undefined): Promise<StsProbe> {
  const { result: identity, clock } = await hearingDates(() => ask(region, keys))
  return clock ? { identity, clock } : { identity }
}

async function ask(region: string, keys: SigningKeys | undefined): Promise<StsObservation> {
  const url = stsUrl(region)
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  const request = { url, body: BODY, headers, region, service: 'sts' }
  try {
    return readAnswer(await post(url, keys ? signRequest(request, keys, new Date()) : headers))
  } catch (error) {
    return { kind: 'unreachable', reason: reasonOf(error, url) }
  }
}

function stsUrl(region: string): URL {
  const given = process.env['AWS_ENDPOINT_URL_STS'] || process.env['AWS_ENDPOINT_URL']
  if (given && URL.canParse(given)) return new URL(given)
  return new URL(`https://sts.${region}.${partitionOf(region).suffix}/`)
}

function post(url: URL, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest
    const signal = AbortSignal.timeout(LIMIT_MS)
    const length = String(Buffer.byteLength(BODY))
    const request = send(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': length },
      signal,
      agent: false,
    })
    request.once('error', (error) => reject(signal.aborted ? new Error('timeout') : error))
    request.once('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
        if (body.length > LONGEST_ANSWER) response.destroy(new Error('its answer is too long'))
      })
      response.once('error', (error) => reject(signal.aborted ? new Error('timeout') : error))
      response.once('end', () => resolve(body))
    })
    request.end(BODY)
  })
}

function readAnswer(body: string): StsObservation {
  const element = (name: string): string | undefined =>
    new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1]
  const [account, arn, code] = [element('Account'), element('Arn'), element('Code')]
  if (account !== undefined && arn !== undefined) return { kind: 'identity', account, arn }
  if (code !== undefined) return { kind: 'refusal', code, message: element('Message') ?? '' }
  return { kind: 'unreachable', reason: 'what answers is not STS' }
}

function reasonOf(error: unknown, url: URL): string {
  const { code, message } = error as NodeJS.ErrnoException
  return message === 'timeout'
    ? `${url.host} does not answer within ${LIMIT_MS / 1_000} s`
    : `${url.host}: ${code ?? message}`
}
