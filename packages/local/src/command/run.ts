import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { LoginEvent } from '../audit'
import { startLocalRds, type LocalRds } from '../local-rds'
import { parseArguments, usage, UsageError, type Service } from './arguments'
import { writeAuthorityFile } from './authority-file'
import { explain } from './explanation'
import { loginLine } from './login-line'
import { readiness } from './readiness'
import type { StopRequest } from './stop-request'

/**
 * Runs the command until it is asked to stop.
 *
 * @returns the exit status: 0 when it was stopped, 1 when it could not start, 2 when it was called wrongly.
 */
export async function runCommand(args: readonly string[], stop: StopRequest): Promise<number> {
  try {
    const invocation = parseArguments(args)
    if (invocation.action === 'help') process.stdout.write(usage())
    else if (invocation.action === 'version') process.stdout.write(`${version()}\n`)
    else await serve(invocation, stop)
    return 0
  } catch (error) {
    const isUsage = error instanceof UsageError
    process.stderr.write(`rds-iam-local: ${explain(error)}${isUsage ? ' (see rds-iam-local --help)' : ''}\n`)
    return isUsage ? 2 : 1
  }
}

async function serve({ options, format, quiet, caFile }: Service, stop: StopRequest): Promise<void> {
  // Whoever waits for the file must not find one of an endpoint that was killed.
  if (caFile !== undefined) rmSync(caFile, { force: true })
  let rds: LocalRds
  try {
    rds = await startLocalRds({ ...options, signal: stop.signal })
  } catch (error) {
    if (stop.signal.aborted) return
    throw error
  }
  try {
    const authority = writeAuthorityFile(rds.ca, caFile)
    try {
      // What a shell evaluates is to stand alone.
      const log = format === 'shell' ? process.stderr : process.stdout
      const tell = (login: LoginEvent): void => void log.write(loginLine(login, format))
      process.stdout.write(readiness(rds, authority.path, format))
      if (!quiet) {
        rds.logins.forEach(tell) // whoever knew the port
        rds.events.on('login', tell)
      }
      stop.watchInput()
      await stop.requested()
    } finally {
      authority.remove()
    }
  } finally {
    await rds.close()
  }
}

function version(): string {
  const text = readFileSync(join(__dirname, '../../package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
