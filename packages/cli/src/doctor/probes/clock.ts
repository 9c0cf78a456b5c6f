import { get as httpGet } from 'node:http'
import { get as httpsGet } from 'node:https'
import type { ClockObservation } from '../checks/clock'
import { hearingDates } from './dates'

const LIMIT_MS = 1_000

/** Asks the credential endpoint of a container or of EC2 what time it is: that needs neither a key nor a route to AWS. */
export async function probeClock(): Promise<ClockObservation | undefined> {
  const url = credentialEndpoint()
  return url && (await hearingDates(() => ask(url))).clock
}

function credentialEndpoint(): URL | undefined {
  const { env } = process
  const path = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']
  const container = path ? `http://169.254.170.2${path}` : env['AWS_CONTAINER_CREDENTIALS_FULL_URI']
  const instance = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || 'http://169.254.169.254'
  const address = container || (env['AWS_EC2_METADATA_DISABLED'] === 'true' ? '' : instance)
  return URL.canParse(address) ? new URL(address) : undefined
}

/** Whatever is answered, be it a refusal, has a date. */
function ask(url: URL): Promise<void> {
  return new Promise((resolve) => {
    const get = url.protocol === 'https:' ? httpsGet : httpGet
    get(url, { signal: AbortSignal.timeout(LIMIT_MS), agent: false }, (response) => {
      response.destroy()
      resolve()
    }).once('error', () => resolve())
  })
}
