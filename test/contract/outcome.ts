import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { isRdsIamError, type RdsIamError } from '@rds-iam/core'

/** Finds our error in an error's cause chain. */
export function ours(error: unknown): RdsIamError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (isRdsIamError(at)) return at
  return undefined
}

/** A driver's error. It has a code if the server sent it. */
export type DriverError = Error & { code?: string; errno?: number }

/** Waits for a promise to reject, and returns its error. */
export async function rejection(promise: Promise<unknown>): Promise<DriverError> {
  try {
    await promise
  } catch (error) {
    return error as DriverError
  }
  throw new Error('it was not rejected')
}

/** Waits for the next messages of a diagnostics channel. */
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

/** Waits for the next message of a diagnostics channel. */
export async function nextMessage(channel: string): Promise<unknown> {
  const [message] = await nextMessages(channel, 1)
  return message
}
