import type { Duplex } from 'node:stream'
import { bindLifetimes } from '../relay'
import { changeUser, type MysqlSession } from './change-user'
import { CommandWatch } from './command-watch'
import { COMMANDS } from './packets'

/** Relays bytes both ways, and handles COM_CHANGE_USER, the one command that needs a new token. */
export function relaySession(session: MysqlSession): void {
  const { stream, upstream } = session
  upstream.pipe(stream, { end: false })
  const resume = (): void => {
    const stop = forwardCommands(
      stream,
      upstream,
      new CommandWatch(COMMANDS.changeUser, session.context.rewrite),
      () => {
        stop()
        upstream.unpipe(stream)
        changeUser(session).then(
          (continues) => {
            if (!continues) return
            upstream.pipe(stream, { end: false })
            resume()
          },
          () => stream.destroy(),
        )
      },
    )
  }
  resume()
  bindLifetimes(stream, upstream, session.context)
}

/**
 * Forwards the client's bytes until the watched command, which it leaves unread.
 *
 * @returns a function that stops the forwarding.
 */
function forwardCommands(
  stream: Duplex,
  upstream: Duplex,
  watch: CommandWatch,
  onCommand: () => void,
): () => void {
  const resume = (): void => void stream.resume()
  const onData = (data: Buffer): void => {
    const { passed, command } = watch.take(data)
    if (passed.length > 0 && upstream.writable && !upstream.write(passed)) {
      stream.pause()
      upstream.once('drain', resume)
    }
    if (command === undefined) return
    stream.pause()
    stream.unshift(command)
    onCommand()
  }
  const onEnd = (): void => void upstream.end(watch.pending)
  stream.on('data', onData)
  // The client may have closed its half right after its token.
  if (stream.readableEnded) onEnd()
  else stream.once('end', onEnd)
  stream.resume()
  return () => {
    stream.off('data', onData)
    stream.off('end', onEnd)
    upstream.off('drain', resume)
  }
}
