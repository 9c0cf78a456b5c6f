import type { Socket } from 'node:net'
import type { Backend } from '../backend'
import { logInToBackend } from './backend-login'
import type { Greeting } from './greeting'
import { plainResponse } from './handshake-response'
import { encodePacket } from './packets'

const LEAVE_TIME_MS = 5_000
const COM_QUIT = 1

/**
 * Closes a connection to the backend on which nobody has logged in.
 *
 * A MySQL server counts connections that are dropped in their handshake, and blocks the host that opens too many
 * of them (`max_connect_errors`). So a login is completed, with the backend's own user, and ended.
 */
export function leaveBackend(link: Socket, greeting: Greeting, backend: Backend): void {
  if (!backend.countsDroppedLogins || link.destroyed) {
    link.destroy()
    return
  }
  AbortSignal.timeout(LEAVE_TIME_MS).addEventListener('abort', () => link.destroy())
  logInToBackend(link, greeting, plainResponse(), backend, backend.login).then(
    ({ stream }) => stream.end(encodePacket(0, Buffer.from([COM_QUIT]))).resume(),
    () => link.destroy(),
  )
}
