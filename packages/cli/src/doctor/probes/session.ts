import { within } from '@rds-iam/core/internal'
import type { AwsCredentialIdentity } from '@smithy/types'
import type { ServerObservation } from '../checks/server'

const QUERY_LIMIT_MS = 5_000
const CLOSE_LIMIT_MS = 1_000

/** The options of a login that both drivers' configurations take. */
export interface DriverOptions {
  host: string
  port: number
  user: string
  database?: string
  ssl?: { ca: string }
  iam: { region: string; endpoint: string; credentials: AwsCredentialIdentity }
}

/** An open session: what to ask in it, and how to end it. */
interface Session {
  describe(): Promise<ServerObservation>
  /** Tells the server that the session ends, and waits until the server has closed the connection. */
  end(): Promise<unknown>
  /** Closes the connection at once. */
  destroy(): void
}

/** Asks a session for its server, and ends the session, whether or not the server answers. */
export async function describeServer(session: Session): Promise<ServerObservation> {
  const silence = (): Error =>
    Object.assign(new Error(`within ${QUERY_LIMIT_MS / 1_000} s`), { code: 'timeout' })
  try {
    return await within(QUERY_LIMIT_MS, session.describe(), silence)
  } catch (error) {
    const { code = 'unknown', message } = error as NodeJS.ErrnoException
    return { error: { code, message } }
  } finally {
    await within(CLOSE_LIMIT_MS, session.end(), silence).catch(() => {})
    session.destroy()
  }
}
