import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { ClockObservation } from '../checks/clock'

const ANSWERED = 'http.client.response.finish'
const LIMIT_MS = 1_000

// An application that calls `diagnose` makes requests of its own at the same time: ignore them.
const ownRequests = new AsyncLocalStorage<object>()

/** Does some work with the AWS SDK, and reads the clock of the server that answered its last HTTP request. */
export async function withServerClock<T>(
  work: () => Promise<T>,
): Promise<{ result: T; clock: ClockObservation | undefined }> {
  let clock: ClockObservation | undefined
  const call = {}
  const onAnswer = (message: unknown): void => {
    if (ownRequests.getStore() !== call) return
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage }
    const server = String(request.getHeader('host') ?? request.host)
    clock = readClock(response.headers.date, server) ?? clock
  }
  subscribe(ANSWERED, onAnswer)
  try {
    return { result: await ownRequests.run(call, work), clock }
  } finally {
    unsubscribe(ANSWERED, onAnswer)
  }
}

/** The clock of a server, from the Date header of an answer. */
export function readClock(date: string | null | undefined, server: string): ClockObservation | undefined {
  const theirs = Date.parse(date ?? '')
  // The header has whole seconds: half a second later is the best guess.
  return Number.isNaN(theirs) ? undefined : { skewMs: Date.now() - (theirs + 500), server }
}

/** Asks the credential endpoint of the container or of EC2 for the time, which needs neither a key nor a route to AWS. */
export async function probeClock(): Promise<ClockObservation | undefined> {
  const url = credentialEndpoint()
  if (!url) return undefined
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS), redirect: 'manual' })
    await response.body?.cancel()
    return readClock(response.headers.get('date'), url.host)
  } catch {
    return undefined
  }
}

function credentialEndpoint(): URL | undefined {
  const { env } = process
  const path = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']
  const container = path ? `http://169.254.170.2${path}` : env['AWS_CONTAINER_CREDENTIALS_FULL_URI']
  const instance = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || 'http://169.254.169.254'
  const address = container || (env['AWS_EC2_METADATA_DISABLED'] === 'true' ? '' : instance)
  return URL.canParse(address) ? new URL(address) : undefined
}
