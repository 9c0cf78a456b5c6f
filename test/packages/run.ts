import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Runs a command and gives its output; the error of one that fails holds all that it said. */
export async function run(
  command: string,
  args: string[],
  options: { cwd: string; env?: object },
): Promise<string> {
  // Only Windows' npm needs a shell, as it is a .cmd file there.
  const shell = process.platform === 'win32' && command === 'npm'
  const env = { ...process.env, ...options.env }
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      cwd: options.cwd,
      env,
      shell,
      timeout: 240_000,
    })
    return stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
  }
}
