import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const
// A terminal sends these to the command too: it is in the same process group.
const TERMINAL_SIGNALS = ['SIGINT', 'SIGQUIT'] as const

const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

/** How a command ended. */
export interface ExitResult {
  status: number
  /** The signal that ended the command. */
  signal?: NodeJS.Signals
}

/** Runs a command with our terminal, files and signals. */
export function runChild(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ExitResult> {
  return new Promise((resolve, reject) => {
    const listeners = new Map<NodeJS.Signals, () => void>()
    const settle = (): void => {
      for (const [signal, listener] of listeners) process.off(signal, listener)
    }
    // Listen before the command starts, so that no signal is lost.
    let kill: (signal: NodeJS.Signals) => void = () => {}
    for (const signal of FORWARDED) listeners.set(signal, () => kill(signal))
    for (const signal of TERMINAL_SIGNALS) listeners.set(signal, () => process.stdin.isTTY || kill(signal))
    // Windows has fewer signals.
    for (const [signal, listener] of listeners) if (signal in constants.signals) process.on(signal, listener)

    const child = spawn(command, args, { stdio: 'inherit', env })
    kill = (signal) => void child.kill(signal)
    child.once('error', (error: NodeJS.ErrnoException) => {
      settle()
      if (error.code !== 'ENOENT' && error.code !== 'EACCES') return reject(error)
      const isMissing = error.code === 'ENOENT'
      process.stderr.write(`rds-iam: ${command}: ${isMissing ? 'command not found' : 'cannot be executed'}\n`)
      resolve({ status: isMissing ? NOT_FOUND : NOT_EXECUTABLE })
    })
    child.once('exit', (status, signal) => {
      settle()
      resolve(signal ? { status: 128 + constants.signals[signal], signal } : { status: status ?? 1 })
    })
  })
}
