import type { IamOptions } from '@rds-iam/core'
import { withTimeout, type SslOptions } from '@rds-iam/core/internal'
import type { LoginObservation, ServerObservation } from '../checks/login'

const QUERY_LIMIT_MS = 5_000
const CLOSE_LIMIT_MS = 1_000

/** The options that the configurations of both drivers take. */
export interface DriverOptions {
  host: string
  port: number
  user: string
  database?: string | undefined
  ssl?: SslOptions | undefined
  iam: IamOptions
}

/** An open session. */
export interface Session {
  /** Asks the server what it is. */
  describe(): Promise<ServerObservation>
  /** Ends the session, and waits until the server closes the connection. */
  end(): Promise<unknown>
  /** Closes the connection at once. */
  destroy(): void
}

/** A login: what the server asked for, and either a session or an error. */
export interface OpenedSession extends Pick<LoginObservation, 'asked' | 'error'> {
  session?: Session
}

/** Logs in with the driver of an engine. */
export type OpenSession = (options: DriverOptions, limitMs: number) => Promise<OpenedSession>

const timeout = (): Error =>
  Object.assign(new Error(`within ${QUERY_LIMIT_MS / 1_000} s`), { code: 'timeout' })

/** Describes the server of a session. */
export async function describeServer(session: Session): Promise<ServerObservation> {
  try {
    return await withTimeout(QUERY_LIMIT_MS, session.describe(), timeout)
  } catch (error) {
    const { code = 'unknown', message } = error as NodeJS.ErrnoException
    return { error: { code, message } }
  }
}

/** Closes a session, even if the server does not answer. */
export async function closeSession(session: Session): Promise<void> {
  await withTimeout(CLOSE_LIMIT_MS, session.end(), timeout).catch(() => {})
  session.destroy()
}
