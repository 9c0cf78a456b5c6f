import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

const manifest = createRequire(import.meta.url).resolve('@rds-iam/local/package.json')
const { bin, version } = JSON.parse(readFileSync(manifest, 'utf8')) as {
  bin: Record<string, string>
  version: string
}

/** The program behind the package's only command. */
export const program = join(dirname(manifest), Object.values(bin)[0] ?? '')

/** The package's version. */
export { version }

/** How the command ended, and all that it printed. */
export interface Ending {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** A command that runs. */
export interface RunningCommand {
  child: ChildProcess
  /** The next line of its standard output, or of the standard error output; undefined after its end. */
  line(stream?: 'stdout' | 'stderr'): Promise<string | undefined>
  ended: Promise<Ending>
}

/** Runs the command; its temporary files go to the directory. */
export function runCommand(
  directory: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunningCommand {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, TMPDIR: directory, ...env },
    stdio: 'pipe',
  })
  const texts = { stdout: '', stderr: '' }
  const lines = { stdout: '', stderr: '' } as unknown as Record<'stdout' | 'stderr', AsyncIterator<string>>
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => (texts[name] += chunk.toString()))
    lines[name] = createInterface({ input: child[name] })[Symbol.asyncIterator]()
  }
  const ended = once(child, 'close').then(([status, signal]) => ({
    status: status as number | null,
    signal: signal as NodeJS.Signals | null,
    ...texts,
  }))
  return {
    child,
    async line(stream = 'stdout') {
      const { value, done } = await lines[stream].next()
      return done === true ? undefined : value
    },
    ended,
  }
}

/** What the command says of itself with `--json`. */
export interface Readiness {
  engine: string
  host: string
  port: number
  caFile: string
  user: string
  database: string
  region: string
  env: Record<string, string>
  control?: { url: string; token: string }
}

/** Waits for the first line of a command with `--json`. */
export async function readiness({ line, ended }: RunningCommand): Promise<Readiness> {
  const first = await line()
  if (first === undefined) throw new Error((await ended).stderr)
  return JSON.parse(first) as Readiness
}

/** A directory for temporary files, which an account without rights may enter, as PostgreSQL's does. */
export function createScratch(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'command-'))
  chmodSync(path, 0o755)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Resolves when no process names the directory in its command line any more. */
export function processesGone(directory: string): void {
  while (spawnSync('ps', ['-A', '-ww', '-o', 'args='], { encoding: 'utf8' }).stdout.includes(directory));
}
