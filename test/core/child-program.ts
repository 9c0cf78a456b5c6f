import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** How a program ended. */
export interface ProgramEnd {
  status: number | null
  stdout: string
  stderr: string
}

/**
 * Runs an ES module in a child process, which an unhandled error ends. The module can use the value `given`. `onLine`
 * is called with each line that the module prints.
 */
export async function runProgram(
  source: string,
  given: object,
  onLine: (line: string) => void = () => {},
): Promise<ProgramEnd> {
  const program = `const given = JSON.parse(process.env.GIVEN)\n${source}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, GIVEN: JSON.stringify(given) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const end: ProgramEnd = { status: null, stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => {
    end.stdout += data
    for (const line of String(data).split('\n')) if (line) onLine(line)
  })
  child.stderr.on('data', (data: Buffer) => (end.stderr += data))
  const [status] = (await once(child, 'close')) as [number | null]
  return { ...end, status }
}
