import { once } from 'node:events'
import { fstatSync } from 'node:fs'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Reports that the process should stop. */
export interface StopRequest {
  /** Aborted by SIGINT, SIGTERM or SIGHUP, when the output or input pipe is closed, or when npx has ended. */
  signal: AbortSignal
  /** From now on the end of the input is a request to stop; an input that ended before is ignored. */
  watchInput(): void
  /** Resolves when a request arrives. */
  requested(): Promise<void>
}

/** Starts to listen. From then on these signals do not end the process, and npx may send them repeatedly. */
export function listenForStop(): StopRequest {
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  for (const name of SIGNALS) process.on(name, stop)
  process.stdout.on('error', stop)
  process.stderr.on('error', stop)
  if (process.env.npm_lifecycle_event === 'npx') watchParent(stop)
  // Only a pipe: a terminal would stop a process that reads in the background.
  const readsInput = isPipe(0)
  if (readsInput) process.stdin.on('error', () => {}).resume()
  const { signal } = controller
  return {
    signal,
    watchInput() {
      if (readsInput) process.stdin.once('end', stop)
    },
    async requested() {
      if (!signal.aborted) await once(signal, 'abort')
    },
  }
}

const PARENT_CHECK_MS = 250

/** A signal to npx kills the shell between npx and us, and is not passed on. So watch the parent process. */
function watchParent(stop: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid !== parent) stop()
  }, PARENT_CHECK_MS)
  timer.unref()
}

function isPipe(descriptor: number): boolean {
  try {
    // As bigint: in Node 20 fstat of a pipe with plain numbers breaks the next realpath, and so the next require().
    const stats = fstatSync(descriptor, { bigint: true })
    return stats.isFIFO() || stats.isSocket()
  } catch {
    return false // it is closed
  }
}
