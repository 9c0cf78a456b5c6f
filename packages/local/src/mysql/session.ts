import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { LoginContext } from '../login'
import { tieLifetimes } from '../relay'
import { changeUser, COM_CHANGE_USER } from './change-user'
import { CommandWatch } from './command-watch'

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

/** Passes bytes both ways, and answers the one command that brings a new token: COM_CHANGE_USER. */
export function relaySession(session: MysqlSession): void {
  const { stream, link } = session
  tieLifetimes(stream, link)
  link.pipe(stream, { end: false })
  const resume = (): void => {
    const stop = forwardCommands(stream, link, new CommandWatch(COM_CHANGE_USER), () => {
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
 * Passes the client's bytes on until the watched command begins, which is left unread.
 *
 * @returns a function that stops passing bytes on.
 */
function forwardCommands(
  stream: Duplex,
  link: Duplex,
  watch: CommandWatch,
  onCommand: () => void,
): () => void {
  const resume = (): void => void stream.resume()
  const onData = (data: Buffer): void => {
    const { passed, command } = watch.take(data)
    if (passed.length > 0 && link.writable && !link.write(passed)) {
      stream.pause()
      link.once('drain', resume)
    }
    if (command === undefined) return
    stream.pause()
    stream.unshift(command)
    onCommand()
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
