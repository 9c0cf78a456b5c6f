import { withTimeout } from '@rds-iam/core/internal'
import type { AwsCredentialIdentity } from '@smithy/types'
import type { ServerObservation } from '../checks/login'

const QUERY_LIMIT_MS = 5_000
const CLOSE_LIMIT_MS = 1_000

/** The options that the configurations of both drivers take. */
export interface DriverOptions {
  host: string
  port: number
  user: string
  database?: string
  ssl?: { ca: string }
  iam: { region: string; endpoint: string; credentials: AwsCredentialIdentity }
}

/** An open session. */
interface Session {
  /** Asks the server for its version. */
  describe(): Promise<ServerObservation>
  /** Ends the session, and waits until the server closes the connection. */
  end(): Promise<unknown>
  /** Closes the connection at once. */
  destroy(): void
}

/** Describes the server of a session, and closes the session, even if the server does not answer. */
export async function describeServer(session: Session): Promise<ServerObservation> {
  const timeout = (): Error =>
    Object.assign(new Error(`within ${QUERY_LIMIT_MS / 1_000} s`), { code: 'timeout' })
  try {
    return await withTimeout(QUERY_LIMIT_MS, session.describe(), timeout)
  } catch (error) {
    const { code = 'unknown', message } = error as NodeJS.ErrnoException
    return { error: { code, message } }
  } finally {
    await withTimeout(CLOSE_LIMIT_MS, session.end(), timeout).catch(() => {})
    session.destroy()
  }
}
