import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const PASSED_ON = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const
// On a terminal these reach the command by themselves, as it is in the same group of processes.
const OF_THE_TERMINAL = ['SIGINT', 'SIGQUIT'] as const

const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

/** How a command ended. */
export interface Ending {
  status: number
  /** The signal that ended it. */
  signal?: NodeJS.Signals
}

/** Runs a command in place of this one: its terminal, files and signals are ours. */
export function runChild(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const passing = new Map<NodeJS.Signals, () => void>()
    const settle = (): void => {
      for (const [signal, listener] of passing) process.off(signal, listener)
    }
    // Before the command is there, so that no signal falls between.
    let kill: (signal: NodeJS.Signals) => void = () => {}
    for (const signal of PASSED_ON) passing.set(signal, () => kill(signal))
    for (const signal of OF_THE_TERMINAL) passing.set(signal, () => process.stdin.isTTY || kill(signal))
    // Windows has fewer of them.
    for (const [signal, listener] of passing) if (signal in constants.signals) process.on(signal, listener)

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
