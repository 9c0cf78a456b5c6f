import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as delay } from 'node:timers/promises'
import { randomBytes } from 'node:crypto'
import type { TokenSignedEvent } from '@rds-iam/core'
import type { LocalRds, TestIdentity } from '@rds-iam/local'
import { say } from './print'

const SESSION_LIFETIME_MS = 4_000

/** An AWS session that lives four seconds instead of an hour, and ends the tokens that it signed with itself. */
export function createShortSession(rds: LocalRds) {
  const issued: TestIdentity[] = []
  let tokenEnds = new Date()

  async function credentials(): Promise<TestIdentity & { expiration: Date }> {
    const session = {
      accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(20).toString('hex'),
      sessionToken: randomBytes(40).toString('base64'),
      expiration: new Date(Date.now() + SESSION_LIFETIME_MS),
    }
    issued.push(session)
    rds.setIdentities(issued)
    return session
  }
  function signed(event: unknown): void {
    const { user, endpoint, expiresAt, durationMs } = event as TokenSignedEvent
    tokenEnds = expiresAt
    const seconds = ((expiresAt.getTime() - Date.now()) / 1000).toFixed(1)
    say(
      `· a token for ${user}@${endpoint.host}:${endpoint.port}, signed in ${durationMs.toFixed(0)} ms, good for ${seconds} s`,
    )
  }
  subscribe('rds-iam:token.signed', signed)
  return {
    credentials,
    /** Waits until the last token has ended. */
    async ended(): Promise<void> {
      await delay(Math.max(0, tokenEnds.getTime() - Date.now()) + 10)
    },
    stop: () => unsubscribe('rds-iam:token.signed', signed),
  }
}
