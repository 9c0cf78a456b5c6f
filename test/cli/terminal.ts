import { execFile } from 'node:child_process'
import { BARE, PROGRAM } from './command'

/** Runs the built command on a new terminal, and returns its output. */
export function onTerminal(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const command = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(' ')
  return new Promise((resolve) => {
    // The exit status is that of the command, which does not matter here.
    execFile('script', ['-qec', command, '/dev/null'], { env: { ...BARE, ...env } }, (_, stdout) =>
      resolve(stdout),
    )
  })
}
