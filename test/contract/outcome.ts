import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { isRdsIamError, type RdsIamError } from '@rds-iam/core'

/** The error of ours on an error's cause chain. */
export function ours(error: unknown): RdsIamError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (isRdsIamError(at)) return at
  return undefined
}

/** An error of a driver's, with the server's code where it is the server's. */
export type DriverError = Error & { code?: string; errno?: number }

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<DriverError> {
  try {
    await promise
  } catch (error) {
    return error as DriverError
  }
  throw new Error('it was not rejected')
}

/** The next messages of a diagnostics channel. */
export function nextMessages(channel: string, count: number): Promise<unknown[]> {
  const messages: unknown[] = []
  return new Promise((resolve) => {
    const listen = (message: unknown) => {
      if (messages.push(message) < count) return
      unsubscribe(channel, listen)
      resolve(messages)
    }
    subscribe(channel, listen)
  })
}

/** The next message of a diagnostics channel. */
export async function nextMessage(channel: string): Promise<unknown> {
  const [message] = await nextMessages(channel, 1)
  return message
}
