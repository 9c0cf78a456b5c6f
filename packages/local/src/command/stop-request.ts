import { fstatSync } from 'node:fs'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Says when the process is asked to stop. */
export interface StopRequest {
  /** Aborted by SIGINT, SIGTERM or SIGHUP, or when nobody reads the output, holds the input, or runs npx any more. */
  signal: AbortSignal
  /** Begins to take the end of the input for a request; an input that has ended by then means nothing. */
  watchInput(): void
  /** Resolves when the request comes. */
  requested(): Promise<void>
}

/** Begins to listen. From then on the signals do not end the process: repeated ones, as npx sends, change nothing. */
export function listenForStop(): StopRequest {
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  for (const name of SIGNALS) process.on(name, stop)
  process.stdout.on('error', stop)
  process.stderr.on('error', stop)
  if (process.env.npm_lifecycle_event === 'npx') watchParent(stop)
  // Only where a process holds the other end. A terminal would stop a process that reads in the background.
  const readsInput = isPipe(0)
  if (readsInput) process.stdin.on('error', () => {}).resume()
  return {
    signal: controller.signal,
    watchInput() {
      if (readsInput) process.stdin.once('end', stop)
    },
    requested() {
      return new Promise((resolve) => {
        if (controller.signal.aborted) resolve()
        else controller.signal.addEventListener('abort', () => resolve())
      })
    },
  }
}

const PARENT_CHECK_MS = 250

/** Signals to npx reach the shell between it and us, which dies of them and does not tell. */
function watchParent(stop: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid !== parent) stop()
  }, PARENT_CHECK_MS)
  timer.unref()
}

function isPipe(descriptor: number): boolean {
  try {
    // As bigint, for the plain numbers of a pipe mislead the next realpath in Node 20, and with it the next require().
    const stats = fstatSync(descriptor, { bigint: true })
    return stats.isFIFO() || stats.isSocket()
  } catch {
    return false // it is closed
  }
}
