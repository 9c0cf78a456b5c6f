import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { LoginContext } from '../login'
import { relay, tieLifetimes } from '../relay'
import { changeUser, COM_CHANGE_USER } from './change-user'
import { watchForCommand } from './command-watch'
import { CAPABILITIES } from './packets'

/** A session that has begun. */
export interface MysqlSession {
  /** The client's connection. */
  client: Socket
  /** The same with TLS, where there is TLS. */
  stream: Duplex
  /** The backend's connection. */
  link: Duplex
  /** Capabilities that client and backend agreed on. */
  capabilities: number
  /** The endpoint. */
  context: LoginContext
}

/**
 * Passes bytes both ways, and answers the one command that brings a new token: COM_CHANGE_USER.
 *
 * In a compressed session that command is not seen, and goes to the backend like every other.
 */
export function relaySession(session: MysqlSession): void {
  const { stream, link, capabilities } = session
  if ((capabilities & (CAPABILITIES.compress | CAPABILITIES.zstd)) !== 0) return relay(stream, link)
  tieLifetimes(stream, link)
  link.pipe(stream, { end: false })
  const resume = (): void => {
    const stop = forwardCommands(stream, link, () => {
      stop()
      link.unpipe(stream)
      changeUser(session).then(
        (goOn) => {
          if (!goOn) return
          link.pipe(stream, { end: false })
          resume()
        },
        () => stream.destroy(),
      )
    })
  }
  resume()
}

/**
 * Passes the client's bytes on until a COM_CHANGE_USER begins, which is left unread.
 *
 * @returns a function that stops passing bytes on.
 */
function forwardCommands(stream: Duplex, link: Duplex, onChangeUser: () => void): () => void {
  const watch = watchForCommand(COM_CHANGE_USER)
  const forward = (bytes: Buffer): void => {
    if (bytes.length > 0 && link.writable && !link.write(bytes)) {
      stream.pause()
      link.once('drain', resume)
    }
  }
  const resume = (): void => void stream.resume()
  const onData = (data: Buffer): void => {
    const chunk = watch.pending.length === 0 ? data : Buffer.concat([watch.pending, data])
    const found = watch.next(chunk)
    if (found < 0)
      return forward(watch.pending.length === 0 ? chunk : chunk.subarray(0, -watch.pending.length))
    forward(chunk.subarray(0, found))
    stream.pause()
    stream.unshift(chunk.subarray(found))
    onChangeUser()
  }
  const onEnd = (): void => void link.end(watch.pending)
  stream.on('data', onData)
  // A client may have closed its half right after its token.
  if (stream.readableEnded) onEnd()
  else stream.once('end', onEnd)
  stream.resume()
  return () => {
    stream.off('data', onData)
    stream.off('end', onEnd)
    link.off('drain', resume)
  }
}
