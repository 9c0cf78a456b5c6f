import { execFile } from 'node:child_process'

/**
 * Runs a program to its end and gives its standard output without the last line break.
 *
 * @throws {Error} with its standard error when its exit status is not 0.
 */
export function run(file: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trimEnd())
      else reject(new Error(stderr || error.message))
    })
  })
}
