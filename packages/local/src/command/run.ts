import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { LoginEvent } from '../audit'
import { startLocalRds, type LocalRds } from '../local-rds'
import { parseArguments, usage, UsageError, type Service } from './arguments'
import { loginLine, readiness } from './output'
import { ScratchDirectory } from '../servers/scratch-directory'
import type { StopRequest } from './stop-request'

/**
 * Runs the command until it is asked to stop.
 *
 * @returns the exit status: 0 when it was stopped, 1 when it could not start, 2 for wrong usage.
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
  // A program that waits for the file must not find that of an endpoint that was killed.
  if (caFile !== undefined) rmSync(caFile, { force: true })
  let rds: LocalRds
  try {
    rds = await startLocalRds({ ...options, signal: stop.signal })
  } catch (error) {
    if (stop.signal.aborted) return
    throw error
  }
  const directory = caFile === undefined ? new ScratchDirectory() : undefined
  const path = directory === undefined ? resolve(caFile ?? '') : join(directory.path, 'ca.pem')
  try {
    writeFileSync(path, rds.ca)
    // In shell mode standard output has only the line to evaluate.
    const log = format === 'shell' ? process.stderr : process.stdout
    const tell = (login: LoginEvent): void => void log.write(loginLine(login, format))
    process.stdout.write(readiness(rds, path, format))
    if (!quiet) {
      rds.logins.forEach(tell) // from clients that knew the port
      rds.events.on('login', tell)
    }
    stop.watchInput()
    await stop.requested()
  } finally {
    directory?.remove()
    rmSync(path, { force: true })
    await rds.close()
  }
}

function version(): string {
  const text = readFileSync(join(__dirname, '../../package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Returns one line on why something failed, and what to do if that is known. */
function explain(error: unknown): string {
  const { message, code, address, port } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  if (code === 'EADDRINUSE')
    return `port ${port} is in use on ${address}: choose another one, or omit it for a free one`
  if (code === 'EACCES' && port !== undefined) return `port ${port} needs root: choose one above 1023`
  if (code === 'EADDRNOTAVAIL') return `${address} is not an address of this machine: choose another --host`
  return (error instanceof Error ? message : String(error)).trim().replace(/\s*\n\s*/g, ' | ')
}
