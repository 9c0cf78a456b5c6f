import { execFile } from 'node:child_process'
import { BARE, PROGRAM } from './command'

/** Runs the built command on a terminal of its own, and gives what that shows. */
export function onTerminal(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const command = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(' ')
  return new Promise((resolve) => {
    // Its status is the command's, which is not what this is about.
    execFile('script', ['-qec', command, '/dev/null'], { env: { ...BARE, ...env } }, (_, stdout) =>
      resolve(stdout),
    )
  })
}
