import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect } from 'vitest'

/** The output and the exit status of a command. */
export interface Outcome {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export const PROGRAM = fileURLToPath(new URL('../../packages/cli/bin/rds-iam.js', import.meta.url))
const PRELOAD = fileURLToPath(new URL('preload.cjs', import.meta.url))
const HOST = fileURLToPath(new URL('process-of-commands.cjs', import.meta.url))

/** An environment without the AWS settings of this machine. */
export const BARE = {
  PATH: process.env['PATH'] ?? '',
  HOME: tmpdir(),
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
}

/**
 * The environment that shifts a command's clock, has it ask a name server of the test's, gives addresses to the names
 * in a file or to localhost, or shortens the relay's time limit for a login.
 */
export function preload(settings: {
  TEST_DNS?: string
  TEST_HOSTS?: string
  TEST_LOCALHOST?: string
  TEST_AHEAD_MS?: string
  TEST_LOGIN_LIMIT_MS?: string
}): Record<string, string> {
  return { ...settings, NODE_OPTIONS: `--require=${PRELOAD}` }
}

/**
 * Runs the built command, after the shell command `limit`. `begun` gets its process. Fails if the output contains a
 * secret of the environment or a signature; only `token` may print one.
 */
export function rdsIam(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: { cwd?: string; limit?: string; begun?: (child: ReturnType<typeof spawn>) => void } = {},
): Promise<Outcome> {
  const { limit } = options
  const program = [process.execPath, PROGRAM, ...args]
  const [command = '', ...words] = limit ? ['sh', '-c', `${limit}; exec "$@"`, 'sh', ...program] : program
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, {
      env: { ...BARE, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    const output = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
    child.once('error', reject)
    child.once('close', (status, signal) => {
      try {
        expectNoSecrets(output, args, env)
        resolve({ status, signal, ...output })
      } catch (error) {
        reject(error)
      }
    })
    options.begun?.(child)
  })
}

/** Runs the command with the same result as {@link rdsIam}. */
export type RunCommand = (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Outcome>

/**
 * Starts a process that runs the command many times, because loading the AWS SDK and the drivers takes longer than most
 * runs. A run with NODE_OPTIONS starts its own process.
 */
export async function startCommandProcess(): Promise<{ run: RunCommand; close(): Promise<void> }> {
  const bundle = await bundleCommand()
  const child = fork(HOST, [bundle, PROGRAM], { execArgv: [], env: BARE })
  let runs = 0
  return {
    async run(args, env = {}) {
      if (env['NODE_OPTIONS']) return rdsIam(args, env)
      const id = ++runs
      const outcome = new Promise<Outcome>((resolve, reject) => {
        const receive = (message: { id: number; outcome: Outcome }) => {
          if (message.id === id) end(() => resolve(message.outcome))
        }
        const fail = () => end(() => reject(new Error('the process that runs the commands ended')))
        const end = (settle: () => void) => {
          child.off('message', receive).off('exit', fail)
          settle()
        }
        child.on('message', receive).on('exit', fail)
      })
      child.send({ id, args, env: { ...BARE, ...env } })
      expectNoSecrets(await outcome, args, env)
      return outcome
    },
    async close() {
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      await closed
    },
  }
}

/** Bundles the built command with all its dependencies. Returns the path of the bundle. */
async function bundleCommand(): Promise<string> {
  const outfile = fileURLToPath(new URL('../node_modules/.cache/programs/rds-iam.cjs', import.meta.url))
  await build({
    entryPoints: [PROGRAM],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['pg-native', 'pg-cloudflare'],
    logLevel: 'error',
  })
  return outfile
}

function expectNoSecrets(
  { stdout, stderr }: { stdout: string; stderr: string },
  [command]: readonly string[],
  env: Readonly<Record<string, string>>,
): void {
  const printed = stdout + stderr
  const isToken = command === 'token'
  const { AWS_SECRET_ACCESS_KEY: secretKey, AWS_SESSION_TOKEN: sessionToken } = env
  // An empty variable is not a secret.
  for (const secret of [secretKey, isToken ? '' : sessionToken]) {
    if (!secret) continue
    expect(printed).not.toContain(secret)
    expect(printed).not.toContain(encodeURIComponent(secret))
  }
  if (!isToken) expect(printed).not.toMatch(/X-Amz-Signature=[0-9a-f]|X-Amz-Security-Token=\w/)
}
