import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { ClockObservation } from '../checks/clock'

const ANSWERED = 'http.client.response.finish'

/** Does some work, and reads the clock of the server that last answered an HTTP request meanwhile. */
export async function hearingDates<T>(
  work: () => Promise<T>,
): Promise<{ result: T; clock?: ClockObservation }> {
  let clock: ClockObservation | undefined
  const hear = (message: unknown): void => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage }
    const theirs = Date.parse(response.headers.date ?? '')
    if (Number.isNaN(theirs)) return
    const server = String(request.getHeader('host') ?? request.host)
    // The header has whole seconds: half a second later is the best guess.
    clock = { skewMs: Date.now() - (theirs + 500), server }
  }
  subscribe(ANSWERED, hear)
  try {
    const result = await work()
    return clock ? { result, clock } : { result }
  } finally {
    unsubscribe(ANSWERED, hear)
  }
}
