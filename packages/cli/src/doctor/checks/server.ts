import { failed, ok, type Finding } from '../finding'
import type { ServerError } from './server-error'

/** What a session says about its server, or why its first query has no answer. */
export type ServerObservation =
  | {
      version: string
      isReader: boolean
      /** The version of TLS. */
      protocol: string
    }
  | { error: ServerError }

/** Which server it is, and whether it takes writes. */
export function checkServer(observation: ServerObservation): Finding {
  if (!('error' in observation)) {
    const { version, isReader, protocol } = observation
    return ok('server', `${version}, ${isReader ? 'a reader' : 'a writer'}, over ${protocol}`)
  }
  const { code, message } = observation.error
  if (code !== 'timeout') return { check: 'server', status: 'warning', seen: `a query fails: ${message}` }
  return failed('server', {
    code: 'PORT_SILENT',
    why: `the server accepts the login and does not answer a query (${message})`,
    fix: "Look at the server's load and log (console: Monitoring, Logs & events), and at any proxy in front of it.",
  })
}
